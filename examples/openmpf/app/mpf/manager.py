# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow manager: takes pictures in, asks the components about them, has the result drawn, and tells what became of each job."""

from __future__ import annotations

import base64
import binascii
import json
import ssl
import tempfile
import threading
import uuid
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import bcrypt
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from .component import FINDERS
from .jobs import Jobs
from .media import place, save
from .messages import DETECTIONS, MARKED, MARKUP, Broker, Message, requests_for
from .settings import NODE, setting

USERS, KEYSTORE = Path("/run/secrets/user_properties"), Path("/run/secrets/https_keystore")
LARGEST = 32 * 1024 * 1024


def users() -> dict[str, bytes]:
    """Name -> hash, of lines such as ``name=role,hash``. Without the file everybody may come in."""
    lines = USERS.read_text().splitlines() if USERS.exists() else []
    named = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return {name.strip(): value.partition(",")[2].strip().encode() for name, _equals, value in named}


@lru_cache(maxsize=64)
def fits(password: str, kept: bytes) -> bool:
    """It takes a while by intention: once for each login, not for each request."""
    return bcrypt.checkpw(password.encode(), kept)


class Workflows:
    """Its messages: one algorithm after the other answers, then the markup."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.broker = Broker()

    def begin(self, picture: bytes, algorithms: list[str]) -> str:
        job = uuid.uuid4().hex
        save(place("remote-media", job), picture)
        self.jobs.add(job, algorithms)
        for algorithm in algorithms:
            self.broker.send(requests_for(algorithm), {"job": job})
        return job

    def detected(self, message: Message) -> None:
        results = self.jobs.found(message["job"], message["algorithm"], message)
        if results:
            tracks = [track for result in results.values() for track in result.get("tracks", [])]
            self.broker.send(MARKUP, {"job": message["job"], "tracks": tracks})

    def marked(self, message: Message) -> None:
        self.jobs.finish(message["job"], message)

    def serve(self) -> None:
        self.broker.serve({DETECTIONS: self.detected, MARKED: self.marked})


class Handler(BaseHTTPRequestHandler):
    workflows: Workflows
    logins = users()

    def may(self) -> bool:
        if not self.logins:
            return True
        try:
            given = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic "), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        name, _colon, password = given.partition(":")
        return name in self.logins and fits(password, self.logins[name])

    def do_POST(self) -> None:
        if not self.may():
            return self.refuse()
        address = urlsplit(self.path)
        algorithms = sorted(set(parse_qs(address.query).get("algorithm", [])))
        length = int(self.headers.get("Content-Length") or 0)
        if address.path != "/rest/jobs":
            return self.answer(404, {"message": "POST a picture to /rest/jobs."})
        if not algorithms or not set(algorithms) <= set(FINDERS):
            return self.answer(400, {"message": f"Give ?algorithm=NAME, once or more, out of {', '.join(FINDERS)}."})
        if not 0 < length <= LARGEST:
            return self.answer(400, {"message": f"The body must be a picture of at most {LARGEST} bytes."})
        return self.answer(201, {"jobId": self.workflows.begin(self.rfile.read(length), algorithms)})

    def do_GET(self) -> None:
        if not self.may():
            return self.refuse()
        match self.path.strip("/").split("/"):
            case ["rest", "jobs"]:
                return self.answer(200, {"node": NODE, "jobs": self.workflows.jobs.count()})
            case ["rest", "jobs", job, *rest] if job.isalnum() and (found := self.workflows.jobs.tell(job)):
                if not rest:
                    return self.answer(200, found)
                if rest == ["markup"] and place("markup", job).exists():
                    return self.write(200, "image/png", place("markup", job).read_bytes())
        return self.answer(404, {"message": f"There is nothing at {self.path}."})

    def refuse(self) -> None:
        self.write(401, "application/json", b'{"message": "Log in."}\n', ("WWW-Authenticate", 'Basic realm="workflow manager"'))

    def answer(self, status: int, content: dict[str, Any]) -> None:
        self.write(status, "application/json", json.dumps(content).encode() + b"\n")

    def write(self, status: int, kind: str, content: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(content))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Only what went wrong is of interest."""


def certificate(password: str) -> ssl.SSLContext:
    kept = load_pkcs12(KEYSTORE.read_bytes(), password.encode())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    assert kept.key and kept.cert
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        file.write(kept.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        for each in (kept.cert, *kept.additional_certs):
            file.write(each.certificate.public_bytes(Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def main() -> None:
    Handler.workflows = Workflows()
    password = setting("KEYSTORE_PASSWORD")
    server = ThreadingHTTPServer(("", 8443 if password else 8080), Handler)
    if password:
        server.socket = certificate(password).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Handler.workflows.serve()


if __name__ == "__main__":
    main()
