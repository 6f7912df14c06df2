# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The turns in which role engine restarts engines."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._core.cluster import rolling

Record = t.Mapping[str, t.Any]


def rolling_member(own: Record, answers: t.Sequence[Record], name: str, mark: str, drain: bool = True, batch: int = 1) -> dict[str, t.Any]:
    manager = rolling.choose_manager(answers, (), name)
    view = rolling.find_view(answers, manager)
    member = rolling.describe_member(name, own, view, drain, mark)
    return {
        "member": dataclasses.asdict(member),
        "outside": member.is_outside,
        "marked": rolling.is_marked(view, member.node_id, mark),
        "refusal": rolling.refuse_batch(batch) or rolling.refuse_member(member, own, view),
    }


def rolling_turns(members: t.Iterable[Record], batch: int = 1) -> list[list[dict[str, t.Any]]]:
    waiting = [rolling.Member(**member) for member in members if member]
    return [[dataclasses.asdict(member) for member in turn] for turn in rolling.order_turns(waiting, batch)]


def rolling_turn(turn: t.Iterable[Record], answers: t.Sequence[Record], name: str, mark: str) -> dict[str, t.Any]:
    members = [rolling.Member(**member) for member in turn]
    names = [member.name for member in members]
    drained = [member for member in members if member.drain]
    manager = rolling.choose_manager(answers, names, name)
    return {
        "manager": manager,
        "names": names,
        "refusal": rolling.refuse_quorum(members, rolling.find_view(answers, manager)),
        "node_ids": {member.name: member.node_id for member in drained},
        "drain": {
            "availability": {member.name: "drain" for member in drained},
            "labels": {member.name: {mark: "true"} for member in drained},
        },
        "give_back": {
            "availability": {member.name: "previous" for member in drained},
            "labels": {member.name: {mark: None} for member in drained},
        },
    }


def rolling_engine_back(own: Record, member: Record) -> bool:
    return rolling.has_engine_back(rolling.Member(**member), own)


def rolling_node_back(after: Record, answers: t.Sequence[Record], manager: str, node_id: str, mark: str) -> dict[str, bool]:
    return {
        "back": rolling.has_node_back(node_id, rolling.find_view(answers, manager), after),
        "marked": rolling.is_marked(after, node_id, mark),
    }


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {each.__name__: each for each in (rolling_member, rolling_turns, rolling_turn, rolling_engine_back, rolling_node_back)}
