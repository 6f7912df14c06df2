# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io import names


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int | None], None]]:
    """A name server at this host, which answers with a code, or not at all; the port is one that needs no root."""
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.bind(("127.0.0.1", 0))
    port, resolve = asked.getsockname()[1], socket.getaddrinfo
    monkeypatch.setattr(names, "_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, _port, **more: resolve(host, port, **more))

    def answer(code: int | None) -> None:
        def serve() -> None:
            while True:
                question, place = asked.recvfrom(512)
                if not question:
                    return
                if code is not None:
                    asked.sendto(question[:2] + bytes([0x81, 0x80 | code]) + question[4:], place)

        threading.Thread(target=serve, daemon=True).start()

    yield answer
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"", ("127.0.0.1", port))


HERE = "search lan\nnameserver 127.0.0.1\noptions ndots:0\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, ""),
        (3, ""),
        (5, ""),  # one that refuses such a question is there
        (2, "no name server helps: 127.0.0.1 can't look names up"),
        (None, "no name server helps: 127.0.0.1 does not answer within 0.4 s"),
    ],
)
def test_what_a_server_says(server: Callable[[Any], None], code: int | None, expected: str) -> None:
    server(code)
    assert names.find_names_problem(HERE) == expected


def test_one_that_helps_is_enough(server: Callable[[Any], None]) -> None:
    server(0)
    assert names.find_names_problem(f"nameserver nonsense\n{HERE}") == ""
    assert "nonsense" in names.find_names_problem("nameserver nonsense")
    assert names.find_names_problem("search lan") == "/etc/resolv.conf has no name server"
