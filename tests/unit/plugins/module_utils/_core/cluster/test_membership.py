# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision about membership, over every state that three hosts can be in."""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass, replace

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.member_state import MemberState
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.membership import (
    DEMOTE,
    INITIALISE,
    JOIN,
    NOTHING,
    PROMOTE,
    REFUSE,
    REJOIN,
    WAIT,
    as_if_installed,
    decide,
)
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.node import Quorum

NAMES = ("a", "b", "c")


@dataclass(frozen=True)
class Host:
    """``condition`` is ok, down, locked, failed, joining, bare, or forgotten: its swarm has removed it, which it does not know."""

    condition: str = "ok"
    swarm: str = ""
    role: str = ""


World = dict[str, Host]

OUTSIDE = [Host(condition) for condition in ("ok", "down", "failed", "joining", "bare")]
INSIDE = [
    Host(condition, swarm, role)
    for swarm in ("A", "B")
    for role, conditions in (("manager", ("ok", "down", "locked", "failed")), ("worker", ("ok", "down", "failed")))
    for condition in conditions
]
FORGOTTEN = [Host("forgotten", "A", role) for role in ("manager", "worker")]
WORLDS = [dict(zip(NAMES, hosts)) for hosts in itertools.product(OUTSIDE + INSIDE + FORGOTTEN, repeat=3)]
ROLES = [dict(zip(NAMES, roles)) for roles in itertools.product(("manager",), ("manager", "worker"), ("manager", "worker"))]


def quorum(world: World, swarm: str) -> Quorum:
    managers = [host for host in world.values() if host.swarm == swarm and host.role == "manager" and host.condition != "forgotten"]
    return Quorum(len(managers), sum(host.condition == "ok" for host in managers))


def look(world: World, name: str) -> MemberState:
    """What ``swarm_info`` would tell of a host."""
    host = world[name]
    states = {"down": "unreachable", "bare": "no engine", "joining": "pending", "failed": "error", "locked": "locked"}
    state = states.get(host.condition, "active" if host.swarm else "inactive")
    if state in ("unreachable", "no engine", "pending") or not host.swarm:
        return MemberState(name, state)
    acting = host.condition == "ok" and host.role == "manager" and quorum(world, host.swarm).margin >= 0
    return MemberState(name, state, host.role, host.swarm, f"id-{name}", acting=acting)


def run(world: World, roles: t.Mapping[str, str], play: t.Sequence[str], cluster_id: str = "") -> tuple[World, dict[str, str]]:
    """One run of the role over the hosts in ``play``, in the order of its tasks; the new world and what each host decided."""
    wanted = [name for name in NAMES if roles[name] == "manager"]
    managers = [look(world, name) for name in wanted]
    mine = {name: look(world, name) for name in play if world[name].condition != "down"}
    through = next((seen.name for seen in managers if seen.acting), wanted[0])
    known = [name for name in NAMES if world[name].swarm == world[through].swarm and world[name].condition != "forgotten"]
    members = [f"id-{name}" for name in known] if look(world, through).acting else []
    actions = {name: decide(seen, roles[name], managers, members=members, cluster_id=cluster_id).action for name, seen in mine.items()}
    world = dict(world)
    for name in [name for name, action in actions.items() if action == INITIALISE]:
        actions[name] = decide(look(world, name), roles[name], managers, list(mine.values()), cluster_id=cluster_id).action
        if actions[name] == INITIALISE:
            world[name] = Host("ok", f"new-{name}", "manager")
    for name in [name for name, action in actions.items() if action in (JOIN, REJOIN)]:
        if look(world, through).acting:
            world[name] = Host("ok", world[through].swarm, roles[name])
    for action, role in ((PROMOTE, "manager"), (DEMOTE, "worker")):
        for name in [name for name, decided in actions.items() if decided == action]:
            if look(world, through).acting and (role == "manager" or not quorum(world, world[name].swarm).refusal(True)):
                assert world[through].swarm == world[name].swarm
                world[name] = replace(world[name], role=role)
    return world, actions


def swarms(world: World) -> set[str]:
    return {host.swarm for host in world.values() if host.swarm}


def check_step(before: World, after: World, roles: t.Mapping[str, str], play: t.Sequence[str]) -> None:
    created = swarms(after) - swarms(before)
    if created:
        managers = [before[name] for name in NAMES if roles[name] == "manager"]
        assert len(created) == 1
        assert all(host == Host("ok") for host in managers), "created although a manager may be in a swarm"
        assert not any(before[name].swarm for name in play if before[name].condition != "down")
    for name in NAMES:
        if before[name].condition == "forgotten":
            told = {after[name].swarm} - {before[name].swarm, *swarms(before)}
            assert not told, f"{name} is in a swarm that nobody wants it in"
        elif before[name].swarm:
            assert after[name].swarm == before[name].swarm, f"{name} left its swarm"
        if before[name].condition in ("down", "locked", "failed", "bare", "joining"):
            assert after[name] == before[name], f"{name} was changed in condition {before[name].condition}"
    for swarm in swarms(before):
        if quorum(before, swarm).margin >= 0:
            assert quorum(after, swarm).margin >= 0, f"swarm {swarm} lost its quorum"


def strangers(world: World, roles: t.Mapping[str, str]) -> list[str]:
    """Members of another swarm than any of those in which the listed managers say that they are."""
    known = {look(world, name).cluster_id for name in NAMES if roles[name] == "manager"} - {""}
    return [name for name in NAMES if known and world[name].swarm not in {"", *known}]


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "-".join(roles.values()))
def test_no_state_of_three_hosts_leads_astray(roles: dict[str, str]) -> None:
    assert len(WORLDS) == 21**3
    for start in WORLDS:
        world = start
        for _run in range(4):
            after, actions = run(world, roles, NAMES)
            check_step(world, after, roles, NAMES)
            assert {actions[name] for name in strangers(world, roles) if name in actions} <= {REFUSE}
            if after == world:
                break
            world = after
        else:
            pytest.fail(f"still changing after four runs: {start}")
        assert WAIT not in actions.values() or any(host.condition == "joining" for host in start.values())


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "-".join(roles.values()))
@pytest.mark.parametrize("play", [("a",), ("b",), ("c",), ("a", "c"), ("b", "c")], ids="+".join)
def test_no_limit_leads_astray(roles: dict[str, str], play: tuple[str, ...]) -> None:
    for start in WORLDS:
        after, _actions = run(start, roles, play)
        check_step(start, after, roles, play)
        assert all(after[name] == start[name] for name in NAMES if name not in play)


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "-".join(roles.values()))
def test_no_host_enters_another_swarm_than_the_one_that_is_wanted(roles: dict[str, str]) -> None:
    for start in WORLDS:
        after, actions = run(start, roles, NAMES, cluster_id="A")
        check_step(start, after, roles, NAMES)
        assert swarms(after) <= swarms(start), "none is created"
        assert all(after[name].swarm == "A" for name in NAMES if after[name] != start[name])
        if swarms(start) == {"A"} and any(look(start, name).acting for name in NAMES if roles[name] == "manager"):
            assert (after, actions) == run(start, roles, NAMES)


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "-".join(roles.values()))
def test_hosts_that_all_answer_become_what_is_wanted(roles: dict[str, str]) -> None:
    """From nothing, or from one swarm with a leader in which a listed manager is, every host ends in one swarm in its role."""
    mine = [Host(), Host("ok", "A", "manager"), Host("ok", "A", "worker")]
    tried = 0
    for hosts in itertools.product(mine, repeat=3):
        world = dict(zip(NAMES, hosts))
        listed = [world[name] for name in NAMES if roles[name] == "manager"]
        if swarms(world) and not any(host.role == "manager" for host in listed):
            continue
        tried += 1
        for _run in range(3):
            world, actions = run(world, roles, NAMES)
        assert len(swarms(world)) == 1, hosts
        assert {name: world[name].role for name in NAMES} == roles, hosts
        assert set(actions.values()) == {NOTHING}
    assert tried > 9


def test_two_hosts_of_one_play_never_create_two_swarms() -> None:
    nothing = dict.fromkeys(NAMES, Host())
    roles = dict.fromkeys(NAMES, "manager")
    managers = [look(nothing, name) for name in NAMES]
    actions = [decide(seen, "manager", managers).action for seen in managers]
    assert actions == [INITIALISE, JOIN, JOIN]
    assert len(swarms(run(nothing, roles, NAMES)[0])) == 1


M1 = MemberState("m1", "active", "manager", "A", acting=True)
FRESH = MemberState("new", "inactive")

CASES: list[tuple[str, MemberState, str, list[MemberState], str, list[str]]] = [
    ("no managers", FRESH, "worker", [], REFUSE, ["no host is listed as a manager"]),
    ("first one wiped", MemberState("m1", "inactive"), "manager", [MemberState("m1", "inactive"), replace(M1, name="m2")], JOIN, []),
    (
        "others are down",
        MemberState("m1", "inactive"),
        "manager",
        [MemberState("m1", "inactive"), MemberState("m2", "unreachable"), MemberState("m3", "unreachable")],
        REFUSE,
        ["m2 does not answer", "m3 does not answer"],
    ),
    (
        "foreign",
        MemberState("w1", "active", "worker", "B"),
        "worker",
        [M1],
        REFUSE,
        ["w1 is in swarm B", "m1 is in swarm A"],
    ),
    (
        "managers of two swarms",
        FRESH,
        "worker",
        [M1, MemberState("m2", "active", "manager", "B", acting=True)],
        REFUSE,
        ["swarm A", "swarm B", "m1", "m2"],
    ),
    (
        "locked",
        MemberState("m1", "locked", "manager", "A"),
        "manager",
        [MemberState("m1", "locked", "manager", "A")],
        REFUSE,
        ["m1 is locked"],
    ),
    (
        "only locked ones",
        FRESH,
        "worker",
        [MemberState("m1", "locked", "manager", "A"), MemberState("m2", "unreachable")],
        REFUSE,
        ["no manager of swarm A can act", "m1 is locked", "m2 does not answer"],
    ),
    ("no leader", FRESH, "worker", [replace(M1, acting=False)], REFUSE, ["m1 is a manager of swarm A without a leader"]),
    ("still joining", replace(FRESH, state="pending"), "worker", [M1], WAIT, ["still joining"]),
    ("no engine", replace(FRESH, state="no engine", problem="no socket"), "worker", [M1], REFUSE, ["no engine", "no socket"]),
    ("promoted", MemberState("w1", "active", "worker", "A"), "manager", [M1, MemberState("w1", "active", "worker", "A")], PROMOTE, []),
    ("demoted", MemberState("m2", "active", "manager", "A", acting=True), "worker", [M1], DEMOTE, []),
    (
        "the swarm of another list",
        MemberState("old", "active", "manager", "A", acting=True),
        "worker",
        [MemberState("m1", "inactive")],
        REFUSE,
        ["old is a manager of swarm A", "m1 is in no swarm"],
    ),
]


@pytest.mark.parametrize(("me", "role", "managers", "action", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_decision(me: MemberState, role: str, managers: list[MemberState], action: str, told: list[str]) -> None:
    decision = decide(me, role, managers)
    assert decision.action == action
    for text in told:
        assert text in decision.reason


def test_a_member_elsewhere_forbids_a_new_swarm() -> None:
    first = MemberState("m1", "inactive")
    assert decide(first, "manager", [first]).action == INITIALISE
    decision = decide(first, "manager", [first], [MemberState("old", "active", "manager", "A")])
    assert (decision.action, "old is a manager of swarm A" in decision.reason) == (REFUSE, True)


def test_bare_hosts_can_be_planned() -> None:
    bare = MemberState("m1", "no engine", problem="no socket")
    assert decide(as_if_installed(bare), "manager", [as_if_installed(bare)]).action == INITIALISE
    assert as_if_installed(M1) is M1


@pytest.mark.parametrize(
    ("me", "members", "action"),
    [
        (MemberState("b", "active", "worker", "A", "old"), ["id-a"], REJOIN),
        (MemberState("b", "pending", "worker", "A", "old"), ["id-a"], REJOIN),
        (MemberState("b", "active", "manager", "A", "old"), ["id-a"], REJOIN),
        (MemberState("b", "active", "worker", "A", "old"), ["id-a", "old"], NOTHING),
        (MemberState("b", "active", "worker", "A", "old"), [], NOTHING),
        (MemberState("b", "active", "worker", "", "old"), ["id-a"], NOTHING),
        (MemberState("b", "active", "worker", "B", "old"), ["id-a"], REFUSE),
        (MemberState("b", "locked", "manager", "A", "old"), ["id-a"], REFUSE),
        (MemberState("b", "pending", "worker", "A", "old"), ["id-a", "old"], WAIT),
    ],
)
def test_what_a_swarm_forgot_joins_anew(me: MemberState, members: list[str], action: str) -> None:
    acting = MemberState("a", "active", "manager", "A", "id-a", acting=True)
    role = "worker" if me.role == "worker" else "manager"
    assert decide(me, role, [acting], members=members).action == action
    assert decide(me, role, [replace(acting, acting=False)], members=members).action != REJOIN
