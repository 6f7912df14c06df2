# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module that does what can't be undone refuses by itself until the swarm is confirmed, and where it is not the one that is meant."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.modules import swarm, swarm_info
from fake_engine import FakeEngine, node, volume
from module_runner import CONFIRMED, run_module_main

ROOT = Path(__file__).parents[4]
GUARDED = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["guarded"]
MODULES = {name: importlib.import_module(f"ansible_collections.flotilla.swarm.plugins.modules.{name}") for name in GUARDED}
STACK = {"com.docker.stack.namespace": "web"}
# What each module is asked to do. The swarm has to be named for nodes, stack and volume, whose other calls need no confirmation.
ACTS: dict[str, dict[str, t.Any]] = {
    "data_restore": {"src": "x", "host": "m1", "archives": [{"kind": "volume", "name": "lost", "parts": []}]},
    "data_root": {"path": "/nowhere/docker", "activate": "always"},
    "nodes": {"absent": ["w1"], "swarm_name": "lab"},
    "prune": {"keep": [], "older_than": "0s"},
    "recover": {"managers": []},
    "stack": {"name": "web", "state": "absent", "swarm_name": "lab"},
    "swarm": {"state": "absent", "force": True},
    "swarm rotate": {
        "host": "m1",
        "role": "manager",
        "rotate": ["ca"],
        "managers": [{"item": "m1", "state": "inactive"}],
        "allow_even_managers": True,
    },
    "volume": {"remove_stack_volumes": ["web"], "swarm_name": "lab"},
}


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    return fake_engine(
        nodes=[node("m1", role="manager", leader=True), node("w1", state="down")],
        images={"old:1": {"digest": f"sha256:{'a' * 64}", "local": True}},
        volumes=[volume("web_data", labels=STACK)],
    )


def act(fake: FakeEngine, name: str, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    module = MODULES[name.split(" ")[0]]
    return run_module_main(module.main, {"docker_host": fake.docker_host, **ACTS[name], **options}, check=check, diff=True)


def test_every_guarded_module_is_tried() -> None:
    assert sorted({name.split(" ")[0] for name in ACTS}) == GUARDED
    fragments = {path.stem for path in (ROOT / "plugins/modules").glob("*.py") if "  - flotilla.swarm.guard\n" in path.read_text()}
    assert fragments == set(GUARDED)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"swarm_name": "lab"}, "confirm is missing. To go on: -e confirm=lab. Nothing was changed."),
        ({"swarm_name": "lab", "confirm": "prod"}, "confirm is 'prod', which is not its name"),
        ({"swarm_name": "", "confirm": ""}, "swarm_name is empty"),
        ({"swarm_name": " ", "confirm": " "}, "swarm_name is empty"),
    ],
)
@pytest.mark.parametrize("name", ACTS)
def test_unconfirmed_it_is_refused(fake: FakeEngine, name: str, options: dict[str, str], words: str, check: bool) -> None:
    refused = act(fake, name, check, **options)
    assert refused["exit_code"] == 1 and words in refused["msg"] and not fake.writes


@pytest.mark.parametrize("name", sorted(set(ACTS) - {"nodes", "stack", "volume"}))
def test_what_only_destroys_is_refused_without_a_name(fake: FakeEngine, name: str) -> None:
    refused = act(fake, name)
    assert refused["exit_code"] == 1 and "swarm_name is empty" in refused["msg"] and not fake.writes


@pytest.mark.parametrize("name", ACTS)
def test_in_another_swarm_it_is_refused(fake: FakeEngine, name: str) -> None:
    refused = act(fake, name, **CONFIRMED, cluster_id="another")
    assert refused["exit_code"] == 1 and "another" in refused["msg"] and not fake.writes, refused


@pytest.mark.parametrize("name", ["nodes", "prune", "swarm", "volume"])
def test_confirmed_it_acts(fake: FakeEngine, name: str) -> None:
    done = act(fake, name, **CONFIRMED, cluster_id=fake.cluster.swarm["ID"])
    assert done["exit_code"] == 0 and done["changed"] and fake.writes, done


def told(fake: FakeEngine) -> dict[str, t.Any]:
    return {"item": fake.host.name, **run_module_main(swarm_info.main, {"docker_host": fake.docker_host})}


def leave(fake: FakeEngine, **options: t.Any) -> dict[str, t.Any]:
    given = {**CONFIRMED, "docker_host": fake.docker_host, "state": "absent", "force": True, "host": fake.host.name, **options}
    return run_module_main(swarm.main, given)


def test_a_member_of_a_third_swarm_never_leaves(fake: FakeEngine, fake_engine: t.Callable[..., FakeEngine]) -> None:
    other = fake_engine(nodes=[node("m7", role="manager", leader=True)])
    refused = leave(other, managers=[told(fake)])
    assert "m7 is in swarm" in refused["msg"] and "Nothing was changed" in refused["msg"] and not other.writes
    both = leave(other, managers=[told(fake), told(other)])
    assert "the managers are in different swarms" in both["msg"] and not other.writes


def test_where_no_manager_tells_the_swarm_has_to_be_named(fake: FakeEngine) -> None:
    own = fake.cluster.swarm["ID"]
    refused = leave(fake, managers=[{"item": "m2", "state": "inactive"}, {"item": "m3", "unreachable": True}])
    assert f"swarm_cluster_id={own}" in refused["msg"] and not fake.writes
    assert leave(fake, managers=[{"item": "m2", "state": "inactive"}], cluster_id=own)["changed"]
