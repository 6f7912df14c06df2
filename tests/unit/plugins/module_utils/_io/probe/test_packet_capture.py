# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel hands over of what leaves this machine, by its loopback device."""

from __future__ import annotations

import os
import socket

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.probe import packet_capture as wire_tap
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError

HEADERS = bytes(8 + 14 + 20 + 8)  # VXLAN, and of what it carries Ethernet, IP and UDP
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may watch a network")


def send(payload: bytes, family: int = socket.AF_INET) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.sendto(payload, ("127.0.0.1" if family == socket.AF_INET else "::1", 9))


@as_root
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_marks_in_the_place_of_what_an_overlay_network_carries_are_seen(family: int) -> None:
    tap = wire_tap.WireTap()
    assert tap.clear() == set()
    try:
        for number in (3, 70_000):
            send(HEADERS + tap.mark(number) + b"more", family)
    except OSError:
        pytest.skip("this machine has no such address")
    assert tap.clear() == {3, 70_000} == tap.clear()


@as_root
def test_other_packets_are_not() -> None:
    tap, other = wire_tap.WireTap(), wire_tap.WireTap()
    mark = tap.mark(1)
    for payload in (mark, HEADERS + b"x" + mark, HEADERS + mark[:4] + bytes(8), HEADERS + mark[:9], HEADERS + other.mark(1), b""):
        send(payload)
    assert tap.clear() == set()


def test_who_may_not_watch_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(FlotillaError, match=r"watching what leaves this host: Operation not permitted. Become root \(become: true\)."):
        wire_tap.WireTap()
    assert wire_tap.has_keys() is False


@pytest.mark.parametrize(("answer", "held"), [(3, True), (0, False), (None, False)])
def test_keys_are_counted(monkeypatch: pytest.MonkeyPatch, answer: int | None, held: bool) -> None:
    """As kernels answer; some with an error instead, which is shorter."""

    class Kernel:
        def __enter__(self) -> Kernel:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

        def setblocking(self, _wait: bool) -> None:
            pass

        def send(self, request: bytes) -> None:
            assert len(request) == request[0] == 20

        def recv(self, _size: int) -> bytes:
            head = bytes.fromhex("2800000022000000010000006505000000000000")
            return head[:16] if answer is None else head + bytes.fromhex("08000100") + answer.to_bytes(4, "little")

    monkeypatch.setattr(socket, "socket", lambda *_kind: Kernel())
    assert wire_tap.has_keys() is held
