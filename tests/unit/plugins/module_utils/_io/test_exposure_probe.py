# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Against real servers on this host: which of them is a registry, and whether it asks for a login."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io import exposure as exposure_probe


class Answer(http.server.BaseHTTPRequestHandler):
    status = 200
    headers_too = {"Docker-Distribution-Api-Version": "registry/2.0"}

    def do_GET(self) -> None:
        assert self.path == "/v2/" and "Authorization" not in self.headers
        self.send_response(self.status)
        for name, value in self.headers_too.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Any]:
    servers = []

    def start(status: int, pem: str = "", **headers: str) -> str:
        handler = type("Handler", (Answer,), {"status": status, "headers_too": headers or Answer.headers_too})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"{server.server_address[1]}/tcp"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class FakeHost:
    """Commands and files as texts; certificates lie in a real directory."""

    def __init__(self, listing: str, files: dict[str, str] | None = None, names: tuple[str, ...] = ()) -> None:
        self.listing, self.files, self.names = listing, files or {}, names

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        assert argv == ["ss", "-Hltunp"]
        return 0, self.listing, ""

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def list_dir(self, path: str) -> list[str]:
        if path.endswith("exports.d"):
            return sorted(name.rpartition("/")[2] for name in self.files if name.startswith(path))
        return list(self.names)


def listening(port: str, address: str = "0.0.0.0") -> str:
    return f'tcp LISTEN 0 4096 {address}:{port.partition("/")[0]} 0.0.0.0:* users:(("docker-proxy",pid=9,fd=4))\n'


def look(host: FakeHost, config: dict[str, Any] | None = None) -> dict[str, Any]:
    stand_in: Any = host  # of the methods that are called
    return exposure_probe.read_exposure(stand_in, config or {}, {})


@pytest.mark.parametrize(("status", "is_open"), [(200, True), (401, False)])
def test_a_registry_that_asks_for_no_login_is_open(serve: Any, monkeypatch: pytest.MonkeyPatch, status: int, is_open: bool) -> None:
    port = serve(status)
    monkeypatch.setattr(exposure_probe, "REGISTRY_PORT", port)
    found = look(FakeHost(listening(port)))
    assert found["registries"] == [{"port": port, "tls": False, "open": is_open, "certificate_days": None}]
    assert found["ports"] == [port]
    assert look(FakeHost(listening(port, "127.0.0.1")))["registries"] == []  # nobody else reaches it


def test_what_is_no_registry_is_none(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposure_probe, "REGISTRY_PORT", serve(200, Server="another"))
    assert look(FakeHost(listening(exposure_probe.REGISTRY_PORT)))["registries"] == []
    monkeypatch.setattr(exposure_probe, "REGISTRY_PORT", "1/tcp")
    assert look(FakeHost(listening("1/tcp")))["registries"] == []


def test_a_registry_with_a_certificate_of_ours_tells_when_it_ends(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "ansible_collections.flotilla.swarm.plugins.plugin_utils.registry_credentials"
    credentials = pytest.importorskip(name, exc_type=ImportError)  # it is for the controller's Python
    now = datetime.now(timezone.utc)
    made, other = (credentials.complete({}, "127.0.0.1:5000", (), now, "file").credentials for _twice in range(2))
    (tmp_path / "server.pem").write_text(made["certificate"] + made["key"])
    port = serve(401, str(tmp_path / "server.pem"))
    name = f"10.0.0.9:{port.partition('/')[0]}"
    (tmp_path / name).mkdir()
    monkeypatch.setattr(exposure_probe, "CERTIFICATES", str(tmp_path))
    ca = tmp_path / name / "ca.crt"
    for text, days in ((made["ca"], 825.0), (other["ca"], None)):
        ca.write_text(text)
        found = look(FakeHost(listening(port), names=(name,)))
        assert found["registries"] == [{"port": port, "tls": True, "open": False, "certificate_days": days}]


def test_files_are_read_as_they_are() -> None:
    files = {"/etc/exports": "/a *(rw)", "/etc/exports.d/x.exports": "/b", "/etc/exports.d/x.bak": "/c"}
    found = look(FakeHost("", files), {"hosts": ["tcp://0.0.0.0:2375"], "metrics-addr": "0.0.0.0:9323"})
    assert (found["exports"], found["engine"], found["metrics"]) == (["/a", "/b"], ["0.0.0.0:2375"], "0.0.0.0:9323")
    assert look(FakeHost(""), {"hosts": ["tcp://0.0.0.0:2376"], "tlsverify": True})["engine"] == []
