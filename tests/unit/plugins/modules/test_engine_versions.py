# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work with the APIs of engines 20.10 to 29 and the next ones, by what the history of the Engine API says that they answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
from ansible_collections.flotilla.swarm.plugins.modules import (
    health_info,
    host_info,
    image,
    image_pull,
    network,
    nodes,
    prune,
    service,
    stack,
    stack_info,
    swarm_info,
    volume,
)
from docker.errors import APIError
from fake_engine import FakeEngine, node
from module_runner import CONFIRMED, run_module_main

ENGINES = {"20.10.24": "1.41", "24.0.9": "1.43", "26.1.5": "1.45", "27.5.1": "1.47", "28.0.4": "1.48", "28.5.2": "1.51", "29.0.4": "1.52"}
ENGINES |= {"29.2.0": "1.53", "30.0.0": "1.56"}
DIGEST = f"sha256:{'1' * 64}"
MODEL = {
    "services": {
        "app": {
            "image": "app:1",
            "networks": {"front": {}},
            "ports": [{"target": 80, "published": 8080}],
            "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
            "deploy": {"replicas": 2, "resources": {"limits": {"memory": 64 * 2**20}}},
            "healthcheck": {"test": ["CMD", "true"]},
        }
    },
    "networks": {"front": {}},
    "volumes": {"data": {}},
}


@pytest.fixture(params=ENGINES)
def fake(request: pytest.FixtureRequest, fake_engine: Callable[..., FakeEngine]) -> Iterator[FakeEngine]:
    images: dict[str, Any] = {
        "app:1": {"digest": DIGEST, "local": True},
        "reg.example.com/app:2": {"digest": DIGEST, "local": False},
        "old:1": {"digest": "", "local": True},
    }
    members = [node("m1", role="manager", leader=True), node("w1")]
    yield fake_engine(nodes=members, images=images, engine_version=request.param, api_version=ENGINES[request.param])


def run(module: Any, fake: FakeEngine, check: bool = False, **options: Any) -> dict[str, Any]:
    return run_module_main(module.main, {"docker_host": fake.docker_host, **options}, check=check)


def test_a_stack_is_deployed_once_and_changed(fake: FakeEngine) -> None:
    options: dict[str, Any] = {"name": "web", "model": json.dumps({"model": MODEL}), "wait_timeout": "60s"}
    done = run(stack, fake, **options)
    assert done["exit_code"] == 0 and done["changed"], done
    fake.forget()
    again = run(stack, fake, **options)
    assert again["exit_code"] == 0 and not again["changed"] and not fake.writes, again
    (told,) = run(stack_info, fake)["services"]
    assert (told["name"], told["running"], told["state"]) == ("web_app", 2, "running")
    scaled = run(service, fake, scale={"replicas": {"web_app": 1}})
    assert scaled["exit_code"] == 0 and scaled["changed"], scaled
    gone = run(stack, fake, name="web", state="absent", wait_timeout="60s")
    assert gone["exit_code"] == 0 and not fake.cluster.services, gone


def test_objects_are_made_once(fake: FakeEngine) -> None:
    wanted: list[tuple[Any, dict[str, Any]]] = [
        (network, {"networks": [{"name": "back", "subnet": "10.50.0.0/24", "attachable": True}]}),
        (volume, {"volumes": [{"name": "media"}]}),
        (nodes, {"labels": {"w1": {"zone": "a"}}}),
    ]
    for module, options in wanted:
        first, second = run(module, fake, **options), run(module, fake, **options)
        assert (first["exit_code"], first["changed"], second["exit_code"], second["changed"]) == (0, True, 0, False), (first, second)


def test_an_image_is_pulled_and_what_is_not_there_is_told(fake: FakeEngine) -> None:
    assert run(image_pull, fake, images=["reg.example.com/app:2"])["changed"]
    failed = run(image_pull, fake, images=["missing:1"])
    assert failed["exit_code"] == 1 and "manifest for missing" in failed["msg"], failed


def test_what_is_read_of_a_host_and_its_swarm_is_whole(fake: FakeEngine) -> None:
    assert run(swarm_info, fake)["engine_version"] == fake.host.engine_version
    assert run(host_info, fake)["exit_code"] == 0
    assert run(health_info, fake)["state"] == "active"


def test_images_without_a_config_are_pruned_and_built_anew(fake: FakeEngine) -> None:
    pruned = run(prune, fake, check=True, **CONFIRMED, keep=[], older_than="0s")
    assert pruned["exit_code"] == 0 and "old:1" in json.dumps(pruned["plan"]), pruned
    built = run(image, fake, check=True, images=[{"name": "old:1", "context": "x", "context_hash": "y"}])
    assert built["exit_code"] == 0 and built["changed"], built


def test_an_older_client_is_told_by_engine_29(fake_engine: Callable[..., FakeEngine]) -> None:
    """In the words of the engine. The client that negotiates asks for no version, so that it is never too old."""
    new = fake_engine(nodes=[node("m1", role="manager", leader=True)], engine_version="29.0.4", api_version="1.52")
    old = docker.APIClient(new.docker_host, version="1.43")
    with pytest.raises(APIError, match="client version 1.43 is too old. Minimum supported API version is 1.44"):
        old.info()
    old.close()
    new.forget()
    assert run(swarm_info, new)["acting"] and all(request.status == 200 for request in new.requests)
