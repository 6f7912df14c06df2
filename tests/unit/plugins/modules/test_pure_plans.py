# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of modules from plain data: no engine, no host, nothing that an earlier step left behind."""

from __future__ import annotations

import typing as t
from dataclasses import FrozenInstanceError

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.autoscale import Rule
from ansible_collections.flotilla.swarm.plugins.module_utils._core.compose_project import Act
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack import verbs
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.modules import autoscale, compose_project, nodes, port_probe, task_exec
from fake_engine import node, service

Json = dict[str, t.Any]


def defaults(arguments: t.Mapping[str, Json], **given: t.Any) -> Json:
    return {**{name: spec.get("default") for name, spec in arguments.items()}, **given}


def test_a_command_in_a_task() -> None:
    container = {"Id": "c1", "Labels": {"com.docker.swarm.task.name": "app_web.2.t1"}}
    params = defaults(task_exec.ARGUMENTS, task="t1", command="echo hi", environment={"A": 1}, stdin="in")
    planned = task_exec.plan(task_exec.Observed([container], "w1"), params)
    (change,) = planned.changes
    assert (change.name, planned.result) == ("app_web.2", {"found": True, "node": "w1"})
    body = {"Cmd": ["echo", "hi"], "Env": ["A=1"], "User": "", "WorkingDir": ""}
    assert change.payload == task_exec.Command("c1", body, b"in", 600.0, [0])
    assert task_exec.plan(task_exec.Observed([], "w1"), params).result == {"found": False}
    with pytest.raises(PlanError, match="nothing to run"):
        task_exec.plan(task_exec.Observed([container], "w1"), {**params, "command": ""})


def test_a_project_of_compose() -> None:
    labels = {"com.docker.compose.service": "web"}
    seen = compose_project.Observed([{"Id": "c1", "State": "running", "Labels": labels}], [], [], "")
    params = defaults(compose_project.ARGUMENTS, project="media", state="stopped", stop_timeout=7)
    planned = compose_project.plan(seen, params)
    assert [change.payload for change in planned.changes] == [Act("c1", "stop", {"t": 7})]
    assert compose_project.plan(seen, {**params, "state": "started"}).changes == ()


@pytest.mark.parametrize(("metric", "replicas"), [(250.0, 3), (50.0, 1), ("no answer", None)])
def test_a_rule_of_autoscaling(metric: float | str, replicas: int | None) -> None:
    web = {"ID": "s1", "Version": {"Index": 1}, "UpdatedAt": "2026-01-01T00:00:00Z", "Spec": service("web", replicas=2)}
    services = verbs.Observed([web], Nodes([node("m1", role="manager")]), [])
    rule = Rule("web", minimum=1, maximum=5, per_replica=100.0)
    seen = autoscale.Observed(services, [rule], {"web": metric}, "2026-01-01T01:00:00Z", deployment=t.cast(t.Any, None))
    planned = autoscale.plan(seen, {})
    assert [change.payload.body["Mode"]["Replicated"]["Replicas"] for change in planned.changes] == ([replicas] if replicas else [])
    assert bool(planned.warnings) is (replicas is None)


def test_a_drain_after_its_services_moved() -> None:
    listed = [node("m1", role="manager", leader=True), node("w1"), node("w2")]
    web = {"ID": "s1", "Version": {"Index": 1}, "Spec": service("web", replicas=1)}
    task = {"ID": "t1", "ServiceID": "s1", "NodeID": listed[1]["ID"], "DesiredState": "running", "Status": {"State": "running"}, "Spec": {}}
    seen = nodes.Observed(listed, node_id=listed[0]["ID"], services=[web], tasks=[task])
    params = defaults(nodes.ARGUMENTS, availability={"w1": "drain"}, surge="all", label_policies={})
    planned = nodes.plan(seen, params)
    assert [(change.kind, change.name) for change in planned.changes] == [("node", "w1"), ("service", "web"), ("node", "w1")]
    move: nodes.Move = planned.changes[1].payload
    assert (move.seconds, [pause.name for pause in move.pauses]) == (300, ["w1"])
    with pytest.raises(FrozenInstanceError):
        seen.node_id = "other"  # type: ignore[misc]


def test_a_probe_of_ports() -> None:
    params = defaults(port_probe.ARGUMENTS, run="r", host="a", peers={"a": "10.0.0.1", "b": "10.0.0.2"}, managers=["a"])
    (begin,) = port_probe.plan(None, params).changes
    (collect,) = port_probe.plan(None, {**params, "collect": True}).changes
    assert (begin.action, collect.action) == ("create", "remove")
    assert begin.payload.tcp == {"b": [("10.0.0.2", 7946)]} and begin.payload.listen == [7946, 2377]
    assert begin.payload.udp == {"b": [("10.0.0.2", 7946), ("10.0.0.2", 4789)]}
