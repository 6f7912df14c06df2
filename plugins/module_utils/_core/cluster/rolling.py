# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which turns the nodes of a swarm restart their engines, and what they are refused. Pure.

Every host has one turn: hosts outside the swarm first, then workers in batches, then one manager after the other, the leader last. An
answer is the result of ``swarm_info``; those of managers also have ``item``, the name of the host that was asked.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .node import Quorum

OUTSIDE, OFF, WORKER, MANAGER, LEADER = "outside", "off", "worker", "manager", "leader"
_DEAD = ("no engine", "unreachable")  # states of an engine that does not run

Answer = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Member:
    """A host that waits for its turn. ``kind`` is one of the above: ``off`` is a host whose engine does not run."""

    name: str
    node_id: str
    kind: str
    drain: bool

    @property
    def is_manager(self) -> bool:
        return self.kind in (MANAGER, LEADER)

    @property
    def is_outside(self) -> bool:
        return self.kind in (OUTSIDE, OFF)


def find_acting(answers: t.Iterable[Answer]) -> list[str]:
    """The managers that can carry out orders. One that did not answer has no ``acting``."""
    return [answer["item"] for answer in answers if answer.get("acting")]


def choose_manager(answers: t.Iterable[Answer], turn: t.Collection[str], own: str) -> str:
    """The manager that drains nodes: one whose turn it is not, if there is one; ``own``, which then refuses, where none can act."""
    acting = find_acting(answers)
    return next((name for name in acting if name not in turn), next(iter(acting), own))


def find_view(answers: t.Iterable[Answer], manager: str) -> Answer:
    """What that manager says of the swarm."""
    return next((answer for answer in answers if answer["item"] == manager), {})


def find_node(view: Answer, node_id: str) -> Answer:
    return next((node for node in view.get("nodes") or () if node["node_id"] == node_id), {})


def is_marked(view: Answer, node_id: str, mark: str) -> bool:
    return mark in (find_node(view, node_id).get("labels") or {})


def describe_member(name: str, own: Answer, view: Answer, wants_drain: bool, mark: str) -> Member:
    """What a host is when its turn comes, by its own answer and that of a manager.

    A node that somebody drained stays so. One with the label ``mark`` was drained for a turn that did not end.
    """
    node = find_node(view, own["node_id"])
    if own["state"] == "inactive":
        kind = OUTSIDE
    elif own["state"] in _DEAD:
        kind = OFF
    else:
        kind = WORKER if own["role"] != "manager" else LEADER if node.get("leader") else MANAGER
    may_drain = wants_drain and kind not in (OUTSIDE, OFF) and len(view.get("nodes") or ()) > 1
    is_ours = node.get("availability") != "drain" or is_marked(view, own["node_id"], mark)
    return Member(name, own["node_id"], kind, may_drain and is_ours)


def refuse_member(member: Member, own: Answer, view: Answer) -> str:
    """Why the engine of a host must not restart, whatever the turn; empty if it may."""
    if member.is_outside:
        return ""
    if own["state"] == "locked":
        return "it is a locked manager. Unlock it and run again."
    if not view.get("acting"):
        return "no manager can act. Bring the managers back and run again."
    if member.is_manager and view["settings"]["autolock"]:
        return "the swarm locks managers that restart. Restart and unlock it by hand, or turn autolock off meanwhile."
    if not find_node(view, member.node_id):
        return f"{view['item']} does not list its node. Make it leave its other swarm, or remove it from the inventory."
    return ""


def refuse_batch(batch: int) -> str:
    """What is wrong with the number of workers that restart at once; empty if nothing is."""
    return "" if batch >= 1 else f"engine_batch is {batch}, expected 1 or more."


def order_turns(members: t.Sequence[Member], batch: int) -> list[list[Member]]:
    """The turns, in their order. Within one, and among workers and managers, the order of ``members`` is kept."""
    first = [member for member in members if member.is_outside]
    workers = [member for member in members if member.kind == WORKER]
    managers = [[member] for kind in (MANAGER, LEADER) for member in members if member.kind == kind]
    batches = [workers[start : start + batch] for start in range(0, len(workers), batch)]
    return [*([first] if first else []), *batches, *managers]


def refuse_quorum(turn: t.Iterable[Member], view: Answer) -> str:
    """Why these engines can't restart one after the other, or at once, without an end of the quorum; empty if they can.

    A manager that is off is expected to come back by its own turn, which comes before those of the others.
    """
    members = list(turn)
    if not any(member.is_manager for member in members) or any(member.kind == OFF for member in members):
        return ""
    counted = view.get("quorum")
    if counted and (counted["managers"] <= 1 or Quorum(counted["managers"], counted["reachable"]).margin >= 1):
        return ""
    return "the managers would lose their quorum. Bring the other managers back and run again."


def has_engine_back(member: Member, own: Answer) -> bool:
    """Whether an engine is what it was before it restarted. In check mode one that is off stays off."""
    if not member.is_outside:
        return own.get("state") == "active"
    return own.get("state", "unreachable") not in _DEAD or own.get("check_mode") is True


def has_node_back(node_id: str, before: Answer, after: Answer) -> bool:
    """Whether a manager sees the node ready, itself as a manager reachable, and no manager less than before."""
    reachable = [(each.get("quorum") or {}).get("reachable", 0) for each in (before, after)]
    lost = [each for each in after.get("managers") or () if each["node_id"] == node_id and not each["reachable"]]
    return find_node(after, node_id).get("state") == "ready" and reachable[1] >= reachable[0] and not lost
