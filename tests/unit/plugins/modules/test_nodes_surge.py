# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module nodes against the fake engine: draining with services that run elsewhere first, and nodes that replace others."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.surge import MARK, surged_spec
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.session import Session
from ansible_collections.flotilla.swarm.plugins.module_utils._io import drain
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.deployment import Deployment
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.lock import NODES, Locks
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import Engine
from ansible_collections.flotilla.swarm.plugins.modules import nodes as module
from fake_engine import FakeEngine, engine, image_missing, node, runs, service
from fake_engine.scheduler import tick
from module_runner import run_module_main

MakeFake = t.Callable[..., FakeEngine]
Result = dict[str, t.Any]
DRAIN: Result = {"availability": {"w1": "drain"}, "surge": "all"}


@pytest.fixture
def fake(fake_engine: MakeFake, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Two web and one api on w1, none on the manager; an agent everywhere."""
    clock = iter(range(1, 10_000))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(time, "time", lambda: 1e9 + next(clock))
    away: Result = {"template": {"Placement": {"Constraints": ["node.role==worker"]}}}
    services = [service("web", replicas=2, **away), service("api", **away), service("agent", mode="global")]
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")], services=services)
    other = node("w2")
    fake.cluster.nodes[other["ID"]] = fake.cluster.touch(other)
    fake.settle()
    return fake


def keep(fake: FakeEngine, check: bool = False, **args: t.Any) -> Result:
    return run_module_main(module.main, {"docker_host": fake.docker_host, **args}, check=check)


def homes(fake: FakeEngine, name: str) -> list[str]:
    """Where the tasks of a service run and shall go on."""
    names = {key: each["Description"]["Hostname"] for key, each in fake.cluster.nodes.items()}
    alive = [task for task in fake.tasks(name) if task["DesiredState"] == "running"]
    return sorted(names[task["NodeID"]] for task in alive if task["Status"]["State"] == "running")


def watch_running(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tasks of web ran after each second of the swarm."""
    seen: list[int] = []

    def tick_and_look(cluster: t.Any) -> bool:
        moved = tick(cluster)
        seen.append(len(homes(fake, "web")))
        return moved

    monkeypatch.setattr(engine, "tick", tick_and_look)
    return seen


def test_services_run_elsewhere_before_the_node_is_drained(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = {name: fake.service(name)["Spec"] for name in ("web", "api", "agent")}
    assert homes(fake, "web") == ["w1", "w1"] and homes(fake, "api") == ["w1"]
    check = keep(fake, check=True, **DRAIN)
    assert fake.writes == []
    assert check["diff"]["prepared"].splitlines() == [
        '~ node     w1   takes no new tasks while its own move',
        '                availability: "active" -> "pause"',
        "~ service  api  1 of its tasks runs elsewhere before w1 is drained, new ones first  [restarts 1 task]",
        "~ service  web  2 of its tasks run elsewhere before w1 is drained, new ones first  [restarts 2 tasks, one at a time]",
        '~ node     w1   availability: "active" -> "drain"  [restarts tasks (moves them to other nodes)]',
        '                labels.flotilla.availability: (none) -> "active"',
    ]  # fmt: skip
    running = watch_running(fake, monkeypatch)
    real = keep(fake, **DRAIN)
    assert (real["exit_code"], real["plan"], real["warnings"]) == (0, check["plan"], []), real
    assert min(running) >= 2 and homes(fake, "web") == ["w2", "w2"] and homes(fake, "api") == ["w2"]
    assert fake.node("w1")["Spec"] == {"Role": "worker", "Availability": "drain", "Labels": {"flotilla.availability": "active"}}
    assert {name: fake.service(name)["Spec"] for name in specs} == specs
    assert MARK not in fake.service("web")["PreviousSpec"]["Labels"]
    assert not fake.cluster.configs, "no stack stays locked"
    fake.forget()
    assert keep(fake, **DRAIN)["changed"] is False
    assert fake.calls() == ["GET /info", "GET /nodes", "GET /tasks"]


def test_without_surge_there_is_a_gap(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    running = watch_running(fake, monkeypatch)
    keep(fake, **{**DRAIN, "surge": "none"})
    assert min(running) == 0


def test_what_does_not_come_up_elsewhere_stays_where_it_is(fake: FakeEngine) -> None:
    before = fake.service("web")["Spec"]
    fake.behave("web", image_missing("nginx:1"))
    result = keep(fake, **DRAIN)
    assert result["exit_code"] == 1 and "Moving services before the drain: web failed" in result["msg"], result["msg"]
    assert "No node was drained" in result["msg"] and [change["name"] for change in result["applied"]] == ["w1", "api"]
    assert fake.node("w1")["Spec"] == {"Role": "worker", "Availability": "active", "Labels": {}}
    assert fake.service("web")["Spec"] == before
    assert homes(fake, "api") == ["w2"]


def test_the_next_run_restores_what_a_killed_one_left(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fake.service("web")["Spec"]

    class Killed(BaseException):
        pass

    def die(*_args: t.Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Deployment, "watch", die)
        patch.setattr(drain, "_try_to_restore", die)
        original = module._update
        patch.setattr(module, "_update", lambda *args: original(*args) if "pause" in str(args[2]) else die())
        with pytest.raises(Killed):
            keep(fake, **DRAIN)
    marked = [name for name in ("web", "api") if MARK in fake.service(name)["Spec"]["Labels"]]
    assert marked == ["api"] and fake.node("w1")["Spec"]["Availability"] == "pause"
    back = keep(fake, availability={"w1": "previous"})
    assert [(change["kind"], change["name"]) for change in back["plan"]] == [("service", "api"), ("node", "w1")]
    assert MARK not in fake.service("api")["Spec"]["Labels"] and fake.service("web")["Spec"] == before
    assert fake.node("w1")["Spec"] == {"Role": "worker", "Availability": "active", "Labels": {}}
    assert keep(fake, availability={"w1": "previous"})["changed"] is False


def test_a_drain_goes_on_where_one_was_killed(fake: FakeEngine) -> None:
    left = fake.node("w1")
    left["Spec"] = {**left["Spec"], "Availability": "pause", "Labels": {"flotilla.availability": "active"}}
    web = fake.service("web")
    spec = web["Spec"]
    web["Spec"] = surged_spec(spec, [left["ID"]])
    result = keep(fake, **DRAIN)
    assert (result["exit_code"], homes(fake, "web"), fake.service("web")["Spec"]) == (0, ["w2", "w2"], spec), result
    assert fake.node("w1")["Spec"]["Labels"] == {"flotilla.availability": "active"}
    assert keep(fake, **DRAIN)["changed"] is False


def test_a_node_that_returns_has_its_global_services_when_the_run_ends(fake: FakeEngine) -> None:
    assert keep(fake, availability={"w1": "drain"})["exit_code"] == 0 and homes(fake, "agent") == ["m1", "w2"]
    fake.forget()
    assert keep(fake, availability={"w1": "previous"})["exit_code"] == 0
    assert homes(fake, "agent") == ["m1", "w1", "w2"]
    assert fake.calls()[:3] == ["GET /info", "GET /nodes", "GET /tasks"]
    fake.forget()
    keep(fake, availability={"w1": "previous"})
    assert fake.calls() == ["GET /info", "GET /nodes"]


def test_what_does_not_run_again_on_a_node_that_returns_is_told(fake: FakeEngine) -> None:
    keep(fake, availability={"w1": "drain"})
    fake.behave("agent", image_missing("nginx:1"))
    back = keep(fake, availability={"w1": "previous"}, drain_timeout=1)
    assert back["exit_code"] == 1 and "what ran there before the drain still does not run: agent on w1. Check" in back["msg"], back["msg"]
    keep(fake, availability={"w1": "drain"})
    assert keep(fake, availability={"w1": "previous"}, drain_timeout=1)["exit_code"] == 0, "it was broken before"


def test_a_surge_needs_time(fake: FakeEngine) -> None:
    result = keep(fake, **DRAIN, drain_timeout=0)
    assert result["exit_code"] == 1 and "found drain_timeout 0" in result["msg"] and fake.writes == []


def test_a_drain_without_room_is_refused_with_surge_too(fake: FakeEngine) -> None:
    fake.node("w2")["Status"]["State"] = "down"
    result = keep(fake, **DRAIN)
    assert result["exit_code"] == 1 and "no other node that is ready and active allows" in result["msg"] and fake.writes == []


def test_a_node_takes_over_what_another_was(fake_engine: MakeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database has room only because the new node gets the label."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    labels = {"database": "true", "rack": "1"}
    nodes = [node("m1", role="manager", leader=True, labels=labels), node("m2", role="manager"), node("m3", role="manager"), node("w1")]
    db = service("db", constraints=["node.labels.database==true"])
    fake = fake_engine(nodes=nodes, services=[db], name="m2")
    args: Result = {"replaces": {"w1": "m1"}, "availability": {"m1": "drain"}, "roles": {"m1": "worker"}, "surge": "sole"}
    check = keep(fake, check=True, **args)
    real = keep(fake, **args)
    assert (real["exit_code"], real["plan"]) == (0, check["plan"]), real.get("msg", real)
    assert [(change["kind"], change["name"]) for change in real["plan"]] == [
        ("node", "w1"), ("node", "m1"), ("service", "db"), ("node", "m1"),
    ]  # fmt: skip
    assert fake.node("w1")["Spec"] == {"Labels": labels, "Role": "manager", "Availability": "active"}
    assert fake.node("m1")["Spec"]["Role"] == "worker"
    assert homes(fake, "db") == ["w1"]
    assert keep(fake, **args)["changed"] is False
    assert keep(fake, replaces={"w1": "gone"}, labels_mode="exact")["changed"] is False


def test_what_was_drained_hands_on_what_it_was_before(fake: FakeEngine) -> None:
    fake.node("w1")["Spec"].update(Availability="drain", Labels={"flotilla.availability": "pause", "a": "b"})
    assert keep(fake, replaces={"w2": "w1"})["changed"]
    assert fake.node("w2")["Spec"] == {"Labels": {"a": "b"}, "Role": "worker", "Availability": "pause"}


def test_an_old_node_that_could_be_several_is_refused(fake: FakeEngine) -> None:
    for node_id in ("one", "two"):
        fake.cluster.nodes[node_id] = fake.cluster.touch(node("old", node_id=node_id))
    result = keep(fake, replaces={"w2": "old"})
    assert result["exit_code"] == 1 and "one (ready), two (ready)" in result["msg"] and fake.writes == []
    assert keep(fake, replaces={"w2": "old"}, node_ids={"old": "two"})["exit_code"] == 0


def test_a_node_that_has_just_joined_gets_time_to_be_ready(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    new = fake.node("w2")
    new["Status"]["State"] = "unknown"
    monkeypatch.setattr(time, "sleep", lambda _seconds: new["Status"].update(State="ready"))
    args: Result = {**DRAIN, "replaces": {"w2": "w1"}, "node_ids": {"w2": new["ID"]}}
    assert keep(fake, **args)["exit_code"] == 0


def test_in_check_mode_the_new_node_may_still_have_to_join(fake: FakeEngine) -> None:
    args: Result = {"replaces": {"w3": "w1"}, "availability": {"w1": "drain"}}
    check = keep(fake, check=True, **args)
    assert check["exit_code"] == 0 and "known only when w3 joined" in check["warnings"][0]
    assert keep(fake, **args)["msg"].count("the swarm has no node w3") == 1


def test_a_manager_does_not_demote_itself_and_lose_the_thread(fake_engine: MakeFake) -> None:
    fake = fake_engine(nodes=[node(f"m{n}", role="manager", leader=n == 1) for n in (1, 2, 3)])
    result = keep(fake, roles={"m1": "worker"})
    assert result["exit_code"] == 1 and "Run this on another manager. Nothing was changed" in result["msg"] and fake.writes == []
    assert keep(fake, roles={"m2": "worker"})["exit_code"] == 0


def test_two_that_change_nodes_at_once_are_told_of_each_other(fake: FakeEngine) -> None:
    other = Locks(Engine.connect(docker_host=fake.docker_host), [NODES], Session(holder="bob@desk", run="bobs"), time)
    other.hold()
    fake.forget()
    for args in (DRAIN, {"availability": {"w1": "pause"}}, {"roles": {"w1": "manager"}}):
        refused = keep(fake, **args)
        assert refused["exit_code"] == 1 and "the nodes are being changed by bob@desk since 2026-01-01" in refused["msg"], refused["msg"]
        assert refused["msg"].endswith("Nothing was changed.") and refused["rival"] == "bobs"
    assert not [request for request in fake.writes if request.path.startswith("/nodes/")]
    assert keep(fake, labels={"w1": {"a": 1}})["exit_code"] == 0, "labels are for everybody to change"
    taken = keep(fake, **DRAIN, caller={"holder": "ada@desk", "run": "adas", "dead": ["bobs"]})
    assert taken["exit_code"] == 0 and not fake.cluster.configs, taken


def test_a_drain_that_something_else_ends_stops_at_once(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.behave("web", runs(start=10**6))

    def tick_and_activate(*args: t.Any) -> t.Any:
        if fake.node("w1")["Spec"]["Availability"] == "drain":
            fake.node("w1")["Spec"]["Availability"] = "active"
        return tick(*args)

    monkeypatch.setattr(engine, "tick", tick_and_activate)
    began = time.monotonic()
    result = keep(fake, **{**DRAIN, "surge": "none", "drain_timeout": 60})
    assert result["exit_code"] == 1 and "w1: something else changed the availability" in result["msg"], result["msg"]
    assert time.monotonic() < began + 30 and not fake.cluster.configs
