# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placement, restarts, rolling updates."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest

from . import Behaviour, FakeEngine, crashes, image_missing, network, node, runs, service, unhealthy, unschedulable
from .conftest import Api

MakeApi = Callable[..., Api]
NODES = [
    node("m1", role="manager", labels={"zone": "a"}),
    node("w1", labels={"zone": "b", "gpu": "true"}, engine_labels={"disk": "ssd"}, generic={"gpu": ["GPU-1", "GPU-2"]}),
    node("w2", labels={"zone": "b"}, generic={"slots": 1}),
]
HOSTS = {item["ID"]: item["Description"]["Hostname"] for item in NODES}


def states(fake: FakeEngine, name: str, desired: str = "running") -> list[str]:
    return [task["Status"]["State"] for task in fake.tasks(name) if task["DesiredState"] == desired]


def errors(fake: FakeEngine, name: str) -> set[str]:
    return {task["Status"].get("Err", "") for task in fake.tasks(name)}


def placed(fake: FakeEngine, name: str) -> list[str]:
    alive = [task for task in fake.tasks(name) if task["DesiredState"] == "running" and "NodeID" in task]
    return sorted(HOSTS[task["NodeID"]] for task in alive)


@pytest.mark.parametrize(
    ("constraints", "hosts"),
    [
        ([], ["m1", "w1", "w2"]),
        (["node.role == manager"], ["m1"]),
        (["node.role!=manager"], ["w1", "w2"]),
        (["node.hostname==w2"], ["w2"]),
        (["node.labels.zone == B"], ["w1", "w2"]),
        (["node.labels.zone == b", "node.labels.gpu == true"], ["w1"]),
        (["node.labels.gpu != true"], ["m1", "w2"]),
        (["engine.labels.disk == ssd"], ["w1"]),
        (["node.platform.os == linux"], ["m1", "w1", "w2"]),
        (["node.colour == red"], []),
    ],
)
def test_constraints_of_a_global_service(make_api: MakeApi, constraints: list[str], hosts: list[str]) -> None:
    api = make_api(nodes=NODES, services=[service("x", mode="global", constraints=constraints)])
    assert placed(api.fake, "x") == hosts


def test_replicas_spread(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x", replicas=7)])
    counts = [placed(api.fake, "x").count(host) for host in HOSTS.values()]
    assert sorted(counts) == [2, 2, 3]


GPU = {"Resources": {"Reservations": {"GenericResources": [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": 1}}]}}}
HUGE = {"Resources": {"Reservations": {"MemoryBytes": 2**40}}}
HOST_PORT: dict[str, t.Any] = {"EndpointSpec": {"Ports": [{"TargetPort": 80, "PublishedPort": 80, "PublishMode": "host"}]}}


@pytest.mark.parametrize(
    ("body", "running", "error"),
    [
        (
            service("x", constraints=["node.labels.zone==c"]),
            0,
            "no suitable node (scheduling constraints not satisfied on 3 nodes)",
        ),
        (service("x", template=HUGE), 0, "no suitable node (insufficient resources on 3 nodes)"),
        (service("x", replicas=3, template=GPU), 2, "no suitable node (insufficient resources on 3 nodes)"),
        (
            service("x", replicas=4, template={"Placement": {"MaxReplicas": 1}}),
            3,
            "no suitable node (max replicas per node limit exceed)",
        ),
        (service("x", replicas=4, **HOST_PORT), 3, "no suitable node (host-mode port already in use on 3 nodes)"),
    ],
)
def test_no_suitable_node(make_api: MakeApi, body: t.Any, running: int, error: str) -> None:
    api = make_api(nodes=NODES, services=[body])
    assert states(api.fake, "x").count("running") == running
    waiting = [task for task in api.fake.tasks("x") if task["Status"]["State"] == "pending"]
    assert [task["Status"]["Err"] for task in waiting] == [error]


def test_named_gpus_are_handed_out_once(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x", replicas=2, template=GPU)])
    units = [task["GenericResources"][0]["NamedResourceSpec"]["Value"] for task in api.fake.tasks("x")]
    assert sorted(units) == ["GPU-1", "GPU-2"]


def test_a_pending_task_starts_when_a_node_fits(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x", constraints=["node.labels.new==1"])])
    assert states(api.fake, "x") == ["pending"]
    found = api.ok("GET", "/nodes/w2")
    spec = {**found["Spec"], "Labels": {"new": "1"}}
    api.ok("POST", "/nodes/w2/update", spec, version=found["Version"]["Index"])
    api.fake.settle()
    assert (states(api.fake, "x"), placed(api.fake, "x")) == (["running"], ["w2"])


@pytest.mark.parametrize("how", ["drain", "down"])
def test_tasks_leave_a_node(make_api: MakeApi, how: str) -> None:
    api = make_api(nodes=NODES, services=[service("x", replicas=3), service("all", mode="global")])
    target = api.fake.node("w1")
    if how == "drain":
        target["Spec"]["Availability"] = "drain"
    else:
        target["Status"]["State"] = "down"
    api.fake.settle()
    assert sorted(set(placed(api.fake, "x"))) == ["m1", "w2"] and len(placed(api.fake, "x")) == 3
    assert placed(api.fake, "all") == ["m1", "w2"]
    left = [task["Status"]["State"] for task in api.fake.tasks("all") if task["NodeID"] == target["ID"]]
    assert left == ["shutdown" if how == "drain" else "running"]


@pytest.mark.parametrize(
    ("behaviour", "state", "error"),
    [
        (crashes(3), "failed", "task: non-zero exit (3)"),
        (image_missing("x:1"), "rejected", "No such image: x:1"),
        (unhealthy(), "failed", "task: non-zero exit (137): dockerexec: unhealthy container"),
        (unschedulable("no suitable node (x)"), "pending", "no suitable node (x)"),
    ],
)
def test_behaviours(make_api: MakeApi, behaviour: Behaviour, state: str, error: str) -> None:
    api = make_api(nodes=NODES)
    api.fake.behave("x:1", behaviour)
    api.ok("POST", "/services/create", service("x", "x:1"))
    api.fake.tick(6)
    found = [task["Status"] for task in api.fake.tasks("x") if task["Status"]["State"] == state]
    assert {status["Err"] for status in found} == {error}
    assert "running" not in states(api.fake, "x", "shutdown")


def test_slow_start_and_the_automatic_tick(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES)
    api.fake.behave("x", runs(start=3))
    api.ok("POST", "/services/create", service("x"))
    seen = [api.ok("GET", "/tasks", filters={"service": ["x"]})[0]["Status"]["State"] for _ in range(5)]
    assert seen == ["preparing", "preparing", "preparing", "running", "running"]


def test_a_task_that_recovers(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x", "x:1")], behaviours={"x:1": crashes(times=2)})
    assert states(api.fake, "x", "shutdown") == ["failed", "failed"]
    assert states(api.fake, "x") == ["running"]


@pytest.mark.parametrize(
    ("policy", "tasks"), [({"Condition": "none"}, 1), ({"Condition": "on-failure", "MaxAttempts": 2}, 3), ({"MaxAttempts": 3}, 4)]
)
def test_restart_policy(make_api: MakeApi, policy: t.Any, tasks: int) -> None:
    body = service("x", "x:1", template={"RestartPolicy": policy})
    api = make_api(nodes=NODES, services=[body], behaviours={"x:1": crashes()})
    assert states(api.fake, "x", "shutdown") == ["failed"] * tasks
    assert states(api.fake, "x") == []


def test_history_is_five_tasks_a_slot(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, behaviours={"x": crashes()})
    api.ok("POST", "/services/create", service("x"))
    api.fake.tick(40)
    assert len(api.fake.tasks("x")) == 5


def follow(api: Api, name: str, limit: int = 30) -> list[str]:
    """The states that the update went through."""
    seen: list[str] = []
    for _ in range(limit):
        moved = api.fake.tick()
        state = api.fake.service(name).get("UpdateStatus", {}).get("State", "")
        if not seen or seen[-1] != state:
            seen.append(state)
        if not moved:
            break
    return seen


@pytest.mark.parametrize(
    ("action", "behaviour", "expected", "image"),
    [
        ("pause", runs(), ["updating", "completed"], "x:2"),
        ("pause", crashes(), ["updating", "paused"], "x:2"),
        ("pause", image_missing("x:2"), ["updating", "paused"], "x:2"),
        ("continue", crashes(times=1), ["updating", "completed"], "x:2"),
        ("rollback", crashes(), ["updating", "rollback_started", "rollback_completed"], "x:1"),
        ("rollback", unhealthy(), ["updating", "rollback_started", "rollback_completed"], "x:1"),
    ],
)
def test_updates(make_api: MakeApi, action: str, behaviour: Behaviour, expected: list[str], image: str) -> None:
    config = {"Parallelism": 1, "FailureAction": action}
    api = make_api(nodes=NODES, services=[service("x", "x:1", replicas=3, UpdateConfig=config)])
    api.fake.behave("x:2", behaviour)
    assert api.update("x", image="x:2")[0] == 200
    assert follow(api, "x") == expected
    assert api.fake.service("x")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == image
    if expected[-1] == "paused":
        left = [task for task in api.fake.tasks("x") if task["Spec"]["ContainerSpec"]["Image"] == "x:1"]
        assert "running" in [task["Status"]["State"] for task in left if task["DesiredState"] == "running"]


@pytest.mark.parametrize(
    ("parallelism", "order", "least"), [(1, "stop-first", 2), (2, "stop-first", 1), (0, "stop-first", 0), (1, "start-first", 3)]
)
def test_how_many_run_during_an_update(make_api: MakeApi, parallelism: int, order: str, least: int) -> None:
    config = {"Parallelism": parallelism, "Order": order}
    api = make_api(nodes=NODES, services=[service("x", "x:1", replicas=3, UpdateConfig=config)])
    api.update("x", image="x:2")
    running = []
    while api.fake.tick():
        running.append(states(api.fake, "x").count("running"))
    assert min(running) == least
    assert {task["Spec"]["ContainerSpec"]["Image"] for task in api.fake.tasks("x") if task["DesiredState"] == "running"} == {"x:2"}


def test_scaling_keeps_the_other_tasks(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x", replicas=2)])
    old = {task["ID"] for task in api.fake.tasks("x")}
    api.update("x", Mode={"Replicated": {"Replicas": 4}})
    api.fake.settle()
    now = {task["ID"] for task in api.fake.tasks("x")}
    assert old < now and len(now) == 4
    api.update("x", Mode={"Replicated": {"Replicas": 1}})
    api.fake.settle()
    assert len(api.fake.tasks("x")) == 1


def test_a_constraint_alone_moves_only_tasks_that_no_longer_fit(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x", replicas=3)])
    old = {task["ID"]: HOSTS[task["NodeID"]] for task in api.fake.tasks("x")}
    api.update("x", TaskTemplate={**api.fake.service("x")["Spec"]["TaskTemplate"], "Placement": {"Constraints": ["node.role==worker"]}})
    api.fake.settle()
    kept = {old[task["ID"]] for task in api.fake.tasks("x") if task["ID"] in old and task["DesiredState"] == "running"}
    assert kept == {"w1", "w2"} and set(placed(api.fake, "x")) == {"w1", "w2"}


def test_up_to_date_tasks(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x", "x:1", replicas=3)], auto_tick=False)
    wanted = {"service": ["x"], "_up-to-date": ["true"]}
    assert len(api.ok("GET", "/tasks", filters=wanted)) == 3
    api.update("x", image="x:2")
    assert api.ok("GET", "/tasks", filters=wanted) == []
    api.fake.settle()
    assert len(api.ok("GET", "/tasks", filters=wanted)) == 3


def test_removal_takes_a_tick(make_api: MakeApi) -> None:
    labels = {"com.docker.stack.namespace": "s"}
    api = make_api(nodes=NODES, networks=[network("net")], services=[service("x", networks=["net"], labels=labels)], auto_tick=False)
    api.ok("DELETE", "/services/x")
    wanted = {"label": ["com.docker.stack.namespace=s"]}
    assert len(api.ok("GET", "/tasks", filters=wanted)) == 1
    status, answer = api("DELETE", "/networks/net")
    assert (status, "is in use by task" in answer["message"]) == (400, True)
    api.fake.tick()
    assert api.ok("GET", "/tasks", filters=wanted) == []
    assert api("DELETE", "/networks/net")[0] == 204


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"service": ["x"]}, 3),
        ({"service": ["none"]}, 0),
        ({"node": ["w1"]}, 1),
        ({"desired-state": ["shutdown"]}, 0),
        ({"name": ["x.2"]}, 1),
    ],
)
def test_task_filters(make_api: MakeApi, filters: t.Any, count: int) -> None:
    api = make_api(nodes=NODES, services=[service("x", replicas=3)])
    assert len(api.ok("GET", "/tasks", filters=filters)) == count
    assert api("GET", "/tasks", filters={"desired-state": ["what"]})[0] == 400
