# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the fake engine: the Docker SDK's own session, through its public calls."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable, Iterator

import docker
import pytest

from . import FakeEngine

Answer = tuple[int, t.Any]


class Api:
    """``api("POST", "/services/create", body, version=3)`` gives the status and the decoded answer."""

    def __init__(self, fake: FakeEngine) -> None:
        self.fake = fake
        self.client: t.Any = docker.APIClient(base_url=fake.docker_host, version="auto")

    def __call__(self, method: str, path: str, body: t.Any = None, headers: t.Any = None, **query: t.Any) -> Answer:
        params = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in query.items()}
        url = f"{self.client.base_url}/v{self.client.api_version}{path}"
        answer = self.client.request(method, url, params=params, json=body, headers=headers, timeout=5)
        kind = answer.headers.get("Content-Type", "")
        return answer.status_code, answer.json() if "json" in kind else answer.content

    def ok(self, method: str, path: str, body: t.Any = None, **query: t.Any) -> t.Any:
        status, answer = self(method, path, body, **query)
        assert status < 400, answer
        return answer

    def update(self, service: str, **changes: t.Any) -> Answer:
        """Update a service with these keys of its spec changed; ``image`` stands for the image of its container."""
        found = self.ok("GET", f"/services/{service}")
        spec = found["Spec"]
        if "image" in changes:
            spec["TaskTemplate"]["ContainerSpec"]["Image"] = changes.pop("image")
        return self("POST", f"/services/{service}/update", {**spec, **changes}, version=found["Version"]["Index"])


@pytest.fixture
def make_api(fake_engine: Callable[..., FakeEngine]) -> Iterator[Callable[..., Api]]:
    made: list[Api] = []

    def make(**state: t.Any) -> Api:
        made.append(Api(fake_engine(**state)))
        return made[-1]

    yield make
    for api in made:
        api.client.close()
