# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster import rolling
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.rolling import LEADER, MANAGER, OFF, OUTSIDE, WORKER, Member
from hypothesis import given
from hypothesis import strategies as st

MARK = "io.flotilla.swarm.turn"
KINDS = {"m1": LEADER, "m2": MANAGER, "m3": MANAGER, "w1": WORKER, "w2": WORKER, "w3": WORKER, "new": OUTSIDE, "dead": OFF}
MEMBERS = [Member(name, f"id-{name}", kind, kind in (WORKER, MANAGER)) for name, kind in KINDS.items()]


def answer(item: str = "m1", reachable: int = 3, autolock: bool = False, **more: Any) -> dict[str, Any]:
    """What a manager says of three managers and three workers; somebody drained w1, an earlier turn w2."""
    nodes = [{"node_id": f"id-{name}", "leader": name == "m1", "availability": "active", "labels": {}} for name in list(KINDS)[:6]]
    nodes[3] |= {"availability": "drain"}
    nodes[4] |= {"availability": "drain", "labels": {MARK: "true"}}
    quorum = {"managers": 3, "reachable": reachable}
    return {"item": item, "acting": True, "quorum": quorum, "nodes": nodes, "settings": {"autolock": autolock}, **more}


def own(name: str, state: str = "active", **more: Any) -> dict[str, Any]:
    role = "manager" if name.startswith("m") else "worker" if state == "active" else ""
    return {"state": state, "role": role, "node_id": f"id-{name}", "check_mode": False, **more}


def names(turns: list[list[Member]]) -> list[list[str]]:
    return [[member.name for member in turn] for turn in turns]


@pytest.mark.parametrize(
    ("batch", "workers"),
    [(1, [["w1"], ["w2"], ["w3"]]), (2, [["w1", "w2"], ["w3"]]), (9, [["w1", "w2", "w3"]])],
)
def test_workers_come_first_in_batches_and_the_leader_last(batch: int, workers: list[list[str]]) -> None:
    assert names(rolling.order_turns(MEMBERS, batch)) == [["new", "dead"], *workers, ["m2"], ["m3"], ["m1"]]
    assert rolling.order_turns([], batch) == []


@given(st.lists(st.sampled_from(list(KINDS.values())), max_size=12), st.integers(1, 5))
def test_everybody_has_one_turn_and_a_manager_one_of_its_own(kinds: list[str], batch: int) -> None:
    members = [Member(str(number), "", kind, True) for number, kind in enumerate(kinds)]
    turns = rolling.order_turns(members, batch)
    assert sorted(member.name for turn in turns for member in turn) == sorted(member.name for member in members)
    assert all(turns) and all(len(turn) == 1 for turn in turns if any(member.is_manager for member in turn))
    assert all(len(turn) <= batch for turn in turns if any(member.kind == WORKER for member in turn))


@pytest.mark.parametrize(
    ("name", "state", "expected"),
    [
        ("m1", "active", (LEADER, True)),
        ("m2", "active", (MANAGER, True)),
        ("w1", "active", (WORKER, False)),
        ("w2", "active", (WORKER, True)),
        ("w3", "active", (WORKER, True)),
        ("new", "inactive", (OUTSIDE, False)),
        ("dead", "no engine", (OFF, False)),
        ("dead", "unreachable", (OFF, False)),
        ("m2", "locked", (MANAGER, True)),
    ],
)
def test_what_a_node_is_to_its_turn(name: str, state: str, expected: tuple[str, bool]) -> None:
    """A node that somebody drained is left so; one that an earlier turn drained is ours."""
    member = rolling.describe_member(name, own(name, state), answer(), True, MARK)
    assert (member.kind, member.drain) == expected
    assert not rolling.describe_member(name, own(name, state), answer(), False, MARK).drain


def test_the_only_node_is_not_drained() -> None:
    alone = answer(nodes=answer()["nodes"][:1])
    assert not rolling.describe_member("m1", own("m1"), alone, True, MARK).drain


@pytest.mark.parametrize(
    ("mine", "view", "words"),
    [
        (own("m1"), answer(), ""),
        (own("m1"), answer(autolock=True), "the swarm locks managers that restart"),
        (own("w3"), answer(autolock=True), ""),
        (own("w3"), answer(acting=False), "no manager can act"),
        (own("w3"), {"item": "m1", "unreachable": True}, "no manager can act"),
        (own("w3"), {}, "no manager can act"),
        (own("new", "inactive"), {}, ""),
        (own("dead", "no engine"), {}, ""),
        (own("m1", "locked"), {}, "it is a locked manager"),
        (own("stranger"), answer(), "m1 does not list its node"),
    ],
)
def test_what_is_refused_before_the_first_turn(mine: dict[str, Any], view: dict[str, Any], words: str) -> None:
    member = rolling.describe_member("x", mine, view, True, MARK)
    said = rolling.refuse_member(member, mine, view)
    assert said.startswith(words) and bool(said) == bool(words)


def test_a_batch_has_one_worker_at_least() -> None:
    assert [bool(rolling.refuse_batch(batch)) for batch in (-1, 0, 1, 9)] == [True, True, False, False]
    assert rolling.refuse_batch(0) == "engine_batch is 0, expected 1 or more."


@pytest.mark.parametrize(
    ("kinds", "view", "refused"),
    [
        ([MANAGER], answer(reachable=2), True),
        ([LEADER], answer(reachable=2), True),
        ([WORKER], answer(reachable=2), False),
        ([MANAGER], answer(reachable=3), False),
        ([LEADER], answer(quorum={"managers": 1, "reachable": 1}), False),
        ([MANAGER], answer(quorum={"managers": 2, "reachable": 2}), True),
        ([MANAGER], answer(quorum={"managers": 5, "reachable": 4}), False),
        ([MANAGER], {}, True),
        ([OUTSIDE, WORKER], {}, False),
        # Of all turns together: one that is off comes back by its own, before the others restart.
        ([OFF, WORKER, MANAGER], answer(reachable=2), False),
        ([OUTSIDE, WORKER, MANAGER], answer(reachable=2), True),
    ],
)
def test_a_manager_waits_for_the_quorum(kinds: list[str], view: dict[str, Any], refused: bool) -> None:
    said = rolling.refuse_quorum([Member(kind, "", kind, True) for kind in kinds], view)
    assert bool(said) == refused and "would lose their quorum" in (said or "would lose their quorum")


@pytest.mark.parametrize(
    ("answers", "turn", "chosen"),
    [
        ([answer("m1"), answer("m2")], [], "m1"),
        ([answer("m1"), answer("m2")], ["m1"], "m2"),
        ([answer("m1"), answer("m2", acting=False)], ["m1"], "m1"),
        ([{"item": "m1", "unreachable": True}, answer("m2")], [], "m2"),
        ([{"item": "m1", "unreachable": True}], [], "here"),
        ([], [], "here"),
    ],
)
def test_a_manager_that_stays_drains_the_others(answers: list[dict[str, Any]], turn: list[str], chosen: str) -> None:
    assert rolling.choose_manager(answers, turn, "here") == chosen


@pytest.mark.parametrize(
    ("kind", "mine", "back"),
    [
        (WORKER, own("w1"), True),
        (WORKER, own("w1", "pending"), False),
        (MANAGER, own("m1", "locked"), False),
        (OUTSIDE, own("new", "inactive"), True),
        (OUTSIDE, own("new", "no engine"), False),
        (OUTSIDE, own("new", "unreachable"), False),
        (OUTSIDE, own("new", "unreachable", check_mode=True), True),
        (OUTSIDE, own("new", "no engine", check_mode=True), True),
        (OFF, own("m3"), True),
        (WORKER, {"failed": True, "msg": "a timeout"}, False),
        (OUTSIDE, {"failed": True, "msg": "a timeout"}, False),
    ],
)
def test_when_an_engine_is_back(kind: str, mine: dict[str, Any], back: bool) -> None:
    assert rolling.has_engine_back(Member("x", "", kind, False), mine) is back


def after(state: str = "ready", reachable: int = 3, lost: tuple[str, ...] = ()) -> dict[str, Any]:
    managers = [{"node_id": f"id-{name}", "reachable": name not in lost} for name in ("m1", "m2", "m3")]
    return answer(reachable=reachable, nodes=[{"node_id": "id-m2", "state": state, "labels": {MARK: "true"}}], managers=managers)


@pytest.mark.parametrize(
    ("seen", "back"),
    [
        (after(), True),
        (after("down"), False),
        (after(lost=("m2",)), False),
        (after(lost=("m3",)), True),
        (after(reachable=2), False),
        ({"failed": True, "msg": "no leader"}, False),
    ],
)
def test_when_a_node_is_back(seen: dict[str, Any], back: bool) -> None:
    assert rolling.has_node_back("id-m2", answer(), seen) is back
    assert rolling.is_marked(seen, "id-m2", MARK) is ("nodes" in seen)
