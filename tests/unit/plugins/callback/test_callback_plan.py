# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change, Field, render_changes
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_plan import gather, tell_registered

FILE = Change("file", "daemon.json", "update", (Field("debug", None, True),)).as_result()
NODE = Change("node", "w1", "update", (Field("labels.gpu", None, "true"),)).as_result()


def changed(*plan: dict[str, Any]) -> dict[str, Any]:
    return {"changed": True, "plan": list(plan)}


def test_the_same_change_on_two_hosts_is_one_line_that_names_both() -> None:
    changes = gather([("m1", "t", False, changed(FILE)), ("w1", "t", False, changed(FILE))])
    assert [(c["name"], c["reason"]) for c in changes] == [("daemon.json", "on m1, w1")]


def test_a_change_of_the_cluster_names_no_host() -> None:
    assert gather([("m1", "t", True, changed(NODE))]) == [NODE]


def test_changes_inside_loops_are_found_and_unchanged_items_left_out() -> None:
    loop = {"changed": True, "results": [changed(NODE), {"changed": False, "plan": []}]}
    assert gather([("m1", "t", True, loop)]) == [NODE]


def test_a_task_of_another_collection_is_listed_by_its_name() -> None:
    [change] = gather([("m1", "packages | Install", False, {"changed": True})])
    assert (change["kind"], change["name"], change["reason"]) == ("task", "packages | Install", "on m1")


@pytest.mark.parametrize(
    "more",
    [
        {"plan": "Basic"},
        {"plan": None},
        {"plan": ["a", "b"]},
        {"plan": {"name": "Basic"}},
        {"plan": [{"name": "Basic"}]},
        {"plan": [{**NODE, "action": "buy"}]},
        {"results": ["Installed: nfs-utils"]},
        {"results": None},
        {"results": [{"item": 1}]},
    ],
)
def test_a_task_of_another_collection_may_return_what_it_likes(more: dict[str, Any]) -> None:
    changes = gather([("m1", "Buy", False, {"changed": True, **more})])
    assert [(change["kind"], change["name"]) for change in changes] == [("task", "Buy")]
    assert render_changes(changes) == ["~ task     Buy  on m1"]


def test_order_is_that_of_the_run() -> None:
    changes = gather([("m1", "t", True, changed(NODE)), ("m1", "u", False, changed(FILE))])
    assert [c["kind"] for c in changes] == ["node", "file"]


def test_what_roles_registered_is_the_same_list() -> None:
    variables: dict[str, dict[str, Any]] = {
        "m1": {"engine_decided": changed(FILE), "__nodes_planned": changed(NODE), "preflight_seen": {"changed": True}},
        "w1": {"engine_decided": changed(FILE), "__nodes_planned": changed(NODE), "__stacks_done": {"results": [changed()]}},
        "w2": {"engine_decided": {"changed": False, "plan": []}, "__volumes_decided": {"skipped": True}, "was_done": "yes"},
    }
    assert tell_registered(variables, variables) == [
        *render_changes(gather([("m1", "", False, changed(FILE)), ("w1", "", False, changed(FILE)), ("m1", "", True, changed(NODE))])),
        "2 to change. Nothing was changed.",
    ]
    assert tell_registered({"m1": {}}, ["m1"]) == ["Nothing to change. Nothing was changed."]
