# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nodes and wishes to a plan."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.labels import read_labels
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.node import Node, change_spec, read_node, read_quorum
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.nodes import Wanted, plan_nodes
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from fake_engine import node as raw_node
from hypothesis import given
from hypothesis import strategies as st


def node(name: str, **more: t.Any) -> Node:
    return read_node(raw_node(name, **more))


M1, M2, M3 = (node(f"m{n}", role="manager", leader=n == 1, addr=f"10.0.0.{n}") for n in (1, 2, 3))
W1, W2 = (node(f"w{n}", addr=f"10.0.1.{n}", labels={"kept": "1"}) for n in (1, 2))


def told(nodes: t.Sequence[Node], **wanted: t.Any) -> list[tuple[str, str, list[tuple[str, t.Any, t.Any]]]]:
    changes = plan_nodes(nodes, Wanted(**wanted)).changes
    return [(each.name, each.action, [(f.path, f.before, f.after) for f in each.fields]) for each in changes]


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (1, "1"), (1.5, "1.5"), ("", ""), ("True", "True"), (None, None)]
)
def test_values_become_text(value: t.Any, text: str | None) -> None:
    assert read_labels("n", {"x": value}) == {"x": text}


@pytest.mark.parametrize(("value", "kind"), [([1], "a list"), ({"a": 1}, "a mapping")])
def test_a_structure_is_no_label(value: t.Any, kind: str) -> None:
    with pytest.raises(PlanError, match=f"Label gpu of w1: {kind} can't be"):
        plan_nodes([W1], Wanted(labels={"w1": {"gpu": value}}))


def test_labels_that_are_no_mapping() -> None:
    with pytest.raises(PlanError, match="Labels of w1: expected a mapping"):
        plan_nodes([W1], Wanted(labels={"w1": ["gpu"]}))  # type: ignore[dict-item]


def test_labels_of_our_own_are_not_the_users() -> None:
    with pytest.raises(PlanError, match=r"Labels of w1: flotilla.availability. .* use others"):
        plan_nodes([W1], Wanted(labels={"w1": {"flotilla.availability": "pause"}}))


def test_labels_merge_remove_and_replace() -> None:
    assert told([W1], labels={"w1": {"a": True, "empty": ""}}) == [
        ("w1", "update", [("labels.a", None, "true"), ("labels.empty", None, "")])
    ]
    assert told([W1], labels={"w1": {"kept": None, "never": None}}) == [("w1", "update", [("labels.kept", "1", None)])]
    assert told([W1], labels={"w1": {"a": 1}}, exact=True) == [("w1", "update", [("labels.a", None, "1"), ("labels.kept", "1", None)])]
    assert told([W1], availability={"w1": "pause"}, exact=True) == [("w1", "update", [("availability", "active", "pause")])]
    assert told([W1], labels={"w1": {"kept": 1}}) == []


def test_the_mark_of_a_turn_stays_until_a_role_takes_it_away() -> None:
    marked = node("w1", labels={"io.flotilla.swarm.turn": "true"})
    assert told([marked], labels={"w1": {}}, exact=True) == []
    taken = told([marked], labels={"w1": {"io.flotilla.swarm.turn": None}})
    assert taken == [("w1", "update", [("labels.io.flotilla.swarm.turn", "true", None)])]
    assert told([marked, node("w2")], replaces={"w2": "w1"}) == []


def test_a_label_with_an_empty_value_can_be_removed() -> None:
    assert told([node("w1", labels={"x": ""})], labels={"w1": {"x": None}}) == [("w1", "update", [("labels.x", "", None)])]


POLICIES = {"exactly_one": ["database"], "at_most_one_of": [["grader", "tiny_grader"]]}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"w1": {"database": True}}, ""),
        ({"w1": {"database": True}, "w2": {"database": False}}, ""),
        ({"w1": {"database": True}, "w2": {"database": ""}}, ""),
        ({"w1": {"grader": True}}, "exactly one node must carry database, but none does"),
        ({"w1": {"database": 1}, "w2": {"database": 1}}, r"exactly one .* but 2 do: w1, w2"),
        ({"w1": {"database": 1, "grader": 1}, "w2": {"tiny_grader": 1}}, ""),
        ({"w1": {"database": 1, "grader": 1, "tiny_grader": 1}}, "w1 carries grader and tiny_grader, but at most one of"),
    ],
)
def test_policies(labels: dict[str, t.Any], message: str) -> None:
    wanted = Wanted(labels=labels, policies=POLICIES)
    if not message:
        assert plan_nodes([M1, W1, W2], wanted).changed
        return
    with pytest.raises(PlanError, match=message):
        plan_nodes([M1, W1, W2], wanted)


def test_policies_see_nodes_outside_the_inventory_but_no_ghosts() -> None:
    stray = node("stray", labels={"database": "true"})
    with pytest.raises(PlanError, match=rf"2 do: stray \({stray.node_id}\), w1"):
        plan_nodes([W1, stray], Wanted(labels={"w1": {"database": True}}, policies=POLICIES))
    ghost = node("w1", addr="10.0.1.1", node_id="ghost", labels={"database": "true"})
    wanted = Wanted(labels={"w1": {"database": True}}, policies=POLICIES, node_ids={"w1": W1.node_id})
    assert [change.name for change in plan_nodes([ghost, W1], wanted).changes] == ["w1"]


def test_hosts_are_matched_by_the_id_that_they_told() -> None:
    other = node("w1", addr="10.0.9.9", node_id="other")
    (change,) = plan_nodes([other, W1], Wanted(labels={"db": {"a": 1}}, node_ids={"db": W1.node_id})).changes
    assert (change.name, change.payload["node"].node_id) == ("db", W1.node_id)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(labels={"w1": {"a": 1}}), r"w1 could be any of \w+ \(w1, 10.0.1.1, ready\), other"),
        (Wanted(labels={"nobody": {"a": 1}}), r"the swarm has no node nobody \(its nodes are w1, w1\)"),
        (Wanted(labels={"w1": {"a": 1}}, node_ids={"w1": "strange"}), "w1 has the node id strange, which is not in this swarm"),
        (Wanted(labels={"a": {}, "b": {}}, node_ids={"a": "other", "b": "other"}), "a and b are the same node other"),
    ],
)
def test_doubtful_matches_are_refused(wanted: Wanted, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan_nodes([W1, node("w1", addr="10.0.9.9", node_id="other")], wanted)


def test_without_an_id_the_name_or_the_address_may_tell() -> None:
    down = node("w1", addr="10.0.1.1", state="down", node_id="old")
    (by_name,) = plan_nodes([down, W1], Wanted(labels={"w1": {"a": 1}})).changes
    (by_address,) = plan_nodes([W1, W2], Wanted(labels={"db": {"a": 1}}, addresses={"db": "10.0.1.2"})).changes
    assert (by_name.payload["node"].node_id, by_address.payload["node"].node_id) == (W1.node_id, W2.node_id)


def test_in_check_mode_a_host_may_still_have_to_join() -> None:
    (change,) = plan_nodes([], Wanted(labels={"w9": {"a": 1}}, availability={"w9": "active"}), joining=True).changes
    assert [(f.path, f.after) for f in change.fields] == [("labels.a", "1")]


def test_promotions_come_first_and_the_leader_is_demoted_last() -> None:
    roles = {"m1": "worker", "m2": "worker", "m3": "manager", "w1": "manager", "w2": "manager"}
    plan = plan_nodes([M1, M2, M3, W1, W2], Wanted(roles=roles, labels={"m3": {"x": 1}}))
    assert [change.name for change in plan.changes] == ["w1", "w2", "m3", "m2", "m1"]


@pytest.mark.parametrize(
    ("nodes", "roles", "message"),
    [
        ([M1], {"m1": "worker"}, "Taking m1 out of the managers: it is the only manager"),
        (
            [M1, M2, node("m3", role="manager", reachability="unreachable", state="down")],
            {"m2": "worker"},
            "1 of 2 managers would be reachable, and 2 are needed",
        ),
    ],
)
def test_a_step_that_costs_the_quorum_is_refused(nodes: list[Node], roles: dict[str, str], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan_nodes(nodes, Wanted(roles=roles))


def test_a_ghost_is_removed_only_when_proven() -> None:
    ghost = node("w1", addr="10.0.1.1", state="unknown", node_id="ghost")
    moved = node("w1", addr="10.0.9.9", state="down", node_id="moved")
    down = node("w3", addr="10.0.1.3", state="down")
    nodes = [M1, W1, ghost, moved, down]
    ids = {"w1": W1.node_id}
    assert told(nodes, remove_ghosts=True) == []
    assert told(nodes, node_ids=ids) == []
    assert told(nodes, node_ids=ids, remove_ghosts=True) == [("w1 (ghost)", "remove", [])]
    assert told([M1, ghost, moved], node_ids=ids, remove_ghosts=True) == [], "its host is not up"


def test_a_named_node_is_removed_when_it_is_down() -> None:
    down = node("w3", state="down")
    assert told([M1, down], absent=["w3"]) == [(f"w3 ({down.node_id})", "remove", [])]
    assert told([M1], absent=["w3"]) == []
    with pytest.raises(PlanError, match=rf"Removing nodes: w1 \({W1.node_id}\) is ready\. Drain"):
        told([M1, W1], absent=["w1"])
    dead = node("m3", role="manager", state="down", reachability="unreachable")
    assert [change[1] for change in told([M1, M2, dead], absent=["m3"])] == ["remove"]
    with pytest.raises(PlanError, match="only 1 of 2 managers are reachable"):
        told([M1, dead], absent=["m3"])


LABELS = st.dictionaries(st.sampled_from("abcd"), st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=2), max_size=4)


@given(LABELS, LABELS.filter(lambda labels: None not in labels.values()), st.booleans())
def test_a_second_plan_finds_nothing(given_labels: dict[str, t.Any], before: dict[str, t.Any], exact: bool) -> None:
    start = raw_node("w1", labels={name: str(value) for name, value in before.items()})
    wanted = Wanted(labels={"w1": given_labels}, exact=exact)
    for change in plan_nodes([read_node(start)], wanted).changes:
        start["Spec"] = change_spec(start["Spec"], change.payload["delta"])
    assert not plan_nodes([read_node(start)], wanted).changed
    assert all(isinstance(value, str) for value in start["Spec"]["Labels"].values())


def test_a_spec_keeps_what_is_not_ours() -> None:
    spec = {"Name": "n", "Labels": {"a": "1"}, "Role": "worker", "Availability": "active", "Future": 1}
    assert change_spec(spec, {"Labels": {"a": None, "b": "2"}}) == {**spec, "Labels": {"b": "2"}}


def test_a_leader_listed_without_an_address() -> None:
    raw = raw_node("m1", role="manager", addr="10.0.0.1")
    raw["Status"]["Addr"] = "0.0.0.0"
    assert read_node(raw).address == "10.0.0.1"
    assert re.fullmatch(r"10\.0\.0\.1:2377", read_node(raw).manager_address)


def test_a_manager_that_takes_part_in_nothing_is_removed_without_a_demotion() -> None:
    """The managers of a swarm that was recovered know its former ones, and say of them that they are no members."""
    gone, member = replace(node("m4", role="manager", state="down"), manager_address=""), node("m3", role="manager", state="down")
    changes = plan_nodes([M1, M2, gone, member], Wanted(absent=[gone.node_id, "m3"])).changes
    assert [(change.name.split()[0], change.payload["delta"]) for change in changes] == [("m4", {}), ("m3", {"Role": "worker"})]


def test_a_ghost_of_a_manager_is_not_reachable_at_its_hosts_address() -> None:
    ghost = node("m1", role="manager", addr="10.0.0.1", state="down", node_id="ghost")
    quorum = read_quorum([M1, M2, ghost])
    assert (quorum.managers, quorum.reachable) == (3, 2)
    wanted = Wanted(node_ids={"m1": M1.node_id}, remove_ghosts=True)
    assert [change.name for change in plan_nodes([M1, M2, ghost], wanted).changes] == ["m1 (ghost)"]
