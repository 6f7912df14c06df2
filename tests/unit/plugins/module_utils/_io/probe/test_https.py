# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are asked over HTTPS, at a server of the test's own."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.edge import VIA, Answer
from ansible_collections.flotilla.swarm.plugins.module_utils._io.probe import https

from tests.scenario.certificates import Signed, sign

HOST = "page.example.org"
AUTHORITY = sign("The test's authority")


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert self.headers["Host"] == HOST
        self.send_response(404 if self.path == "/gone" else 200)
        if self.path != "/gone":
            self.send_header("Via", f"1.0 other, {VIA}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


def served(signed: Signed, folder: Path) -> http.server.ThreadingHTTPServer:
    (folder / "certificate").write_text(signed.certificate)
    (folder / "key").write_text(signed.key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def good() -> Signed:
    return sign("page", [HOST], days=10, by=AUTHORITY)


@pytest.fixture(scope="module")
def port(good: Signed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = served(good, tmp_path_factory.mktemp("tls"))
    yield server.server_address[1]
    server.shutdown()


def ask(port: int, trusted: str, host: str = HOST, path: str = "/") -> Answer:
    return https.ask("127.0.0.1", host, path, https._context(trusted), port)


def test_a_page_with_a_good_certificate(port: int) -> None:
    answer = ask(port, AUTHORITY.certificate)
    assert (answer.status, answer.is_routed, answer.error, answer.untrusted) == (200, True, "", "")
    assert answer.begins < time.time() < answer.ends < time.time() + 11 * 86400


def test_an_answer_of_nobodys_route_is_known(port: int) -> None:
    answer = ask(port, AUTHORITY.certificate, path="/gone")
    assert (answer.status, answer.is_routed) == (404, False)


def test_a_certificate_that_was_given_is_good_without_its_authority(port: int, good: Signed) -> None:
    assert ask(port, good.certificate).status == 200


@pytest.mark.parametrize(
    ("trusted", "host", "words"),
    [
        ("", HOST, "unable to get local issuer certificate"),
        ("no certificate at all", HOST, "unable to get local issuer certificate"),
        (AUTHORITY.certificate, "other.example.org", "Hostname mismatch, certificate is not valid for 'other.example.org'."),
    ],
)
def test_a_certificate_that_is_not_good_is_told(port: int, trusted: str, host: str, words: str) -> None:
    assert ask(port, trusted, host) == Answer(untrusted=words)


def test_no_more_is_wanted_of_a_certificate_than_browsers_want(monkeypatch: pytest.MonkeyPatch) -> None:
    strict = ssl.create_default_context()
    strict.verify_flags |= ssl.VERIFY_X509_STRICT  # as by default since Python 3.13
    monkeypatch.setattr(ssl, "create_default_context", lambda: strict)
    assert not https._context("").verify_flags & ssl.VERIFY_X509_STRICT


def test_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert ask(port, "").error == "Connection refused"


def test_what_speaks_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask(silent.getsockname()[1], "")
    assert answer.status == 0 and "timed out" in answer.error


def test_each_question_has_its_answer(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https.ask, "__defaults__", (port,))
    questions = [("127.0.0.1", HOST, "/"), ("127.0.0.1", HOST, "/gone")]
    assert [answer.status for answer in https.ask_all(questions, AUTHORITY.certificate).values()] == [200, 404]
