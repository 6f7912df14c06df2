# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume is made once on each node, and stays as it was made: a stack that declares it otherwise is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import stack, volume
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import optioned_volumes
from fake_engine import FakeEngine, node
from fake_engine import volume as volume_of
from module_runner import run_module_main

TMPFS = {"type": "tmpfs", "device": "tmpfs"}


def declared(size: str) -> dict[str, Any]:
    return {"driver_opts": {**TMPFS, "o": f"size={size}"}}


@pytest.fixture
def fake(fake_engine: Callable[..., FakeEngine]) -> FakeEngine:
    """m1 has the volume with 10m."""
    return fake_engine(
        nodes=[node("m1", role="manager", leader=True), node("w1")],
        images={"app:1": {"digest": f"sha256:{'a' * 64}", "local": True}},
        volumes=[volume_of("web_cache", driver="local", options={**TMPFS, "o": "size=10m"})],
    )


def deploy(fake: FakeEngine, size: str, on: str = "", **more: Any) -> dict[str, Any]:
    service: dict[str, Any] = {"image": "app:1", "volumes": [{"type": "volume", "source": "cache", "target": "/c"}]}
    if on:
        service["deploy"] = {"placement": {"constraints": [f"node.hostname == {on}"]}}
    model = {"services": {"app": service}, "volumes": {"cache": declared(size)}}
    options = {"name": "web", "model": json.dumps({"model": model}), "resolve_image": "never", "docker_host": fake.docker_host}
    return run_module_main(stack.main, {**options, **more}, check=True)


def test_the_volume_of_the_node_that_is_asked_is_compared(fake: FakeEngine) -> None:
    refused = deploy(fake, "20m")
    words = 'volume web_cache of web_app exists on m1: options.o is "size=10m", wanted is "size=20m"'
    assert refused["exit_code"] == 1 and words in refused["msg"] and not fake.writes, refused
    assert deploy(fake, "10m")["exit_code"] == 0


def test_only_nodes_where_the_service_may_run_count(fake: FakeEngine) -> None:
    assert deploy(fake, "20m", on="w1")["exit_code"] == 0
    told = {"w1": {"web_cache": "driver is local, wanted is nfs"}}
    for given in (told, {fake.node("w1")["ID"]: told["w1"]}):
        refused = deploy(fake, "10m", differing_volumes=given)
        assert refused["exit_code"] == 1 and "exists on w1: driver is local" in refused["msg"] and not fake.writes, refused
    assert deploy(fake, "10m", on="m1", differing_volumes=told)["exit_code"] == 0


def test_a_stack_without_such_volumes_asks_for_none(fake: FakeEngine) -> None:
    service = {"image": "app:1", "volumes": [{"type": "volume", "source": "plain", "target": "/c"}]}
    model = {"services": {"app": service}, "volumes": {"plain": {}}}
    options = {"name": "web", "model": json.dumps({"model": model}), "resolve_image": "never", "docker_host": fake.docker_host}
    assert run_module_main(stack.main, options, check=True)["exit_code"] == 0 and not fake.calls("GET /volumes")


def test_a_host_tells_how_its_volumes_differ_and_makes_none(fake: FakeEngine) -> None:
    wanted = optioned_volumes("web", {"volumes": {"cache": declared("20m"), "new": declared("1m"), "plain": {}, "out": {"external": True}}})
    assert [each["name"] for each in wanted] == ["web_cache", "web_new"]
    told = run_module_main(volume.main, {"docker_host": fake.docker_host, "volumes": wanted, "differing": "tell"})
    assert told["differing"] == {"web_cache": 'options.o is "size=10m", wanted is "size=20m"'} and not told["changed"] and not fake.writes


def test_a_password_among_the_options_is_hidden(fake: FakeEngine) -> None:
    wanted = [{"name": "web_cache", "options": {"type": "cifs", "device": "//h/x", "o": "username=u,password=hunter2"}}]
    told = run_module_main(volume.main, {"docker_host": fake.docker_host, "volumes": wanted, "differing": "tell"})
    assert "web_cache" in told["differing"] and "hunter2" not in json.dumps(told)
