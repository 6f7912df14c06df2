# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
import typing as t

from ansible_collections.flotilla.swarm.plugins.modules import image_pull
from fake_engine import FakeEngine, node
from module_runner import run_module_main

DIGEST = f"sha256:{'1' * 64}"
IMAGE = f"reg.example.com/app:1@{DIGEST}"
LOGIN = {"registry": "reg.example.com", "username": "ann", "password": "pw-of-ann"}


def engine() -> FakeEngine:
    return FakeEngine(nodes=[node("m1", role="manager", leader=True)], images={"reg.example.com/app:1": {"digest": DIGEST, "local": False}})


def run(fake: FakeEngine, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return run_module_main(image_pull.main, {"docker_host": fake.docker_host, **options}, check=check)


def test_pulled_once_with_the_login() -> None:
    with engine() as fake:
        assert run(fake, images=[IMAGE], registry_auth=[LOGIN])["changed"]
        (request,) = fake.writes
        assert request.query["fromImage"] == f"reg.example.com/app@{DIGEST}"
        assert json.loads(base64.urlsafe_b64decode(request.headers["X-Registry-Auth"]))["password"] == LOGIN["password"]
        assert not run(fake, images=[IMAGE])["changed"]
        assert len(fake.writes) == 1


def test_check_mode_pulls_nothing() -> None:
    with engine() as fake:
        result = run(fake, check=True, images=[IMAGE])
        assert [change["name"] for change in result["plan"]] == [IMAGE]
        assert not fake.writes


def test_a_node_takes_its_own_images() -> None:
    with engine() as fake:
        own = fake.host.node_id
        assert run(fake, node_images={own: [IMAGE]})["changed"]
        assert not run(fake, node_images={"another": [f"reg.example.com/other@{DIGEST}"]})["changed"]


def test_an_image_that_the_registry_lacks_is_told() -> None:
    with engine() as fake:
        result = run(fake, images=["reg.example.com/other:1"])
        assert result["msg"] == (
            "pulling reg.example.com/other:1 from reg.example.com: manifest for reg.example.com/other:1 not found: manifest unknown. "
            "Check the disk of this host, its way to the registry, and the login. Nothing was changed."
        )
