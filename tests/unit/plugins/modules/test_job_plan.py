# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step ``plan`` of the module ``job``, out of plain data."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.edit import Edit
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.images import Resolved
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.modules.job import Observed, Wish, plan
from fake_engine import node, service

Json = dict[str, t.Any]
PARAMS: Json = {"environment": {}, "secret_environment": {}}
NODES = Nodes([node("m1", role="manager", node_id="N1"), node("w1", node_id="N2")])
DIGEST = f"sha256:{'ab' * 32}"


def shape(image: str, **more: t.Any) -> Json:
    return {"ID": "s1", "Version": {"Index": 3}, "Spec": service("app_web", image=image, **more)}


def running(node_id: str) -> Json:
    return {"ID": "t1", "NodeID": node_id, "Status": {"State": "running"}}


@pytest.mark.parametrize(
    ("given", "image", "where"),
    [
        (Observed(Wish("app_web", ["x"]), "job-1", shape(f"app:1@{DIGEST}"), nodes=NODES), f"app:1@{DIGEST}", "on any of 2 nodes"),
        (Observed(Wish("app_web", ["x"]), "job-1", shape("app:1"), [running("N2")], NODES), "app:1", "only w1 has its image"),
        (
            Observed(Wish("app", edit=Edit(image="app:2")), "job-1", nodes=NODES, images={"app:2": Resolved(DIGEST)}),
            f"app:2@{DIGEST}",
            "on any of 2 nodes",
        ),
    ],
)
def test_a_job_is_one_change(given: Observed, image: str, where: str) -> None:
    planned = plan(given, PARAMS)
    (change,) = planned.changes
    assert (change.kind, change.action, change.name) == ("job", "create", given.wish.of)
    assert change.reason == f"{image}, {where}" and planned.result["image"] == image
    assert change.payload.body["Name"] == "job-1"


def test_jobs_of_runs_that_were_killed_go_first() -> None:
    left = {"ID": "old", "Spec": {"Name": "job-old"}}
    given = Observed(Wish("app_web", ["x"]), "job-1", shape(f"app:1@{DIGEST}"), nodes=NODES, leftovers=[(left, "lock1")])
    assert [(change.action, change.name) for change in plan(given, PARAMS).changes] == [("remove", "job-old"), ("create", "app_web")]


def test_a_later_call_has_nothing_to_plan() -> None:
    assert plan(Observed(Wish("app_web"), goes_on=True), PARAMS).changes == ()


def test_a_job_that_no_node_can_run_is_refused() -> None:
    given = Observed(Wish("app_web", ["x"]), "job-1", shape("app:1", constraints=["node.labels.gpu == true"]), nodes=NODES)
    with pytest.raises(PlanError, match=r"no node that is ready and active can run the job; constraints: node.labels.gpu == true"):
        plan(given, PARAMS)
