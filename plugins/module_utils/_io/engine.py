# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker Engine API over the Docker SDK's transport. The only file that imports ``docker``."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import platform
import socket
import time
import typing as t
from urllib.parse import quote

from .._core.connection import OLDEST_WHOLE_SDK, explain_import, is_misfit, read_tls
from ..errors import FlotillaError
from .ssh_tunnel import Tunnel, TunnelError

try:
    import docker
    import docker.auth
    import docker.errors
    import docker.tls
    import requests

    if not hasattr(docker, "APIClient"):  # docker-py, or a folder of that name
        raise ImportError("it has no APIClient")
except Exception as error:  # told to the user by Engine.connect; what is of different ages fails in many ways
    SDK_PROBLEM: str | None = str(error) or type(error).__name__
else:
    SDK_PROBLEM = None

RETRIES = 4
FIRST_DELAY_SECONDS = 0.5
_VERSION_HEADER, _SOME_VERSION = "Api-Version", "1.41"
OUTPUT_BYTES = 4 * 1024**2
"""So much of what a command writes is kept, its beginning."""

# swarmkit, while raft elects a leader: nothing was written, so that even a write may be sent again.
_NO_LEADER = ("does not have a leader", "raft: no elected cluster leader")
# swarmkit and the engine under way to being reachable: safe to repeat for reads only.
_PASSING = ("context deadline exceeded", "code = Unavailable", "losing leader status")


class EngineError(FlotillaError):
    """The engine refused a request or can't be reached. ``status`` is the HTTP status, None if there was no answer."""

    def __init__(self, doing: str, problem: str, cure: str = "", status: int | None = None) -> None:
        super().__init__(problem.rstrip("."), cure, doing)
        self.status = status


class NotFound(EngineError):
    """404."""


class Conflict(EngineError):
    """409: a name that is taken, or an object that is in use."""


class OutOfSequence(EngineError):
    """The object changed since its version index was read; read it again and repeat."""


class Unusable(EngineError):
    """This engine can't act for the swarm. Another manager may."""


class NotManager(Unusable):
    """The engine is no manager of a swarm."""


class Locked(Unusable):
    """The manager is locked and waits for its unlock key."""


class Unreachable(Unusable):
    """No engine answers at that address."""


class SdkMissing(EngineError):
    """The Docker SDK for Python is not there, or does not work with the Python that runs the module."""


def _sdk_version() -> str:
    try:
        return importlib.metadata.version("docker")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _typed_error(doing: str, status: int, message: str) -> EngineError:
    # A network that goes while it is being removed is answered with a 500 of these words.
    if status == 404 or (status >= 500 and message.rstrip(".").endswith("not found")):
        return NotFound(doing, message, status=status)
    if status == 409:
        return Conflict(doing, message, status=status)
    if "update out of sequence" in message:
        return OutOfSequence(doing, message, "Something else changed it at the same time; run again.", status)
    if "needs to be unlocked" in message:
        return Locked(doing, message, "Unlock this manager first.", status)
    if "not a swarm manager" in message or "not part of a swarm" in message:
        return NotManager(doing, message, "Run this on a manager.", status)
    return EngineError(doing, message, status=status)


def _is_passing(status: int, message: str, reading: bool) -> bool:
    known = _NO_LEADER + _PASSING if reading else _NO_LEADER
    return status >= 500 and any(text in message for text in known)


class Engine:
    """One engine. Paths are those of the Engine API without the version, such as ``/services/create``.

    Query values that are mappings or lists are sent as JSON, booleans as 1 and 0. Answers come as decoded JSON, or as text where
    the engine sends none. ``doing`` begins the message of every error.
    """

    def __init__(
        self, client: t.Any, retries: int = RETRIES, sleep: t.Callable[[float], None] = time.sleep, first: dict[str, t.Any] | None = None
    ) -> None:
        self._client, self._retries, self._sleep = client, retries, sleep
        self._first = first or {}  # the answer to the very first request, by its path
        self._tunnel: Tunnel | None = None  # open as long as the engine is there

    @classmethod
    def connect(
        cls,
        docker_host: str,
        tls: bool = False,
        validate_certs: bool | None = None,
        ca_path: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        timeout: int = 60,
        first: str = "",
    ) -> Engine:
        """Connect and negotiate the API version. ``timeout`` is in seconds, for each request.

        ``first`` is the path that is read first: its answer brings the version, so that nothing has to be asked for that alone.
        """
        doing = f"connecting to the engine at {docker_host}"
        if SDK_PROBLEM:
            raise SdkMissing(doing, *explain_import(SDK_PROBLEM, _sdk_version(), platform.python_version()))
        try:
            secure: t.Any = False
            wanted = read_tls(tls, validate_certs)
            if wanted.used:
                pair = (client_cert, client_key) if client_cert and client_key else None
                secure = docker.tls.TLSConfig(client_cert=pair, ca_cert=ca_path, verify=wanted.verified)
            tunnel = Tunnel(docker_host, timeout) if docker_host.startswith("ssh://") else None
            make = functools.partial(docker.APIClient, base_url=tunnel.url if tunnel else docker_host, tls=secure, timeout=timeout)
            answer = _ask(make(version=_SOME_VERSION), first) if first else None
            client = make(version=answer.headers[_VERSION_HEADER] if answer else "auto")
        except TunnelError as error:
            cure = f"Check that this works without a prompt: ssh {docker_host.removeprefix('ssh://')} true."
            raise Unreachable(doing, str(error), cure) from None
        except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
            problem = _last_words(error)
            if is_misfit(problem):
                versions = f"docker {docker.__version__} does not work with requests {requests.__version__}"
                raise SdkMissing(doing, versions, f"Upgrade docker to {OLDEST_WHOLE_SDK} or newer.") from None
            cure = "Check that the engine runs (systemctl status docker), the address, and the permission to use it."
            if "CERTIFICATE_VERIFY_FAILED" in repr(error):
                cure = (
                    "Set ca_path to the certificate of the authority that signed the engine's "
                    "certificate. With validate_certs: false any host can pass for the engine."
                )
            raise Unreachable(doing, problem, cure) from None
        engine = cls(client, first={first: answer.json()} if answer else None)
        engine._tunnel = tunnel
        return engine

    @property
    def api_version(self) -> tuple[int, ...]:
        """The negotiated version, such as ``(1, 45)``."""
        return tuple(int(part) for part in str(self._client.api_version).split("."))

    def stored_login(self, registry: str) -> dict[str, str] | None:
        """What ``docker login`` keeps on this host for a registry, as the API wants it; None if there is nothing."""
        try:
            found = docker.auth.resolve_authconfig(docker.auth.load_config(), registry)
        except docker.errors.DockerException:
            return None
        return {key.lower(): value for key, value in found.items() if isinstance(value, str)} if found else None

    def get(self, path: str, doing: str = "", headers: dict[str, str] | None = None, **query: t.Any) -> t.Any:
        if path in self._first and not query:
            return self._first.pop(path)
        return self._request("get", path, doing, query, headers=headers)

    def get_raw(self, path: str, doing: str = "", **query: t.Any) -> bytes:
        """The undecoded body, for logs."""
        return t.cast(bytes, self._send("get", path, doing, query).content)

    def post(self, path: str, body: t.Any = None, doing: str = "", headers: dict[str, str] | None = None, **query: t.Any) -> t.Any:
        return self._request("post", path, doing, query, json=body, headers=headers)

    def delete(self, path: str, doing: str = "", **query: t.Any) -> t.Any:
        return self._request("delete", path, doing, query)

    def stream(
        self,
        path: str,
        body: t.IO[bytes] | None = None,
        doing: str = "",
        headers: dict[str, str] | None = None,
        **query: t.Any,
    ) -> t.Iterator[dict[str, t.Any]]:
        """POST a file and yield the engine's progress messages; one that reports an error is raised.

        Building and pushing may be silent for long, so only the connection is bound by the timeout.
        """
        response = self._send("post", path, doing, query, data=body, headers=headers, stream=True, timeout=(self._client.timeout, None))
        with response:
            for line in response.iter_lines():
                message = json.loads(line) if line else {}
                # Newer engines are about to leave "error" out.
                detail = message.get("errorDetail")
                if "error" in message or detail:
                    told = message.get("error") or (detail.get("message") if isinstance(detail, dict) else detail)
                    raise EngineError(doing or f"POST {path}", str(told or "the engine does not say why"))
                if message:
                    yield message

    def execute(self, container: str, body: dict[str, t.Any], stdin: bytes, seconds: float, doing: str) -> tuple[int, bytes]:
        """Run a command in a container: its exit code, and its outputs as the engine frames them, at most OUTPUT_BYTES.

        ``body`` is that of ``POST /containers/ID/exec``. After ``seconds`` it is given up; the engine has no way to stop it.
        """
        given = {**body, "AttachStdin": bool(stdin), "AttachStdout": True, "AttachStderr": True, "Tty": False}
        command = self.post(f"/containers/{container}/exec", given, doing)["Id"]
        deadline = time.monotonic() + seconds
        output = b""
        try:
            for chunk in self._converse(command, stdin, deadline) if stdin else self._listen(command, doing, deadline):
                output += chunk[: OUTPUT_BYTES - len(output)]
        except (OSError, requests.exceptions.RequestException) as error:  # a time-out may be either
            if time.monotonic() < deadline:
                raise Unreachable(doing, _last_words(error), "The command may still be running.") from None
            raise EngineError(doing, f"the command did not end within {seconds:g} s", "It may still be running.") from None
        return int(self.get(f"/exec/{command}/json", doing)["ExitCode"] or 0), output

    def _listen(self, command: str, doing: str, deadline: float) -> t.Iterator[bytes]:
        body, left = {"Detach": False, "Tty": False}, deadline - time.monotonic()
        with self._send("post", f"/exec/{command}/start", doing, {}, json=body, stream=True, timeout=left) as response:
            for chunk in response.iter_content(512):
                yield chunk
                if time.monotonic() > deadline:
                    raise TimeoutError

    def _converse(self, command: str, stdin: bytes, deadline: float) -> t.Iterator[bytes]:
        """Over the connection itself, of which the sending half is closed when all is sent."""
        connection = self._client.exec_start(command, tty=False, socket=True)
        plain = getattr(connection, "_sock", connection)
        try:
            plain.settimeout(deadline - time.monotonic())
            plain.sendall(stdin)
            plain.shutdown(socket.SHUT_WR)
            while True:
                plain.settimeout(max(deadline - time.monotonic(), 0.001))
                chunk = plain.recv(65536)
                if not chunk:
                    return
                yield chunk
        finally:
            connection.close()

    def _request(self, method: str, path: str, doing: str, query: dict[str, t.Any], **send: t.Any) -> t.Any:
        response = self._send(method, path, doing, query, **send)
        return response.json() if "json" in response.headers.get("Content-Type", "") and response.content else response.text

    def _send(self, method: str, path: str, doing: str, query: dict[str, t.Any], **send: t.Any) -> t.Any:
        self._first.clear()
        doing = doing or f"{method.upper()} {path}"
        reading = method == "get"
        url = f"{self._client.base_url}/v{self._client.api_version}{_place(path, doing)}"
        params = {name: _query_value(value) for name, value in query.items() if value is not None}
        send.setdefault("timeout", self._client.timeout)
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = getattr(self._client, method)(url, params=params, **send)
            except requests.exceptions.RequestException as error:
                if last or not reading or isinstance(error, requests.exceptions.ReadTimeout):
                    raise Unreachable(doing, _last_words(error), "Check that the engine runs (systemctl status docker).") from None
            else:
                if response.status_code < 400:
                    return response
                message = _message(response)
                if last or not _is_passing(response.status_code, message, reading):
                    raise _typed_error(doing, response.status_code, message)
            self._sleep(FIRST_DELAY_SECONDS * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")


def _ask(client: t.Any, path: str) -> t.Any:
    """The answer to a request without a version, which the engine gives in the newest one that it has; None if it does not say which."""
    try:
        answer = client.get(f"{client.base_url}{path}", timeout=client.timeout)
    except requests.exceptions.Timeout:
        raise
    except requests.exceptions.RequestException:
        return None
    return answer if answer.ok and _VERSION_HEADER in answer.headers else None


def _place(path: str, doing: str) -> str:
    """The path as it is sent. Others choose the names in it, and none may lead to another path or add to the query."""
    if {"", ".", ".."} & set(path.split("/")[1:]):
        raise EngineError(doing, f"{path!r} is not a path of the Engine API", "Names are not empty, and '.' and '..' are none.")
    return quote(path, safe="/:@+")


def _query_value(value: t.Any) -> t.Any:
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _message(response: t.Any) -> str:
    try:
        message = str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        message = response.text
    return message.strip() or f"HTTP status {response.status_code} without a message"


def _last_words(error: BaseException) -> str:
    """The innermost cause; what wraps it repeats it with class names around."""
    while not isinstance(error, docker.errors.APIError):
        inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if inner is None or isinstance(inner, NameError):  # NameError: the SDK's way to find paramiko missing
            break
        error = inner
    texts = (getattr(error, name, None) for name in ("explanation", "strerror", "msg"))
    return str(next(filter(None, texts), None) or str(error) or type(error).__name__)
