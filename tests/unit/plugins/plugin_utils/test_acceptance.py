# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.plugin_utils.acceptance import (
    LOOKED,
    STEPS,
    TRIED,
    Run,
    find_cause,
    find_due,
    judge_acceptance,
)
from hypothesis import given
from hypothesis import strategies as st

Json = dict[str, Any]
ROOT = Path(__file__).parents[4]
AREAS = [area for areas in LOOKED.values() for area in areas]
NODES = [
    {"node_id": "n1", "hostname": "m1", "role": "manager", "address": "10.0.0.1", "state": "ready", "availability": "active", "labels": {}},
    {"node_id": "n2", "hostname": "w1", "role": "worker", "address": "10.0.0.2", "state": "ready", "availability": "active", "labels": {}},
    {"node_id": "n3", "hostname": "w2", "role": "worker", "address": "10.0.0.3", "state": "ready", "availability": "drain", "labels": {}},
]
SERVICES = [
    {"name": "shop_web", "mode": "replicated", "desired": 2},
    {"name": "shop_agent", "mode": "global", "desired": 3},
    {"name": "shop_off", "mode": "replicated", "desired": 0},
]
HOSTS = {
    "m1": {"node_id": "n1", "mounts": [{"path": "/srv/a"}], "waiting_mounts": ["/srv/b"]},
    "first": {"node_id": "n2", "mounts": [], "waiting_mounts": []},
    "gone": {"unreachable": True},
}
DECLARED: Json = {"swarm_name": "prod", "edge_stack": "edge", "monitoring_stack": "mon", "receivers": ["ops"], "stacks": [{"name": "shop"}]}


def finding(area: str, state: str = "failed") -> Json:
    return {"area": area, "state": state, "where": "w1", "text": "is wrong", "cure": "Mend it"}


def health(*findings: Json) -> Json:
    report = {"areas": [{"area": area, "state": "ok", "text": f"{area} well"} for area in AREAS], "findings": list(findings)}
    return {"report": report, "hosts": HOSTS, "nodes": NODES, "services": SERVICES}


def run(*findings: Json, **changes: Any) -> Run:
    plain = Run("m1", STEPS, "shop_web", "first", DECLARED, health(*findings), False)
    return replace(plain, **changes)


def done(*steps: str) -> Json:
    return {f"__acceptance_{step}_done": True for step in steps}


def states(told: Json) -> dict[str, str]:
    return {row["step"]: row["state"] for row in told["steps"]}


def texts(told: Json) -> dict[str, str]:
    return {row["step"]: row["text"] for row in told["steps"]}


def test_all_that_passed_is_accepted() -> None:
    told = judge_acceptance(run(facts=done(*TRIED)))
    assert (told["verdict"], told["summary"], told["findings"]) == ("accepted", "11 passed", [])
    assert list(states(told)) == list(STEPS) and texts(told)["nodes"] == "hosts: hosts well; nodes: nodes well; quorum: quorum well"
    assert (texts(told)["mounts"], texts(told)["services"]) == ("mounts well", "services well; no stack differs from its files")
    assert texts(told)["scale"] == "shop_web ran with one task more, and again with as many as before"
    assert [node["hostname"] for node in told["nodes"]] == ["m1", "w1", "w2"] and "node_id" not in told["nodes"][0]


def test_the_steps_of_the_role_are_these() -> None:
    spec = yaml.safe_load((ROOT / "roles/acceptance/meta/argument_specs.yml").read_text())["argument_specs"]
    assert all(entry["options"]["acceptance_steps"]["choices"] == list(STEPS) for entry in spec.values())


def test_a_service_is_scaled_up_by_one_and_back() -> None:
    assert find_due(run())["scale"] == {"more": {"shop_web": 3}, "back": {"shop_web": 2}}
    assert list(find_due(run())) == ["services", *TRIED]


@pytest.mark.parametrize(
    ("changes", "step", "why"),
    [
        ({"declared": {**DECLARED, "monitoring_stack": ""}}, "alerts", "no monitoring_stack"),
        ({"declared": {**DECLARED, "receivers": []}}, "alerts", "no receivers in monitoring_alertmanager"),
        ({"declared": {**DECLARED, "edge_stack": ""}}, "edge", "no edge_stack"),
        ({"service": ""}, "scale", "no acceptance_service"),
        ({"service": ""}, "restart", "no acceptance_service"),
        ({"node": ""}, "drain", "no acceptance_node"),
        ({"steps": ["nodes", "drain"]}, "backup", "left out of acceptance_steps"),
        ({"steps": ["nodes", "drain"]}, "network", "left out of acceptance_steps"),
    ],
)
def test_what_is_not_asked_is_neither_tried_nor_passed(changes: Json, step: str, why: str) -> None:
    asked = run(**changes)
    told = judge_acceptance(replace(asked, facts=done(*find_due(asked))))
    assert step not in find_due(asked)
    assert (states(told)[step], texts(told)[step]) == ("not asked", why) and told["verdict"] == "accepted"


def test_nothing_is_disturbed_while_something_fails_but_an_alert_is_sent() -> None:
    ill = run(finding("overlay"))
    assert list(find_due(ill)) == ["services", "alerts"]
    told = judge_acceptance(replace(ill, facts=done("alerts")))
    assert told["verdict"] == "rejected" and states(told)["network"] == "failed" and told["findings"] == [finding("overlay")]
    assert (states(told)["drain"], texts(told)["drain"]) == ("not tried", "nothing is disturbed while this fails: network")


def test_what_fails_and_is_left_out_holds_nothing_up() -> None:
    asked = run(finding("disks"), steps=["nodes", "drain"])
    assert list(find_due(asked)) == ["drain"]
    told = judge_acceptance(replace(asked, facts=done("drain")))
    assert told["verdict"] == "accepted" and told["findings"] == []


def test_a_warning_holds_nothing_up_and_is_told() -> None:
    warned = run(finding("exposure", "warning"), facts=done(*TRIED))
    told = judge_acceptance(warned)
    assert (told["verdict"], states(told)["hosts"], told["summary"]) == ("accepted", "warning", "10 passed, 1 warning")
    assert "drain" in find_due(warned)


def test_stacks_that_differ_from_their_files_fail_and_hold_up_what_disturbs() -> None:
    facts = {"__acceptance_services_failed": "The swarm differs from the stack files in shop_web"}
    assert list(find_due(run(facts=facts))) == ["services", "alerts"]
    told = judge_acceptance(run(facts=facts))
    assert states(told)["services"] == "failed" and "differs" in told["findings"][0]["text"] and "deploy.yml" in told["findings"][0]["cure"]
    assert "services" not in find_due(run(declared={**DECLARED, "stacks": []}))


def test_a_mount_that_is_declared_and_not_there_fails() -> None:
    by_host = {"m1": ([{"path": "/srv/a"}, {"path": "/srv/b"}], []), "first": ([], [{"path": "/srv/c"}]), "gone": ([{"path": "/x"}], [])}
    told = judge_acceptance(run(declared={**DECLARED, "mounts": by_host}))
    (found,) = told["findings"][:1]
    assert (found["where"], found["text"]) == ("first", "/srv/c is declared, and nothing is mounted there")
    assert states(told)["mounts"] == "failed"


def test_an_edge_that_is_declared_and_does_not_run_fails() -> None:
    known = health()
    known["report"]["areas"] = [area for area in known["report"]["areas"] if area["area"] != "edge"]
    told = judge_acceptance(run(health=known))
    assert states(told)["edge"] == "failed" and told["findings"][0]["where"] == "edge"


@pytest.mark.parametrize(
    ("changes", "step", "words"),
    [
        ({"service": "shop"}, "scale", "which is no service. There are shop_agent, shop_off, shop_web"),
        ({"service": "shop_agent"}, "scale", "which is global and has no number of tasks to set"),
        ({"service": "shop_off"}, "restart", "which has no tasks"),
        ({"node": "w9"}, "drain", "acceptance_node is w9, which is no node. There are m1, w1, w2"),
        ({"node": "w2"}, "drain", "acceptance_node is w2, which is set to drain already"),
    ],
)
def test_what_can_not_be_tried_fails_and_is_not_begun(changes: Json, step: str, words: str) -> None:
    wrong = run(**changes)
    assert step not in find_due(wrong)
    told = judge_acceptance(replace(wrong, facts=done(*find_due(wrong))))
    assert words in next(each["text"] for each in told["findings"] if each["area"] == step)
    assert states(told)[step] == "failed" and told["verdict"] == "rejected"


def test_a_task_of_a_global_service_may_be_killed() -> None:
    assert "restart" in find_due(run(service="shop_agent"))


def test_a_step_that_fails_is_told_with_cause_and_cure_and_the_next_goes_on() -> None:
    facts = {"__acceptance_scale_failed": "no room for a third task", **done("alerts")}
    assert "drain" in find_due(run(facts=facts))
    told = judge_acceptance(run(facts={**facts, **done("drain", "restart", "backup")}))
    assert (told["verdict"], told["summary"]) == ("rejected", "10 passed, 1 failed")
    (found,) = told["findings"]
    assert (found["where"], found["text"]) == ("shop_web", "no room for a third task") and "acceptance_steps=scale" in found["cure"]


def test_what_was_not_put_back_is_told_and_nothing_more_is_disturbed() -> None:
    facts = {**done("alerts", "scale", "drain"), "__acceptance_drain_left": "m1 can't be reached"}
    left = run(facts=facts)
    assert list(find_due(left)) == ["services", "alerts", "drain"]
    told = judge_acceptance(left)
    assert states(told)["drain"] == "failed" and states(told)["restart"] == states(told)["backup"] == "not tried"
    (found,) = told["findings"]
    assert found["text"] == "was not put back: m1 can't be reached" and found["cure"] == "Run activate.yml -e nodes_target=first"


def test_in_check_mode_what_could_be_tried_is_planned() -> None:
    told = judge_acceptance(run(check_mode=True, facts=done(*TRIED)))
    assert (told["verdict"], told["summary"]) == ("planned", "6 passed, 5 planned")
    refused = {**done("alerts", "scale", "restart", "backup"), "__acceptance_drain_failed": "no room"}
    assert judge_acceptance(run(check_mode=True, facts=refused))["verdict"] == "rejected"


@pytest.mark.parametrize("changes", [{"health": {}}, {"manager": ""}])
def test_without_a_look_or_a_manager_nothing_is_tried(changes: Json) -> None:
    assert find_due(run(**changes)) == {}
    told = judge_acceptance(run(**changes))
    assert told["verdict"] == "rejected" and states(told)["backup"] == "not tried"


def test_a_run_that_asks_for_nothing_accepts_nothing() -> None:
    assert judge_acceptance(run(steps=[]))["verdict"] == "rejected"


@given(
    st.sets(st.sampled_from(STEPS)),
    st.sets(st.sampled_from(AREAS)),
    st.dictionaries(st.sampled_from(TRIED), st.sampled_from(["done", "failed", "left"])),
)
def test_only_what_was_asked_and_came_to_a_good_end_is_accepted(steps: set[str], ill: set[str], ends: dict[str, str]) -> None:
    facts = {f"__acceptance_{step}_{end}": "x" for step, end in ends.items()}
    told = judge_acceptance(run(*map(finding, sorted(ill)), steps=sorted(steps), facts=facts))
    looked = steps & set(LOOKED)
    well = all(not set(LOOKED[step]) & ill for step in looked) and all(ends.get(step) == "done" for step in steps & set(TRIED))
    assert (told["verdict"] == "accepted") == (well and bool(steps))
    assert {step for step, state in states(told).items() if state == "not asked"} == set(STEPS) - steps


@pytest.mark.parametrize(
    ("result", "cause"),
    [
        ({"msg": "it  is\nwrong."}, "it is wrong"),
        ({"msg": "One failed", "results": [{"msg": "fine"}, {"failed": True, "msg": "a"}, {"failed": True, "msg": "b"}]}, "a; b"),
        ({"tasks": []}, "it failed without a message"),
    ],
)
def test_the_cause_is_one_line(result: Json, cause: str) -> None:
    assert find_cause(result) == cause
