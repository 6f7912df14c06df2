# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that asks an engine, with answers that engines gave, and what is read from its words."""

from __future__ import annotations

import contextlib
import io
import json
from types import SimpleNamespace
from typing import Any

from tests.scenario import by_name, running
from tests.scenario.look import LOOK, Seen, parse

WORKER = {
    "ID": "n2",
    "Version": {"Index": 7},
    "Spec": {"Role": "worker", "Availability": "drain"},
    "Description": {"Hostname": "w1"},
    "Status": {"State": "ready"},
}
MANAGER = {
    "ID": "n1",
    "Version": {"Index": 9},
    "Spec": {"Role": "manager", "Availability": "active", "Labels": {"disk": "fast"}},
    "Description": {"Hostname": "m1"},
    "Status": {"State": "ready"},
    "ManagerStatus": {"Leader": True, "Reachability": "reachable"},
}
NAMELESS = {"ID": "n3", "Version": {"Index": 3}, "Spec": {"Role": "worker", "Availability": "active"}, "Status": {"State": "unknown"}}
SERVICE = {"ID": "s1", "Version": {"Index": 20}, "Spec": {"Name": "web"}, "UpdateStatus": {"State": "completed"}}
JOB = {"ID": "s2", "Version": {"Index": 21}, "Spec": {"Name": "migrate"}, "JobStatus": {"JobIteration": {"Index": 4}}}


def task(identity: str, service: str, state: str, wanted: str, **more: str) -> dict[str, Any]:
    return {"ID": identity, "Version": {"Index": 5}, "ServiceID": service, "Status": {"State": state}, "DesiredState": wanted, **more}


TASKS = [
    task("t3", "s1", "running", "running", NodeID="n2"),
    task("t2", "s1", "pending", "running"),
    task("t1", "s1", "running", "shutdown", NodeID="n1"),
    task("t0", "s1", "failed", "shutdown", NodeID="n1"),
    task("t4", "s2", "complete", "complete", NodeID="n1"),
    task("t5", "s2", "complete", "shutdown", NodeID="n1"),
]


def look(swarm: dict[str, Any]) -> Seen:
    """What the script prints where the engine answers so."""
    named = {"configs": [{"ID": "c1", "Spec": {"Name": "rules"}}], "secrets": []}
    api = SimpleNamespace(
        info=lambda: {"Swarm": swarm},
        nodes=lambda: [MANAGER, WORKER, NAMELESS],
        services=lambda: [SERVICE, JOB],
        tasks=lambda: TASKS,
        configs=lambda: named["configs"],
        secrets=lambda: named["secrets"],
        networks=lambda filters: [{"Name": "ingress", "Id": "i1"}] if filters == {"scope": "swarm"} else [],
        volumes=lambda: {"Volumes": [{"Name": "b"}, {"Name": "a"}]},
    )
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(LOOK, {"api": api, "json": json})
    return parse(said.getvalue())


MANAGES = {"LocalNodeState": "active", "NodeID": "n1", "ControlAvailable": True, "Cluster": {"ID": "k1"}}


def test_a_manager_says_everything() -> None:
    seen = look(MANAGES)
    assert (seen["state"], seen["id"], seen["cluster"], seen["leader"]) == ("active", "n1", "k1", "m1")
    assert (seen["configs"], seen["secrets"], seen["networks"], seen["volumes"]) == ({"rules": "c1"}, {}, {"ingress": "i1"}, ["a", "b"])
    assert (seen["services"]["web"]["update"], seen["services"]["web"]["job"]) == ("completed", None)
    assert (seen["services"]["migrate"]["update"], seen["services"]["migrate"]["job"]) == ("", {"Index": 4})


def test_nodes_have_names_roles_and_labels() -> None:
    nodes = by_name(look(MANAGES))
    assert sorted(nodes) == ["", "m1", "w1"]
    assert nodes["m1"] == {
        "id": "n1",
        "index": 9,
        "name": "m1",
        "role": "manager",
        "state": "ready",
        "availability": "active",
        "reachability": "reachable",
        "labels": {"disk": "fast"},
    }
    assert (nodes["w1"]["reachability"], nodes["w1"]["labels"], nodes["w1"]["availability"]) == ("", {}, "drain")


def test_tasks_that_end_or_failed_are_left_out() -> None:
    """They come and go while nothing is changed, so that two looks at the same swarm would differ."""
    services = look(MANAGES)["services"]
    assert [each["id"] for each in services["web"]["tasks"]] == ["t2", "t3"]
    assert [each["id"] for each in services["migrate"]["tasks"]] == ["t4", "t5"]
    assert running(services["web"]) == {"t3": "w1"} and running(services["migrate"]) == {}


def test_who_manages_no_swarm_says_only_what_it_is() -> None:
    for swarm in (
        {"LocalNodeState": "inactive", "NodeID": "", "ControlAvailable": False},
        {"LocalNodeState": "active", "NodeID": "n2", "ControlAvailable": False, "Cluster": None},
        {"LocalNodeState": "active", "NodeID": "n1", "ControlAvailable": True, "Error": "The swarm does not have a leader."},
    ):
        seen = look(swarm)
        assert (seen["state"], seen["id"], seen["volumes"]) == (swarm["LocalNodeState"], swarm["NodeID"], ["a", "b"])
        assert not any(seen[kind] for kind in ("cluster", "leader", "nodes", "services", "configs", "secrets", "networks"))
