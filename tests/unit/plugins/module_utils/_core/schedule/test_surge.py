# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services move before a drain, and what they are meanwhile."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.surge import MARK, plan_surge, restored_spec, surged_spec
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from fake_engine import service
from hypothesis import given
from hypothesis import strategies as st

Raw = dict[str, t.Any]
LEAVING = {"id-w1": "w1", "id-w2": "w2"}
VOLUME = {"Type": "volume", "Source": "data", "Target": "/data"}
START_FIRST: Raw = {"UpdateConfig": {"Order": "start-first"}}


def listed(name: str = "web", state: str = "", **spec: t.Any) -> Raw:
    return {"ID": f"id-{name}", "Spec": service(name, **spec), **({"UpdateStatus": {"State": state}} if state else {})}


def tasks(*nodes: str, state: str = "running", desired: str = "running", of: str = "web") -> list[Raw]:
    return [{"ServiceID": f"id-{of}", "NodeID": f"id-{n}", "DesiredState": desired, "Status": {"State": state}} for n in nodes]


@pytest.mark.parametrize(
    ("extent", "given_service", "given_tasks", "moving"),
    [
        ("none", listed(), tasks("w1"), ""),
        ("sole", listed(), tasks("w1"), "1 of its tasks runs"),
        ("sole", listed(), tasks("w1", "w2"), "2 of its tasks run"),
        ("sole", listed(), tasks("w1", "w3"), ""),
        ("sole", listed(), [*tasks("w1"), *tasks("w3", state="starting")], "1 of its tasks runs"),
        ("sole", listed(), [*tasks("w1"), *tasks("w3", desired="shutdown")], "1 of its tasks runs"),
        ("all", listed(), tasks("w1", "w3"), "1 of its tasks runs"),
        ("all", listed(), tasks("w3"), ""),
        ("all", listed(), tasks("w1", state="failed"), ""),
        ("all", listed(), tasks("w1", of="other"), ""),
        ("all", listed(mode="global"), tasks("w1", "w3"), ""),
        ("all", listed(mode="replicated-job"), tasks("w1"), ""),
        ("all", listed(container={"Mounts": [{**VOLUME, "ReadOnly": True}, {"Type": "tmpfs", "Target": "/t"}]}), tasks("w1"), "1 of"),
        ("all", listed(container={"Mounts": [VOLUME]}, **START_FIRST), tasks("w1"), "1 of its tasks runs"),
    ],
)
def test_what_moves(extent: str, given_service: Raw, given_tasks: list[Raw], moving: str) -> None:
    changes, warnings = plan_surge(extent, LEAVING, [given_service], given_tasks)
    assert warnings == []
    assert [change.reason.startswith(moving) for change in changes] == ([True] if moving else [])


def test_two_tasks_never_write_at_once_unasked() -> None:
    changes, (warning,) = plan_surge("all", LEAVING, [listed(container={"Mounts": [VOLUME]})], tasks("w1"))
    assert changes == [] and "web stops on w1, w2 before it starts elsewhere: it writes to data" in warning


@pytest.mark.parametrize("state", ["updating", "paused", "rollback_started", "rollback_paused"])
def test_a_service_whose_update_is_not_over_is_refused(state: str) -> None:
    with pytest.raises(PlanError, match=f"web: its last update has not ended .{state}"):
        plan_surge("all", LEAVING, [listed(state=state)], tasks("w1"))
    assert plan_surge("all", LEAVING, [listed(state=state)], tasks("w3")) == ([], [])


@pytest.mark.parametrize("state", ["completed", "rollback_completed"])
def test_one_whose_update_is_over_moves(state: str) -> None:
    (change,), _warnings = plan_surge("all", LEAVING, [listed(state=state)], tasks("w1"))
    assert change.cost == "restarts 1 task"


def test_a_moving_service_keeps_everything_but_where_and_how() -> None:
    spec = service("web", constraints=["node.role==worker"], labels={"a": "b"}, UpdateConfig={"Parallelism": 2, "Monitor": 7})
    surged = surged_spec(spec, LEAVING)
    assert surged["TaskTemplate"]["Placement"] == {"Constraints": ["node.role==worker", "node.id!=id-w1", "node.id!=id-w2"]}
    assert surged["UpdateConfig"] == {"Parallelism": 2, "Monitor": 7, "Order": "start-first", "FailureAction": "rollback"}
    assert surged["Labels"].pop(MARK) and surged["Labels"] == {"a": "b"}
    same = ("Name", "Mode", "EndpointSpec")
    assert {key: surged[key] for key in same} == {key: spec[key] for key in same}
    assert surged["TaskTemplate"]["ContainerSpec"] == spec["TaskTemplate"]["ContainerSpec"]


def test_a_service_left_by_a_run_that_was_killed_is_restored() -> None:
    spec = service("web", replicas=3)
    left = {"ID": "id-web", "Spec": surged_spec(spec, ["id-w9"]), "UpdateStatus": {"State": "updating"}}
    (change,), _warnings = plan_surge("none", {}, [left, listed("other")], [])
    assert (change.cost, change.payload.body) == ("nothing", spec)
    (again,), _warnings = plan_surge("all", LEAVING, [left], tasks("w1"))
    assert again.payload.body == surged_spec(spec, LEAVING)


updates = st.none() | st.dictionaries(st.sampled_from(["Parallelism", "Order", "FailureAction", "Monitor"]), st.integers(0, 3))
placements = st.none() | st.fixed_dictionaries(
    {}, optional={"Constraints": st.lists(st.text(max_size=3)), "MaxReplicas": st.integers(0, 3)}
)


@given(updates, placements, st.dictionaries(st.text(max_size=3), st.text(max_size=3)), st.lists(st.text(min_size=1), unique=True))
def test_nothing_is_left_of_a_move(update: Raw | None, placement: Raw | None, labels: dict[str, str], leaving: list[str]) -> None:
    spec = service("web", labels=labels)
    spec.update({"UpdateConfig": update} if update is not None else {})
    spec["TaskTemplate"].update({"Placement": placement} if placement is not None else {})
    before = copy.deepcopy(spec)
    assert restored_spec(surged_spec(spec, leaving)) == before == spec
    assert restored_spec(spec) == spec
