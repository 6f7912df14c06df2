# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines on other hosts: by TLS with certificates made here, by ssh with a program in its place."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import Engine, EngineError
from fake_engine import FakeEngine, node

MakeFake = t.Callable[..., FakeEngine]
NODES = [node("m1", role="manager", leader=True)]
# Forwards by a link instead; its last arguments are `--` and the host.
SSH = """#!/bin/sh
echo "$@" >> {folder}/calls
for last; do :; done
case $last in
nowhere) echo 'warning: something else' >&2; echo 'root@nowhere: Permission denied (publickey).' >&2; exit 255;;
slow) exec sleep 60;;
esac
while [ "$1" != -L ]; do shift; done
ln -s "${{2#*:}}" "${{2%%:*}}"
exec sleep 60
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "ssh"
    program.write_text(SSH.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "calls"


def test_ssh_forwards_the_socket_and_ends_with_the_engine(fake_engine: MakeFake, ssh: Path) -> None:
    fake = fake_engine(nodes=NODES)
    engine = Engine.connect(f"ssh://root@manager.example.org:2222{fake.docker_host.removeprefix('unix://')}")
    assert [each["ID"] for each in engine.get("/nodes")] == [NODES[0]["ID"]]
    words = ssh.read_text().split()
    assert words[-5:] == ["2222", "-l", "root", "--", "manager.example.org"]
    assert "BatchMode=yes" in words
    link = Path(words[words.index("-L") + 1].partition(":")[0])
    assert link.is_symlink() and link.parent.stat().st_mode & 0o077 == 0
    del engine
    assert not link.parent.exists()


def test_ssh_tells_its_last_words(ssh: Path) -> None:
    with pytest.raises(EngineError) as error:
        Engine.connect("ssh://root@nowhere")
    assert str(error.value) == (
        "connecting to the engine at ssh://root@nowhere: root@nowhere: Permission denied (publickey). "
        "Check that this works without a prompt: ssh root@nowhere true."
    )
    assert "-L" in ssh.read_text() and ":/var/run/docker.sock" in ssh.read_text()
    with pytest.raises(EngineError, match="ssh has no connection after 1 s"):
        Engine.connect("ssh://slow", timeout=1)


def test_without_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EngineError, match="ssh can't be run"):
        Engine.connect("ssh://host")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem, cert.pem and key.pem as a client has them, and the server's."""
    if not shutil.which("openssl"):
        pytest.skip("certificates are made by openssl, which is not here")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("ca", "other"):
        openssl("req", "-x509", *new, "-keyout", f"{name}-key.pem", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name, key in (("server", "server-key"), ("cert", "key")):
        openssl("req", *new, "-keyout", f"{key}.pem", "-out", "request", "-subj", f"/CN={name}")
        signed = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-extfile", "names", "-days", "2"]
        openssl("x509", "-req", "-in", "request", "-out", f"{name}.pem", *signed)
    return folder


@pytest.fixture
def tls_port(certificates: Path, fake_engine: MakeFake) -> t.Iterator[int]:
    """An engine behind TLS that asks for the client's certificate."""
    path = fake_engine(nodes=NODES).docker_host.removeprefix("unix://")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server-key.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server, context, path), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def serve(server: socket.socket, context: ssl.SSLContext, path: str) -> None:
    while True:
        try:
            client, _address = server.accept()
        except OSError:
            return
        threading.Thread(target=relay, args=(client, context, path), daemon=True).start()


def relay(client: socket.socket, context: ssl.SSLContext, path: str) -> None:
    try:
        with context.wrap_socket(client, server_side=True) as outside, socket.socket(socket.AF_UNIX) as inside:
            inside.connect(path)
            threading.Thread(target=copy, args=(inside, outside), daemon=True).start()
            copy(outside, inside)
    except OSError:
        client.close()


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass


def test_tls_with_certificates_of_both(tls_port: int, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they would take the place of ca_path
        monkeypatch.delenv(name, raising=False)
    pair: dict[str, t.Any] = {"client_cert": str(certificates / "cert.pem"), "client_key": str(certificates / "key.pem")}
    engine = Engine.connect(f"tcp://127.0.0.1:{tls_port}", validate_certs=True, ca_path=str(certificates / "ca.pem"), **pair)
    assert len(engine.get("/nodes")) == 1
    unchecked = Engine.connect(f"tcp://127.0.0.1:{tls_port}", tls=True, validate_certs=False, **pair)
    assert len(unchecked.get("/nodes")) == 1
    with pytest.raises(EngineError, match=r"(?i)certificate.*Set ca_path"):
        Engine.connect(f"tcp://127.0.0.1:{tls_port}", tls=True, **pair)
    with pytest.raises(EngineError, match=r"(?i)certificate"):
        Engine.connect(f"tcp://127.0.0.1:{tls_port}", validate_certs=True, ca_path=str(certificates / "other.pem"), **pair)
    with pytest.raises(EngineError, match="connecting to the engine"):
        Engine.connect(f"tcp://127.0.0.1:{tls_port}", validate_certs=True, ca_path=str(certificates / "ca.pem"))
