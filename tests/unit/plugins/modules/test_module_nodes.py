# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules nodes and network against the fake engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import network as network_module
from ansible_collections.flotilla.swarm.plugins.modules import nodes as nodes_module
from fake_engine import FakeEngine, network, node, service, unschedulable
from module_runner import run_module_main

MakeFake = t.Callable[..., FakeEngine]
Result = dict[str, t.Any]
NOWHERE = "unix:///nonexistent/docker.sock"


@pytest.fixture
def cluster(fake_engine: MakeFake) -> FakeEngine:
    managers = [node(f"m{n}", role="manager", leader=n == 1) for n in (1, 2, 3)]
    return fake_engine(nodes=[*managers, node("w1", labels={"kept": "1"}), node("w2")])


def keep(fake: FakeEngine, check: bool = False, **args: t.Any) -> Result:
    return run_module_main(nodes_module.main, {"docker_host": fake.docker_host, **args}, check=check)


def test_a_change_is_planned_and_made_once(cluster: FakeEngine) -> None:
    args: Result = {"labels": {"w1": {"gpu": True}, "w2": {}}, "availability": {"w2": "drain"}}
    before = {name: cluster.node(name)["Version"]["Index"] for name in ("m1", "w1", "w2")}
    check = keep(cluster, check=True, **args)
    assert cluster.writes == []
    assert check["diff"]["prepared"].splitlines() == [
        '~ node     w1  labels.gpu: (none) -> "true"',
        '~ node     w2  availability: "active" -> "drain"  [restarts tasks (moves them to other nodes)]',
        '               labels.flotilla.availability: (none) -> "active"',
    ]
    real = keep(cluster, **args)
    assert real["plan"] == check["plan"]
    assert cluster.node("w1")["Spec"] == {"Labels": {"kept": "1", "gpu": "true"}, "Role": "worker", "Availability": "active"}
    assert cluster.node("w2")["Spec"]["Availability"] == "drain"
    assert cluster.node("m1")["Version"]["Index"] == before["m1"]
    cluster.forget()
    assert keep(cluster, **args)["changed"] is False
    assert cluster.calls() == ["GET /info", "GET /nodes", "GET /tasks"], "what is left on the node that is drained"


def test_fifty_nodes_with_fifteen_labels_are_listed_once(fake_engine: MakeFake) -> None:
    labels = {f"label{number}": str(number) for number in range(15)}
    names = [f"w{number:02}" for number in range(50)]
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), *(node(name, labels=labels) for name in names)])
    wanted: dict[str, dict[str, t.Any]] = {name: dict(labels) for name in names}
    assert keep(fake, labels=wanted)["changed"] is False
    assert fake.calls("GET /nodes.*") == ["GET /nodes"] and fake.writes == []
    fake.forget()
    wanted["w07"]["label3"] = "new"
    wanted["w31"]["label4"] = None
    assert len(keep(fake, labels=wanted)["plan"]) == 2
    assert [request.path for request in fake.writes] == [f"/nodes/{fake.node(name)['ID']}/update" for name in ("w07", "w31")]
    assert fake.node("w07")["Spec"]["Labels"] == {**labels, "label3": "new"}


def test_what_changed_meanwhile_is_kept(cluster: FakeEngine) -> None:
    cluster.out_of_sequence(times=2)
    assert keep(cluster, labels={"w1": {"a": 1}})["exit_code"] == 0
    assert cluster.node("w1")["Spec"]["Labels"] == {"kept": "1", "a": "1"}
    cluster.out_of_sequence(times=None)
    result = keep(cluster, labels={"w1": {"b": 1}})
    assert (result["exit_code"], "run again" in result["msg"]) == (1, True)


def test_a_broken_policy_changes_nothing(cluster: FakeEngine) -> None:
    labels = {"w1": {"database": True}, "w2": {"database": True}}
    result = keep(cluster, labels=labels, label_policies={"exactly_one": ["database"]})
    assert (result["exit_code"], result["changed"], cluster.writes) == (1, False, [])
    assert "exactly one node must carry database, but 2 do: w1, w2" in result["msg"]


def test_roles_change_in_one_run_and_the_quorum_stays(cluster: FakeEngine) -> None:
    result = keep(cluster, roles={"m2": "worker", "w1": "manager", "w2": "manager"})
    assert [(change["name"], change["fields"][0]["after"]) for change in result["plan"]] == [
        ("w1", "manager"),
        ("w2", "manager"),
        ("m2", "worker"),
    ]
    now = [cluster.node(name)["Spec"]["Role"] for name in ("m1", "m2", "w1", "w2")]
    assert now == [
        "manager",
        "worker",
        "manager",
        "manager",
    ]


def test_the_quorum_is_checked_again_before_each_demotion(cluster: FakeEngine) -> None:
    lost = cluster.node("m3")["ID"]

    def lose_a_manager() -> None:
        cluster.cluster.nodes[lost]["ManagerStatus"]["Reachability"] = "unreachable"

    original = nodes_module._update

    def update_and_lose(*args: t.Any) -> None:
        original(*args)
        lose_a_manager()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nodes_module, "_update", update_and_lose)
        result = keep(cluster, labels={"w1": {"a": 1}}, roles={"m2": "worker"})
    assert result["exit_code"] == 1
    assert "Demoting m2: 1 of 2 managers would be reachable, and 2 are needed" in result["msg"]
    assert cluster.node("m2")["Spec"]["Role"] == "manager"
    assert [change["name"] for change in result["applied"]] == ["w1"]


def test_a_dead_manager_is_demoted_and_removed(fake_engine: MakeFake) -> None:
    dead = node("m3", role="manager", state="down", reachability="unreachable")
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("m2", role="manager"), dead])
    assert keep(fake, absent=["m3"])["changed"]
    assert len(fake.cluster.nodes) == 2
    assert keep(fake, absent=["m3"])["changed"] is False


def test_not_on_a_worker_or_outside(fake_engine: MakeFake, cluster: FakeEngine, bare_host: str) -> None:
    worker = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")], name="w1")
    outside = fake_engine(name="x")
    cases: list[tuple[t.Any, Result]] = [
        (nodes_module, {"labels": {"w1": {"a": 1}}}),
        (network_module, {"networks": [{"name": "n"}]}),
    ]
    for module, args in cases:
        for check in (True, False):
            result = run_module_main(module.main, {"docker_host": worker.docker_host, **args}, check=check)
            assert (result["exit_code"], "This host is a worker. Run this on a manager" in result["msg"]) == (1, True)
        result = run_module_main(module.main, {"docker_host": outside.docker_host, **args})
        assert (result["exit_code"], "This host is in no swarm" in result["msg"]) == (1, True)
        result = run_module_main(module.main, {"docker_host": NOWHERE, **args})
        assert (result["exit_code"], "connecting to the engine" in result["msg"]) == (1, True)
        for address in (outside.docker_host, bare_host):
            assert run_module_main(module.main, {"docker_host": address, **args}, check=True)["changed"]
    cluster.lose_leader()
    result = keep(cluster, labels={"w1": {"a": 1}}, check=True)
    assert (result["exit_code"], "leader" in result["msg"]) == (1, True)


@pytest.mark.parametrize(("option", "value"), [("availability", "drained"), ("roles", "leader")])
def test_values_that_are_none_of_the_choices(cluster: FakeEngine, option: str, value: str) -> None:
    given: Result = {option: {"w1": value}}
    result = keep(cluster, **given)
    assert result["msg"].startswith(f"{option}: expected one of ") and value in result["msg"]


def overlay(fake: FakeEngine, networks: t.Sequence[Result] = (), check: bool = False, **args: t.Any) -> Result:
    given = {"docker_host": fake.docker_host, "networks": list(networks), **args}
    return run_module_main(network_module.main, given, check=check)


def test_networks_are_made_once(cluster: FakeEngine) -> None:
    wanted: list[Result] = [
        {"name": "front", "attachable": True, "labels": {"team": "a"}},
        {"name": "back", "subnet": "10.20.0.0/24", "gateway": "10.20.0.254", "encrypted": True, "mtu": 1400, "internal": True},
    ]
    check = overlay(cluster, wanted, check=True)
    assert (check["changed"], cluster.writes) == (True, [])
    real = overlay(cluster, wanted)
    assert real["plan"] == check["plan"]
    assert [request.path for request in cluster.writes] == ["/networks/create"] * 2
    cluster.forget()
    again = overlay(cluster, wanted)
    assert (again["changed"], again["networks"]) == (False, ["front", "back"])
    assert cluster.calls() == ["GET /info", "GET /networks", "GET /nodes"], "the nodes only where one is encrypted"
    assert overlay(cluster, absent=["front", "gone"])["plan"][0]["action"] == "remove"
    assert overlay(cluster, absent=["front", "gone"])["changed"] is False


def test_a_node_whose_engine_sends_encrypted_networks_in_clear_is_told(fake_engine: MakeFake) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1", engine_version="23.0.1")])
    (warning,) = overlay(fake, [{"name": "back", "encrypted": True}])["warnings"]
    assert "clear text on w1 (23.0.1)" in warning


def test_a_network_with_a_name_that_begins_alike_is_another(fake_engine: MakeFake) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], networks=[network("front-end"), network("my-front")])
    assert overlay(fake, absent=["front"])["changed"] is False
    assert overlay(fake, [{"name": "front"}])["plan"][0]["action"] == "create"


def test_drift_is_an_error_until_it_may_be_recreated(fake_engine: MakeFake) -> None:
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True)],
        networks=[network("net", subnet="10.9.0.0/24"), network("used", subnet="10.8.0.0/24")],
        services=[service("web", networks=["used"])],
    )
    refused = overlay(fake, [{"name": "net", "subnet": "10.9.1.0/24"}])
    assert (refused["exit_code"], fake.writes) == (1, [])
    assert 'subnet is "10.9.0.0/24", wanted is "10.9.1.0/24"' in refused["msg"] and "set recreate" in refused["msg"]
    assert overlay(fake, [{"name": "net", "subnet": "10.9.1.0/24", "recreate": True}])["plan"][0]["action"] == "replace"
    assert overlay(fake, [{"name": "net", "subnet": "10.9.1.0/24"}])["changed"] is False
    fake.forget()
    for result in (overlay(fake, absent=["used"]), overlay(fake, [{"name": "used", "internal": True, "recreate": True}])):
        assert (result["exit_code"], "services use it: web" in result["msg"], fake.writes) == (1, True, [])


def test_the_ingress_network_is_recreated_while_nothing_publishes(fake_engine: MakeFake) -> None:
    ports: Result = {"EndpointSpec": {"Ports": [{"TargetPort": 80, "PublishedPort": 80, "PublishMode": "ingress"}]}}
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], services=[service("web", **ports)])
    wanted = [{"name": "ingress", "ingress": True, "subnet": "10.11.0.0/24", "recreate": True}]
    refused = overlay(fake, wanted)
    assert (refused["exit_code"], "publish ports through it: web" in refused["msg"], fake.writes) == (1, True, [])
    fake.cluster.services.clear()
    fake.cluster.tasks.clear()
    assert overlay(fake, wanted)["changed"]
    assert overlay(fake, wanted)["changed"] is False


def test_a_drain_waits_until_the_services_are_whole_elsewhere(fake_engine: MakeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node("m1", role="manager", leader=True), node("w1"), node("w2", availability="pause")]
    fake = fake_engine(nodes=nodes, services=[service("web", replicas=4), service("agent", mode="global")])
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    before = {task["ID"] for task in fake.tasks("web") if task["NodeID"] == fake.node("w1")["ID"]}
    check = keep(fake, check=True, availability={"w1": "drain"})
    assert (check["changed"], fake.writes) == (True, [])
    real = keep(fake, availability={"w1": "drain"})
    assert (real["exit_code"], real["drained"], bool(before)) == (0, [fake.node("w1")["ID"]], True)
    alive = [task for task in fake.tasks("web") if task["DesiredState"] == "running"]
    assert {task["NodeID"] for task in alive} == {fake.node("m1")["ID"]}
    assert all(task["Status"]["State"] == "running" for task in alive) and len(alive) == 4
    fake.forget()
    assert keep(fake, availability={"w1": "drain"})["changed"] is False
    assert fake.calls() == ["GET /info", "GET /nodes", "GET /tasks"]
    keep(fake, availability={"w1": "previous", "w2": "previous"})
    assert [fake.node(name)["Spec"]["Availability"] for name in ("w1", "w2")] == ["active", "pause"]
    assert fake.node("w1")["Spec"]["Labels"] == {}


def test_a_drain_after_one_that_was_killed_waits_as_well(fake_engine: MakeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")], services=[service("web", replicas=4)])
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    leaving = fake.node("w1")
    leaving["Spec"]["Availability"] = "drain"  # as the run before left it, which saw nothing of what came of it
    fake.forget()
    result = keep(fake, availability={"w1": "drain"})
    assert (result["exit_code"], result["changed"], fake.writes) == (0, False, []), result
    alive = [task for task in fake.tasks("web") if task["DesiredState"] == "running"]
    assert [(task["NodeID"], task["Status"]["State"]) for task in alive] == [(fake.node("m1")["ID"], "running")] * 4


def test_a_drain_without_room_is_refused(fake_engine: MakeFake) -> None:
    nodes = [node("m1", role="manager", leader=True), node("db1", labels={"database": "true"})]
    fake = fake_engine(nodes=nodes, services=[service("db", constraints=["node.labels.database == true"])])
    result = keep(fake, availability={"db1": "drain"})
    assert (result["exit_code"], fake.writes) == (1, [])
    assert "Draining db1: db has 1 task there, and no other node" in result["msg"]
    result = keep(fake, availability={"db1": "drain"}, check_capacity=False, drain_timeout=0)
    assert (result["exit_code"], fake.node("db1")["Spec"]["Availability"]) == (0, "drain")


def test_a_drain_does_not_wait_for_a_service_that_was_broken_before(fake_engine: MakeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node("m1", role="manager", leader=True), node("w1")]
    fake = fake_engine(nodes=nodes, services=[service("web", replicas=2), service("broken", image="x:2")])
    gone = next(task for task in fake.tasks("broken"))
    gone.update(NodeID=fake.node("w1")["ID"], DesiredState="shutdown", Status={**gone["Status"], "State": "shutdown"})
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    fake.behave("broken", unschedulable())
    result = keep(fake, availability={"w1": "drain"})
    assert (result["exit_code"], result["drained"]) == (0, [fake.node("w1")["ID"]]), result
    alive = [task for task in fake.tasks("web") if task["DesiredState"] == "running"]
    assert [(task["NodeID"], task["Status"]["State"]) for task in alive] == [(fake.node("m1")["ID"], "running")] * 2


def test_a_drain_that_does_not_end_says_what_is_left(fake_engine: MakeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node("m1", role="manager", leader=True), node("db1", labels={"database": "true"})]
    fake = fake_engine(nodes=nodes, services=[service("db", constraints=["node.labels.database == true"])])
    now = iter(range(0, 10_000, 50))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    result = keep(fake, availability={"db1": "drain"}, check_capacity=False)
    assert (result["exit_code"], result["changed"]) == (1, True)
    assert "after 300 s db has 0 of 1 running elsewhere" in result["msg"]


COST = """
import json, re, sys, time
from ansible_collections.flotilla.swarm.plugins.modules import nodes
from module_runner import run_module_main
args = json.load(sys.stdin)
before = time.process_time()
result = run_module_main(nodes.main, args)
seconds = time.process_time() - before
# the peak that getrusage tells includes that of the process from which this one was forked
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps([result, seconds, peak]))
"""


def test_a_thousand_nodes_cost_little(fake_engine: MakeFake, capsys: pytest.CaptureFixture[str]) -> None:
    """In a process of its own, as on a host. The time is told only: on a loaded machine it proves nothing."""
    labels = {f"label{number}": str(number) for number in range(15)}
    names = [f"w{number:04}" for number in range(1000)]
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), *(node(name, labels=labels) for name in names)])
    wanted: dict[str, dict[str, t.Any]] = {name: dict(labels) for name in names}
    wanted["w0500"]["label3"] = "new"
    args = {"docker_host": fake.docker_host, "labels": wanted, "remove_ghosts": True}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", COST], input=json.dumps(args), text=True, capture_output=True, env=environment, check=True)
    result, seconds, mebibytes = json.loads(done.stdout)
    with capsys.disabled():
        print(f"\n1000 nodes x 15 labels, one differs: {seconds:.2f} s of processor time, {mebibytes:.0f} MiB")
    assert (result["exit_code"], [change["name"] for change in result["plan"]]) == (0, ["w0500"])
    assert fake.calls() == ["GET /info", "GET /nodes", f"POST /nodes/{fake.node('w0500')['ID']}/update"]
    assert mebibytes < 250


def test_a_ghost_is_removed_when_the_managers_know_that_it_is_down(fake_engine: MakeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    ghost = node("w1", addr="10.0.0.2", node_id="ghost")
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1", addr="10.0.0.2"), ghost])
    ids = {"w1": next(key for key, each in fake.cluster.nodes.items() if key != "ghost" and each["Status"]["Addr"] == "10.0.0.2")}
    monkeypatch.setattr(time, "sleep", lambda _seconds: fake.cluster.nodes["ghost"]["Status"].update(State="down"))
    assert keep(fake, remove_ghosts=True, node_ids=ids)["changed"]
    assert set(fake.cluster.nodes) == {fake.node("m1")["ID"], ids["w1"]}
    fake.cluster.nodes["ghost"] = ghost = node("w1", addr="10.0.0.2", node_id="ghost")
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(nodes_module, "PATIENCE_SECONDS", 0)
    result = keep(fake, remove_ghosts=True, node_ids=ids)
    assert (result["exit_code"], "w1 (ghost) is not down after 0 s" in result["msg"], "ghost" in fake.cluster.nodes) == (1, True, True)


def test_a_node_is_marked_while_it_is_drained_for_its_turn_and_no_longer(cluster: FakeEngine) -> None:
    """As role engine does before and after an engine restarts."""
    mark = "io.flotilla.swarm.turn"
    node_ids = {"w1": cluster.node("w1")["ID"]}
    keep(cluster, availability={"w1": "drain"}, labels={"w1": {mark: "true"}}, node_ids=node_ids, drain_timeout=30, surge="none")
    spec = cluster.node("w1")["Spec"]
    assert (spec["Availability"], spec["Labels"]) == ("drain", {"kept": "1", mark: "true", "flotilla.availability": "active"})
    back: Result = {"availability": {"w1": "previous"}, "labels": {"w1": {mark: None}}, "node_ids": node_ids}
    assert keep(cluster, **back)["changed"]
    spec = cluster.node("w1")["Spec"]
    assert (spec["Availability"], spec["Labels"]) == ("active", {"kept": "1"})
    assert not keep(cluster, **back)["changed"]


def test_a_turn_keeps_the_lock_from_task_to_task(fake_engine: MakeFake) -> None:
    """An engine restarts between its drain and the end of it: nobody else changes the nodes meanwhile, also when that takes minutes."""
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1"), node("w2")])
    mine, other = {"holder": "ann", "run": "a"}, {"holder": "bob", "run": "b"}
    assert keep(fake, availability={"w1": "drain"}, turn="goes_on", caller=mine)["exit_code"] == 0
    fake.cluster.now += 600
    refused = keep(fake, availability={"w2": "drain"}, caller=other)
    assert "the nodes are being changed by ann since" in refused["msg"] and fake.node("w2")["Spec"]["Availability"] == "active"
    assert keep(fake, availability={"w1": "previous"}, turn="goes_on", caller=mine)["exit_code"] == 0
    fake.cluster.now += 600
    assert keep(fake, availability={"w2": "drain"}, caller=other)["exit_code"] == 1, "renewed by the second task"
    assert keep(fake, turn="ends", caller=mine)["changed"] is False and not fake.cluster.configs
    assert keep(fake, availability={"w2": "drain"}, caller=other)["exit_code"] == 0 and not fake.cluster.configs


def test_the_lock_of_a_turn_whose_run_died_ends(fake_engine: MakeFake) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1"), node("w2")])
    keep(fake, availability={"w1": "drain"}, turn="goes_on", caller={"holder": "ann", "run": "a"})
    gone = {"holder": "bob", "run": "b", "dead": ["a"]}
    assert keep(fake, availability={"w1": "previous"}, caller=gone)["exit_code"] == 0, "at once for who knows that it is dead"
    keep(fake, availability={"w1": "drain"}, turn="goes_on", caller={"holder": "ann", "run": "a"})
    fake.cluster.now += 901
    assert keep(fake, availability={"w2": "drain"}, caller={"holder": "bob", "run": "b"})["exit_code"] == 0
