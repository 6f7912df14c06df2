# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends of overlay networks on one machine: loopback addresses, and the namespace of the test."""

from __future__ import annotations

import socket
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.probe import overlay
from ansible_collections.flotilla.swarm.plugins.modules import overlay_probe
from fake_engine import FakeEngine, network, node
from module_runner import run_module_main

MakeFake = t.Callable[..., FakeEngine]


@pytest.fixture(autouse=True)
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    with socket.create_server(("", 0)) as server:
        free = int(server.getsockname()[1])
    monkeypatch.setattr(overlay, "PORT", free)
    monkeypatch.setattr(overlay, "LIFETIME_SECONDS", 10)
    monkeypatch.setattr(overlay, "_PATIENCE_SECONDS", 0.5)
    return free


@pytest.fixture(autouse=True)
def namespaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(overlay, "NAMESPACES", str(tmp_path))
    (tmp_path / "ingress_sbox").touch()
    return tmp_path


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay, "_enter", lambda namespace: None)


def end(address: str, name: str = "ingress", namespace: str = "ingress_sbox", encrypted: bool = False) -> dict[str, t.Any]:
    return {"network": name, "namespace": namespace, "address": address, "encrypted": encrypted}


def tell(fake: FakeEngine) -> list[dict[str, t.Any]]:
    return list(run_module_main(overlay_probe.main, {"docker_host": fake.docker_host})["ends"])


def swallow_full_packets(server: socket.socket) -> None:
    connection, _peer = server.accept()
    with connection:
        connection.sendall(connection.recv(16))
        while connection.recv(1 << 16):
            pass


def test_check_mode_neither_listens_nor_sends(fake_engine: MakeFake, here: None, port: int) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)])
    ingress = next(each for each in fake.cluster.networks.values() if each["Ingress"])
    ingress["Containers"] = {"ingress-sbox": {"Name": "ingress-endpoint", "IPv4Address": "127.0.0.9/24"}}
    planned = run_module_main(overlay_probe.main, {"docker_host": fake.docker_host}, check=True)
    assert (planned["changed"], planned["ends"]) == (True, [end("127.0.0.9")])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.9", port), 1)
    with socket.create_server(("127.0.0.9", port)) as server:
        server.settimeout(0.2)
        planned = run_module_main(overlay_probe.main, {"peers": {"w1": [end("127.0.0.9")]}}, check=True)
        assert (planned["changed"], "networks" in planned) == (True, False)
        with pytest.raises(OSError, match="timed out"):
            server.accept()


def test_what_came_back_is_told(here: None, port: int) -> None:
    for _run in range(2):
        overlay.listen([end("127.0.0.2")])
    with socket.create_server(("127.0.0.3", port)) as narrow, socket.create_server(("127.0.0.4", port)):
        thread = threading.Thread(target=swallow_full_packets, args=[narrow])
        thread.start()
        peers = {"good": "127.0.0.2", "narrow": "127.0.0.3", "silent": "127.0.0.4", "closed": "127.0.0.5"}
        told = run_module_main(overlay_probe.main, {"peers": {name: [end(address)] for name, address in peers.items()}})
        thread.join()
    reached = {"good": "open", "narrow": "only small packets", "silent": "no answer", "closed": "Connection refused"}
    assert told["networks"] == [{"network": "ingress", "ingress": True, "encrypted": False, "reached": reached, "in_clear": []}]
    assert "has_keys" not in told


def test_an_end_is_found_on_members_only(fake_engine: MakeFake, here: None, namespaces: Path) -> None:
    """Without encrypted networks by one list and one network."""
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], networks=[network("other")])
    ingress = next(each for each in fake.cluster.networks.values() if each["Ingress"])
    ingress["Containers"] = {"ingress-sbox": {"Name": "ingress-endpoint", "IPv4Address": "127.0.0.6/24"}}
    assert tell(fake) == [end("127.0.0.6")]
    asked = [request.path for request in fake.requests if "networks" in request.path]
    assert asked == ["/networks", f"/networks/{ingress['Id']}"]
    assert run_module_main(overlay_probe.main, {"peers": {"m1": [end("127.0.0.6")]}})["networks"][0]["reached"] == {"m1": "open"}
    (namespaces / "ingress_sbox").unlink()
    assert tell(fake) == []
    (namespaces / "ingress_sbox").touch()
    del ingress["Containers"]
    assert tell(fake) == tell(fake_engine()) == []


def test_the_ends_of_encrypted_networks_are_those_of_networks_that_have_a_task_here(
    fake_engine: MakeFake, here: None, namespaces: Path
) -> None:
    options: dict[str, t.Any] = {"Options": {"encrypted": ""}}
    networks = [network("secret", **options), network("elsewhere", **options), network("plain")]
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], networks=networks)
    for number, each in enumerate(fake.cluster.networks.values(), 10):
        name = each["Name"]
        (namespaces / f"lb_{each['Id'][:9]}").touch()
        each["Containers"] = {f"{name}-sbox" if name == "ingress" else f"lb-{name}": {"IPv4Address": f"127.0.0.{number}/24"}}
        if name == "elsewhere":
            (namespaces / f"lb_{each['Id'][:9]}").unlink()
    found = tell(fake)
    assert [(each["network"], each["encrypted"]) for each in found] == [("ingress", False), ("secret", True)]
    secret = next(each for each in fake.cluster.networks.values() if each["Name"] == "secret")
    assert found[1]["namespace"] == f"lb_{secret['Id'][:9]}"
    with socket.create_connection((found[1]["address"], overlay.PORT), 1):
        pass


class Tap:
    """Sees of the first two ways the second."""

    def mark(self, number: int) -> bytes:
        return b"mark %d" % number

    def clear(self) -> set[int]:
        return {1}


def test_what_can_be_read_is_told_of_encrypted_networks(here: None, port: int, namespaces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that went here since the first run, or was never here, is left out."""
    monkeypatch.setattr(overlay, "WireTap", Tap)
    monkeypatch.setattr(overlay, "has_keys", lambda: True)
    (namespaces / "lb_secret").touch()
    overlay.listen([end("127.0.0.2"), end("127.0.0.7")])
    ends = [end("127.0.0.2"), end("127.0.0.7", "secret", "lb_secret", True), end("127.0.0.8", "gone", "lb_gone", True)]
    with socket.socket(type=socket.SOCK_DGRAM) as plain, socket.socket(type=socket.SOCK_DGRAM) as secret:
        plain.bind(("127.0.0.2", port))
        secret.bind(("127.0.0.7", port))
        told = run_module_main(overlay_probe.main, {"peers": {"w1": ends}})
        assert secret.recv(99) == b"mark 1"
        plain.setblocking(False)
        with pytest.raises(BlockingIOError):
            plain.recv(99)
    assert told["has_keys"] is True
    assert told["networks"] == [
        {"network": "ingress", "ingress": True, "encrypted": False, "reached": {"w1": "open"}, "in_clear": []},
        {"network": "secret", "ingress": False, "encrypted": True, "reached": {"w1": "open"}, "in_clear": ["w1"]},
    ]


def test_the_namespace_that_can_not_be_entered_is_named() -> None:
    done = run_module_main(overlay_probe.main, {"peers": {"w1": [end("127.0.0.2")]}})
    assert done["exit_code"] == 1 and "ingress_sbox): Invalid argument. Become root" in done["msg"]
