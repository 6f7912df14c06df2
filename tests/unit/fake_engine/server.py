# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP on a unix socket: one thread a connection, keep-alive, every request recorded."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import typing as t
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer
from urllib.parse import parse_qsl, unquote, urlsplit

from .errors import ApiError, Json
from .faults import Faults

_VERSION = re.compile(r"/v1\.\d+(?=/)")


def minimum_api(api: str) -> str:
    """The oldest version that an engine with this newest one answers: since engine 29 it is 1.44."""
    return "1.44" if _number(api) >= 52 else "1.24"


def _number(api: str) -> int:
    return int(api.rpartition(".")[2])


@dataclass
class Request:
    """What was asked: ``path`` without the version, ``query`` with ``filters`` decoded, ``body`` decoded JSON or None."""

    method: str
    path: str
    query: dict[str, t.Any]
    body: t.Any
    headers: dict[str, str]
    status: int = 0
    raw_query: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def call(self) -> str:
        """Such as ``GET /nodes``."""
        return f"{self.method} {self.path}"

    def flag(self, name: str) -> bool:
        """A boolean query parameter, read as the engine reads it."""
        return self.raw_query.get(name, "").lower() not in ("", "0", "no", "false", "none")


@dataclass
class Response:
    """``body`` is encoded as JSON unless it is bytes; None is no body. ``hijack`` takes the connection over instead: it gets what
    the client sends until it ends (``takes_stdin``), and its answer is all that is sent."""

    body: t.Any = None
    status: int = 200
    content_type: str = "application/json"
    hijack: t.Callable[[bytes], bytes] | None = None
    takes_stdin: bool = False


Dispatch = t.Callable[[Request], Response]


class Server:
    """Serves ``dispatch`` on a socket until closed."""

    def __init__(
        self, path: str, dispatch: Dispatch, record: t.Callable[[Request], None], faults: Faults, api: t.Callable[[], str]
    ) -> None:
        self._server = _Server(path, _Handler)
        self._server.owner = (dispatch, record, faults, api)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128
    owner: tuple[Dispatch, t.Callable[[Request], None], Faults, t.Callable[[], str]]

    def __init__(self, path: str, handler: type[_Handler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(path, handler)

    def process_request(self, request: t.Any, client_address: t.Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: t.Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """A client that hung up is no error of the test."""

    def hang_up(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: _Server

    def handle_request(self) -> None:
        dispatch, record, faults, newest = self.server.owner
        api = newest()
        request = self._read()
        record(request)
        fault = faults.find(request.method, request.path)
        if fault and fault.act:
            fault.act()
        if fault and fault.delay:
            time.sleep(fault.delay)
        if fault and fault.drop == "before":
            return self._hang_up()
        wrong = self._wrong_version(api)
        if wrong:
            response = Response({"message": wrong}, 400)
        else:
            response = Response({"message": fault.message}, fault.status) if fault and fault.status else self._answer(dispatch, request)
        request.status = response.status
        if fault and fault.drop == "after":
            return self._hang_up()
        self._write(response, api)

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = handle_request

    def _wrong_version(self, api: str) -> str:
        asked = _VERSION.match(self.path)
        number = _number(asked.group()) if asked else _number(api)
        if number > _number(api):
            return f"client version 1.{number} is too new. Maximum supported API version is {api}"
        oldest = minimum_api(api)
        return f"client version 1.{number} is too old. Minimum supported API version is {oldest}" if number < _number(oldest) else ""

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        raw = dict(parse_qsl(parts.query, keep_blank_values=True))
        query: Json = dict(raw)
        if raw.get("filters"):
            try:
                query["filters"] = json.loads(raw["filters"])
            except ValueError:
                pass
        data = self._read_body()
        body = None
        if data:
            try:
                body = json.loads(data)
            except ValueError:
                body = data
        path = unquote(_VERSION.sub("", parts.path, count=1))
        return Request(self.command, path, query, body, dict(self.headers.items()), raw_query=raw)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, dispatch: Dispatch, request: Request) -> Response:
        try:
            return dispatch(request)
        except ApiError as error:
            return Response({"message": error.message}, error.status)
        except Exception as error:  # a defect of the fake itself must fail the test, not hang it
            return Response({"message": f"the fake engine is broken: {type(error).__name__}: {error}"}, 500)

    def _hijack(self, response: Response, answer: t.Callable[[bytes], bytes]) -> None:
        self.close_connection = True
        self.send_response(101 if self.headers.get("Upgrade") else 200)
        self.send_header("Content-Type", response.content_type)
        self.end_headers()
        self.wfile.flush()
        data = answer(self.rfile.read() if response.takes_stdin else b"")
        time.sleep(0.05)  # a command takes longer than the client needs to read the headers
        self.wfile.write(data)
        self.wfile.flush()

    def _write(self, response: Response, api: str) -> None:
        if response.hijack:
            return self._hijack(response, response.hijack)
        body = response.body
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(response.status)
        self.send_header("Api-Version", api)
        self.send_header("Ostype", "linux")
        if data:
            self.send_header("Content-Type", response.content_type)
        if response.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: t.Any) -> None:
        """Requests are recorded, not printed."""
