# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends of the ingress network on one machine: loopback addresses, and the namespace of the test."""

from __future__ import annotations

import socket
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils import overlay_probe
from ansible_collections.flotilla.swarm.plugins.modules import overlay_info
from fake_engine import FakeEngine, network, node
from module_runner import run_module_main

MakeFake = t.Callable[..., FakeEngine]


@pytest.fixture(autouse=True)
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    with socket.create_server(("", 0)) as server:
        free = int(server.getsockname()[1])
    monkeypatch.setattr(overlay_probe, "PORT", free)
    monkeypatch.setattr(overlay_probe, "LIFETIME_SECONDS", 10)
    monkeypatch.setattr(overlay_probe, "_PATIENCE_SECONDS", 0.5)
    return free


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay_probe, "_enter", lambda: None)


def swallow_full_packets(server: socket.socket) -> None:
    connection, _peer = server.accept()
    with connection:
        connection.sendall(connection.recv(16))
        while connection.recv(1 << 16):
            pass


def test_what_came_back_is_told(here: None, port: int) -> None:
    overlay_probe.listen("127.0.0.2")
    overlay_probe.listen("127.0.0.2")
    with socket.create_server(("127.0.0.3", port)) as narrow, socket.create_server(("127.0.0.4", port)):
        thread = threading.Thread(target=swallow_full_packets, args=[narrow])
        thread.start()
        peers = {"good": "127.0.0.2", "narrow": "127.0.0.3", "silent": "127.0.0.4", "closed": "127.0.0.5"}
        told = run_module_main(overlay_info.main, {"peers": peers})
        thread.join()
    assert told["reached"] == {"good": "open", "narrow": "only small packets", "silent": "no answer", "closed": "Connection refused"}


def test_an_end_is_found_on_members_only(fake_engine: MakeFake, here: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], networks=[network("other")])
    ingress = next(each for each in fake.cluster.networks.values() if each["Ingress"])
    ingress["Containers"] = {"ingress-sbox": {"Name": "ingress-endpoint", "IPv4Address": "127.0.0.6/24"}}

    def tell(engine: FakeEngine) -> str:
        return str(run_module_main(overlay_info.main, {"docker_host": engine.docker_host})["address"])

    monkeypatch.setattr(overlay_probe, "NAMESPACE", str(tmp_path / "none"))
    assert tell(fake) == ""
    monkeypatch.setattr(overlay_probe, "NAMESPACE", str(tmp_path))
    assert tell(fake) == "127.0.0.6"
    assert run_module_main(overlay_info.main, {"peers": {"m1": "127.0.0.6"}})["reached"] == {"m1": "open"}
    del ingress["Containers"]
    assert tell(fake) == tell(fake_engine()) == ""


def test_the_namespace_that_can_not_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay_probe, "NAMESPACE", str(tmp_path / "none"))
    done = run_module_main(overlay_info.main, {"peers": {"w1": "127.0.0.2"}})
    assert done["exit_code"] == 1 and "none): No such file or directory. Become root" in done["msg"]
