# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that builds and a registry that keeps, both no more than dictionaries."""

from __future__ import annotations

import base64
import json
import re
import typing as t
from pathlib import Path

from ansible_collections.flotilla.swarm.plugins.module_utils._core.image_build import CONTEXT_LABEL
from fake_engine.errors import ApiError
from fake_engine.faults import Faults
from fake_engine.server import Request, Response, Server

DIGEST = f"sha256:{'d' * 64}"


class Builder:
    """``local``: image name -> context hash; ``remote``: image name -> digest; ``fails``: what the next build says at its end."""

    def __init__(self, folder: Path) -> None:
        self.local: dict[str, str] = {}
        self.known: dict[str, list[str]] = {}
        self.remote: dict[str, str] = {}
        self.archives: dict[bytes, str] = {}
        self.fails = ""
        self.requests: list[Request] = []
        self.faults = Faults()
        self.docker_host = f"unix://{folder}/s"
        self.server = Server(f"{folder}/s", self.dispatch, self.requests.append, self.faults, lambda: "1.45")

    @property
    def writes(self) -> list[str]:
        return [request.call for request in self.requests if request.method != "GET"]

    def headers(self, call: str, name: str) -> t.Any:
        (request,) = [request for request in self.requests if request.call == call]
        return json.loads(base64.urlsafe_b64decode(request.headers[name]))

    def dispatch(self, request: Request) -> Response:
        if request.path == "/version":
            return Response({"ApiVersion": "1.45"})
        if request.path == "/build":
            return self.build(request)
        if request.path == "/images/load":
            self.local[self.archives[request.body]] = ""
            return Response({"stream": "Loaded image"})
        what, name, verb = re.fullmatch(r"/(images|distribution)/(.+)/(json|push)", request.path).groups()  # type: ignore
        if verb == "push":
            self.remote[f"{name}:{request.query['tag']}"] = DIGEST
            self.known[f"{name}:{request.query['tag']}"] = [f"{name}@{DIGEST}"]
            return self.progress({"status": "Pushing"}, {"aux": {"Digest": DIGEST}})
        if what == "distribution" and name in self.remote:
            return Response({"Descriptor": {"digest": self.remote[name]}})
        if what == "images" and name in self.local:
            labels = {CONTEXT_LABEL: self.local[name]} if self.local[name] else None
            return Response({"Config": {"Labels": labels}, "RepoDigests": self.known.get(name, [])})
        raise ApiError(404, f"no such image: {name}")

    def build(self, request: Request) -> Response:
        if self.fails:
            steps = [{"stream": f"Step {number}/20 : RUN step{number}\n"} for number in range(1, 21)]
            return self.progress(*steps, {"errorDetail": {"code": 1}, "error": self.fails})
        self.local[request.query["t"]] = json.loads(request.query["labels"])[CONTEXT_LABEL]
        return self.progress({"stream": "Successfully built"})

    def progress(self, *messages: t.Any) -> Response:
        return Response("".join(f"{json.dumps(message)}\r\n" for message in messages).encode())
