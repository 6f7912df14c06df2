# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that run on one host: commands in them, and what they use."""

from __future__ import annotations

from .errors import ApiError, Json
from .server import Request, Response
from .state import Host, make_id

RAW_STREAM = "application/vnd.docker.raw-stream"


class Containers:
    """``host.commands`` has what commands do, by their first word: a function of the exec's body and its standard input that
    returns exit code, standard output and standard error. A command that is not there exits 127."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def create(self, request: Request) -> Response:
        body = request.body or {}
        if body["Image"] not in self._host.images:
            raise ApiError(404, f"No such image: {body['Image']}")
        mounts = [{"Type": item["Type"], "Name": item["Source"]} for item in body["HostConfig"].get("Mounts", [])]
        made = {"Id": make_id("container", len(self._host.containers)), "Names": ["/made"], "State": "created", "Mounts": mounts}
        self._host.containers.append({**made, "Labels": {}, "_body": body})
        return Response({"Id": made["Id"], "Warnings": []}, 201)

    def start(self, request: Request, name: str) -> Response:
        """``host.unmountable`` maps volumes to what the engine says when a container with them starts."""
        container = self._container(name)
        for mount in container["Mounts"]:
            if mount["Name"] in self._host.unmountable:
                raise ApiError(500, f"error while mounting volume: {self._host.unmountable[mount['Name']]}")
        container["State"] = "running"
        return Response(status=204)

    def stop(self, request: Request, name: str) -> Response:
        self._container(name)["State"] = "exited"
        return Response(status=204)

    def kill(self, request: Request, name: str) -> Response:
        """``host.when_killed`` is what follows: the fake's tasks do not know their containers."""
        container = self._container(name)
        if container.get("State", "running") != "running":
            raise ApiError(409, f"cannot kill container: {name}: container {name} is not running")
        container["State"] = "exited"
        self._host.when_killed(container)
        return Response(status=204)

    def pause(self, request: Request, name: str) -> Response:
        self._container(name)["State"] = "paused"
        return Response(status=204)

    def unpause(self, request: Request, name: str) -> Response:
        self._container(name)["State"] = "running"
        return Response(status=204)

    def wait(self, request: Request, name: str) -> Response:
        """The command runs now, as one of ``host.commands``, and ends."""
        container = self._container(name)
        body = container["_body"]
        command = self._host.commands.get(body["Entrypoint"][0])
        container["State"] = "exited"
        return Response({"StatusCode": command(body, b"")[0] if command else 127})

    def delete(self, request: Request, name: str) -> Response:
        self._host.containers.remove(self._container(name))
        return Response(status=204)

    def create_exec(self, request: Request, name: str) -> Response:
        container = self._container(name)
        if container.get("State", "running") != "running":
            raise ApiError(409, f"container {name} is not running")
        exec_id = make_id("exec", name, len(self._host.execs))
        self._host.execs[exec_id] = {"ID": exec_id, "Running": False, "ExitCode": None, "ContainerID": name, "_body": request.body}
        return Response({"Id": exec_id}, 201)

    def start_exec(self, request: Request, name: str) -> Response:
        item = self._host.execs[name]
        body = item["_body"]

        def answer(stdin: bytes) -> bytes:
            command = self._host.commands.get(body["Cmd"][0])
            code, out, err = command(body, stdin) if command else (127, "", f"exec: {body['Cmd'][0]}: not found")
            item["ExitCode"] = code
            parts = ((1, out.encode()), (2, err.encode()))
            return b"".join(bytes([kind, 0, 0, 0]) + len(text).to_bytes(4, "big") + text for kind, text in parts if text)

        return Response(content_type=RAW_STREAM, hijack=answer, takes_stdin=body["AttachStdin"])

    def inspect_exec(self, request: Request, name: str) -> Response:
        return Response({key: value for key, value in self._host.execs[name].items() if not key.startswith("_")})

    def stats(self, request: Request, name: str) -> Response:
        return Response(self._container(name)["_stats"])

    def _container(self, name: str) -> Json:
        found = [item for item in self._host.containers if item["Id"] == name]
        if not found:
            raise ApiError(404, f"No such container: {name}")
        return found[0]
