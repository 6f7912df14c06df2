# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step ``plan`` of the module ``stack``, out of plain data."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.options import ARGUMENTS
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.swarm_objects import SwarmObjects
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.modules.stack import Observed, plan
from fake_engine import node
from stack_deploy import NETWORK, Json, body, wanted

NODES = Nodes([node("m1", role="manager", node_id="N1")])
BARE = Observed(wanted=wanted(body("web")), salt="s", has_swarm=False, check_mode=True)
THERE = {**NETWORK, "Id": "net1", "Scope": "swarm", "Driver": "overlay"}


def params(**given: t.Any) -> Json:
    return {**{name: option.get("default") for name, option in ARGUMENTS.items()}, "name": "app", **given}


def running(key: str, **spec: t.Any) -> Json:
    return {"ID": key, "Version": {"Index": 7}, "Spec": body(key, **spec)}


def observed(*services: Json, wants: t.Sequence[Json] = (), **more: t.Any) -> Observed:
    return Observed(SwarmObjects(services, [THERE], nodes=NODES), wanted(*wants), "salt", **more)


@pytest.mark.parametrize(
    ("given", "options", "acts"),
    [
        (observed(running("web"), wants=[body("web")]), {}, []),
        (observed(wants=[body("web")]), {}, [("create", "app_web")]),
        (observed(running("web"), wants=[body("web", "img:2")]), {}, [("update", "app_web")]),
        (observed(running("old"), wants=[]), {}, []),
        (observed(running("old"), wants=[]), {"prune": True}, [("remove", "app_old")]),
        (observed(running("web")), {"state": "absent"}, [("remove", "app_web"), ("remove", "app_default")]),
        (
            observed(running("web", mode={"Replicated": {"Replicas": 5}}), wants=[body("web", mode={"Replicated": {"Replicas": 2}})]),
            {"keep_replicas": ["web"]},
            [],
        ),
        (BARE, {}, [("create", "app_default"), ("create", "app_web")]),
    ],
)
def test_what_is_planned(given: Observed, options: Json, acts: list[tuple[str, str]]) -> None:
    assert [(change.action, change.name) for change in plan(given, params(**options)).changes] == acts


def test_a_plan_is_known_by_what_it_does_and_to_what() -> None:
    first = plan(observed(running("web"), wants=[body("web", "img:2")]), params()).result["plan_id"]
    assert first and plan(observed(running("web"), wants=[body("web", "img:2")]), params()).result["plan_id"] == first
    moved = {**running("web"), "Version": {"Index": 8}}
    assert plan(observed(moved, wants=[body("web", "img:2")]), params()).result["plan_id"] != first
    assert plan(Observed(salt="s", has_swarm=False, check_mode=True), params()).result["plan_id"] == ""


def test_an_approved_plan_has_to_be_the_plan_of_the_first_call_alone() -> None:
    changed = observed(running("web"), wants=[body("web", "img:2")])
    approved = plan(changed, params()).result["plan_id"]
    plan(changed, params(plan_id=approved))
    with pytest.raises(PlanError, match="and another was approved"):
        plan(changed, params(plan_id="another"))
    plan(observed(wants=[], goes_on=True), params(plan_id=approved))


def test_what_is_external_and_missing_stops_a_run_but_not_a_plan() -> None:
    outside = body("web", template={"Networks": [{"Target": "outside"}]})
    (warning,) = plan(observed(wants=[outside], check_mode=True), params()).warnings
    assert warning == "network outside (of app_web) is external and does not exist; create it first"
    with pytest.raises(PlanError, match=r"stack app was not deployed: network outside"):
        plan(observed(wants=[outside]), params())
    mounts = [{"Type": "cluster", "Source": name, "Target": f"/{name}"} for name in ("data", "group:fast")]
    clustered = body("web", template={"ContainerSpec": {"Image": "img:1", "Mounts": mounts}})
    (warning,) = plan(observed(wants=[clustered], check_mode=True), params()).warnings
    assert warning == "cluster volume data (of app_web) does not exist; create it first"
    with pytest.raises(PlanError, match="keep_versions is -1, expected 0 or more"):
        plan(observed(), params(keep_versions=-1))
