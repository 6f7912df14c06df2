# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for the nodes: from those that exist to what the inventory wants. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ...errors import PlanError
from ...plan import Change, Field, Plan, compare
from .labels import OF_ROLES, OWN, check_policies, lint_labels, merge_labels, read_labels
from .node import Node, is_ghost_of, read_quorum

PREVIOUS = "previous"
# Remembers on a drained node what it was before, for PREVIOUS.
_REMEMBERED = f"{OWN}availability"
AVAILABILITIES = ("active", "pause", "drain")
_MOVES = "restarts tasks (moves them to other nodes)"


@dataclass(frozen=True)
class Wanted:
    """What is wanted, by inventory name of the host.

    ``availability`` may be ``previous``: what the node was before it was drained by us.
    ``node_ids`` and ``addresses`` tell which node a host is. ``absent`` are nodes to remove, by host name or node id.
    ``replaces`` names the node (by host, host name or node id) whose role, labels and availability a host gets.
    """

    labels: t.Mapping[str, t.Mapping[str, t.Any]] = field(default_factory=dict)
    exact: bool = False
    policies: t.Mapping[str, t.Any] = field(default_factory=dict)
    availability: t.Mapping[str, str] = field(default_factory=dict)
    roles: t.Mapping[str, str] = field(default_factory=dict)
    node_ids: t.Mapping[str, str] = field(default_factory=dict)
    addresses: t.Mapping[str, str] = field(default_factory=dict)
    absent: t.Sequence[str] = ()
    remove_ghosts: bool = False
    replaces: t.Mapping[str, str] = field(default_factory=dict)


def plan_nodes(nodes: t.Sequence[Node], wanted: Wanted, joining: bool = False) -> Plan:
    """Promotions first, then what changes no role (drains last), demotions with the leader last, removals at the end.

    ``joining`` is for check mode: a host that is no node yet is planned as if it had just joined. Otherwise it is an error.
    Raises PlanError for labels that can't be, policies that are broken, hosts that can't be told apart, and steps that would
    cost the quorum.
    """
    wanted = _inherit(nodes, wanted)
    labels = {name: read_labels(name, given) for name, given in wanted.labels.items()}
    found = _match(nodes, wanted, joining)
    ghosts = _find_ghosts(nodes, wanted, found)
    absent = _find_absent(nodes, wanted)
    after = {name: _labels_after(found[name], labels.get(name), wanted.exact, wanted.availability.get(name)) for name in found}
    settled = {node.node_id for node in (*found.values(), *ghosts, *absent)}
    others = {f"{node.hostname} ({node.node_id})": node.labels for node in nodes if node.node_id not in settled}
    check_policies({**others, **after}, wanted.policies)

    changes = [change for name in sorted(found) for change in _plan_node(name, found[name], after[name], wanted)]
    promotions = [change for change in changes if change.payload["delta"].get("Role") == "manager"]
    demotions = [change for change in changes if change.payload["delta"].get("Role") == "worker"]
    demotions.sort(key=lambda change: bool(change.payload["node"].is_leader))
    rest = [change for change in changes if change not in promotions and change not in demotions]
    rest.sort(key=_drains)
    removals = [_removal(node, "named in absent") for node in absent]
    if wanted.remove_ghosts:
        removals += [_removal(node, "its host came back with a new id") for node in ghosts if node not in absent]
    _check_quorum(nodes, len(promotions), [*demotions, *removals])
    ids = {name: node.node_id for name, node in found.items() if node.node_id}
    return Plan((*promotions, *rest, *demotions, *removals), tuple(lint_labels(labels)), {"node_ids": ids})


def _inherit(nodes: t.Sequence[Node], wanted: Wanted) -> Wanted:
    """With what hosts take over from nodes that are still there. A role is only ever given, never taken away."""
    labels, availability, roles = dict(wanted.labels), dict(wanted.availability), dict(wanted.roles)
    for host, old in wanted.replaces.items():
        alike = [node for node in nodes if (wanted.node_ids.get(old) or old) in (node.node_id, node.hostname)]
        if len(alike) > 1:
            told = ", ".join(f"{node.node_id} ({node.state})" for node in alike)
            raise PlanError(f"{host} replaces {old}, which could be any of {told}; name it by its node id.")
        for node in alike:
            own = {name: value for name, value in node.labels.items() if not name.startswith((OWN, OF_ROLES))}
            labels[host] = {**own, **labels.get(host, {})}
            availability.setdefault(host, _availability_before(node))
            if node.role == "manager":
                roles.setdefault(host, "manager")
    return replace(wanted, labels=labels, availability=availability, roles=roles)


def _match(nodes: t.Sequence[Node], wanted: Wanted, joining: bool) -> dict[str, Node]:
    by_id = {node.node_id: node for node in nodes}
    found: dict[str, Node] = {}
    missing, problems = [], []
    for name in sorted({*wanted.labels, *wanted.availability, *wanted.roles, *wanted.replaces}):
        node_id = wanted.node_ids.get(name)
        if node_id:
            if node_id in by_id:
                found[name] = by_id[node_id]
            else:
                problems.append(f"{name} has the node id {node_id}, which is not in this swarm; join it first")
            continue
        address = wanted.addresses.get(name)
        alike = [node for node in nodes if node.hostname == name or (address and node.address == address)]
        alike = [node for node in alike if node.state != "down"] or alike
        if len(alike) > 1:
            told = ", ".join(f"{node.node_id} ({node.hostname}, {node.address}, {node.state})" for node in alike)
            problems.append(f"{name} could be any of {told}; run for that host too, so that its node id is read from it")
        elif alike:
            found[name] = alike[0]
        elif joining:
            found[name] = _newcomer(name)
        else:
            missing.append(name)
    if missing:
        known = ", ".join(sorted(node.hostname for node in nodes)) or "none"
        problems.append(f"the swarm has no node {', '.join(missing)} (its nodes are {known}); join the host first, or remove its name")
    problems += _find_shared(found)
    if problems:
        raise PlanError(f"Matching hosts with nodes: {'. '.join(problems)}.")
    return found


def _find_shared(found: t.Mapping[str, Node]) -> list[str]:
    owners: dict[str, list[str]] = {}
    for name, node in found.items():
        if node.node_id:
            owners.setdefault(node.node_id, []).append(name)
    return [f"{' and '.join(names)} are the same node {node_id}" for node_id, names in owners.items() if len(names) > 1]


def _newcomer(name: str) -> Node:
    return Node("", name, "", "", "active", "ready", {}, "", False, True, "")


def _plan_node(name: str, node: Node, labels: t.Mapping[str, str], wanted: Wanted) -> list[Change]:
    delta: dict[str, t.Any] = {}
    fields: list[Field] = []
    role = wanted.roles.get(name)
    if role and role != node.role:
        delta["Role"] = role
        fields.append(Field("role", node.role or None, role))
    availability = _availability_after(node, wanted.availability.get(name))
    if availability and availability != node.availability:
        delta["Availability"] = availability
        fields.append(Field("availability", node.availability, availability))
    differing = compare(node.labels, labels, "labels.")
    if differing:
        delta["Labels"] = {each.path[len("labels.") :]: each.after for each in differing}
        fields.extend(differing)
    if not fields:
        return []
    cost = _MOVES if delta.get("Availability") == "drain" else "nothing"
    return [Change("node", name, "update", tuple(fields), cost, payload={"node": node, "delta": delta})]


def _availability_after(node: Node, wanted: str | None) -> str | None:
    if wanted != PREVIOUS:
        return wanted
    return _availability_before(node) if node.availability == "drain" or is_interrupted(node) else None


def _availability_before(node: Node) -> str:
    """What a node was before we drained it, or began to."""
    if node.availability == "drain" or is_interrupted(node):
        remembered = node.labels.get(_REMEMBERED, "")
        return remembered if remembered in AVAILABILITIES else "active"
    return node.availability


def is_interrupted(node: Node) -> bool:
    """Whether a run that was draining the node ended while its services were moving."""
    return node.availability == "pause" and _REMEMBERED in node.labels


def _labels_after(node: Node, given: t.Mapping[str, str | None] | None, exact: bool, availability: str | None) -> dict[str, str]:
    ours = {name: value for name, value in node.labels.items() if name.startswith((OWN, OF_ROLES)) and name not in (given or {})}
    after = {**merge_labels(node.labels, given or {}, exact and given is not None), **ours}
    if availability == "drain" and node.availability != "drain":
        after[_REMEMBERED] = _availability_before(node)
    elif availability and availability != "drain":
        after.pop(_REMEMBERED, None)
    return after


def _find_ghosts(nodes: t.Sequence[Node], wanted: Wanted, found: t.Mapping[str, Node]) -> list[Node]:
    """Proven only by an id that was read from the host itself."""
    read_ids = set(wanted.node_ids.values())
    alive = [node for node in nodes if node.node_id in read_ids]
    kept = {node.node_id for node in found.values()}
    return [node for node in nodes if node.node_id not in kept and any(is_ghost_of(node, up) for up in alive)]


def _find_absent(nodes: t.Sequence[Node], wanted: Wanted) -> list[Node]:
    named = [node for node in nodes if node.hostname in wanted.absent or node.node_id in wanted.absent]
    still = [f"{node.hostname} ({node.node_id}) is {node.state}" for node in named if node.state != "down"]
    if still:
        raise PlanError(f"Removing nodes: {'; '.join(still)}", "Drain the node and make it leave the swarm first.")
    return named


def _removal(node: Node, reason: str) -> Change:
    name = f"{node.hostname} ({node.node_id})"
    # One that came from a former swarm of this id, or never took part, is no member that could be demoted.
    delta = {"Role": "worker"} if node.role == "manager" and node.manager_address else {}
    return Change("node", name, "remove", reason=reason, payload={"node": node, "delta": delta})


def _check_quorum(nodes: t.Sequence[Node], promotions: int, departures: t.Sequence[Change]) -> None:
    quorum = read_quorum(nodes)
    quorum = type(quorum)(quorum.managers + promotions, quorum.reachable + promotions)
    for change in departures:
        node: Node = change.payload["node"]
        if not node.manager_address:
            continue
        refusal = quorum.refusal(node.is_reachable)
        if refusal:
            raise PlanError(f"Taking {change.name} out of the managers: {refusal}.")
        quorum = quorum.without(node.is_reachable)


def find_drained(plan: Plan, only_up: bool = False) -> set[str]:
    """The ids of the nodes that a plan drains; ``only_up`` leaves out those whose tasks can't be told to stop."""
    drains = (each.payload["node"] for each in plan.changes if _drains(each))
    return {node.node_id for node in drains if node.is_up or not only_up}


def find_lingering(plan: Plan, nodes: t.Iterable[Node], wanted: t.Mapping[str, str]) -> set[str]:
    """The ids of nodes that are drained as ``wanted`` by host, and were so before: a run may have ended while tasks were leaving."""
    ids = {plan.result["node_ids"].get(host) for host, availability in wanted.items() if availability == "drain"}
    return {node.node_id for node in nodes if node.node_id in ids and node.availability == "drain" and node.is_up}


def find_returned(plan: Plan) -> set[str]:
    """The ids of the drained nodes that a plan makes active again."""
    nodes = (each.payload["node"] for each in plan.changes if each.kind == "node" and each.payload["delta"].get("Availability") == "active")
    return {node.node_id for node in nodes if node.availability == "drain" and node.is_up}


def _drains(change: Change) -> bool:
    return change.kind == "node" and change.payload["delta"].get("Availability") == "drain"


def before_drains(plan: Plan, moves: t.Sequence[Change]) -> tuple[Change, ...]:
    """The changes of a plan with ``moves`` before the first drain, and after what makes room for them."""
    first = next((place for place, change in enumerate(plan.changes) if _drains(change)), 0)
    return (*plan.changes[:first], *moves, *plan.changes[first:])


def pause_first(plan: Plan) -> list[Change]:
    """The changes that keep new tasks off the nodes that a plan drains, while their own tasks move.

    Their payload has in ``undo`` the delta that takes them back.
    """
    pauses = []
    for change in plan.changes:
        node: Node = change.payload["node"]
        if _drains(change) and node.is_up and node.availability == "active":
            labels = {_REMEMBERED: node.availability}
            fields = (Field("availability", node.availability, "pause"),)
            undo = {"Availability": node.availability, "Labels": {_REMEMBERED: None}}
            payload = {"node": node, "delta": {"Availability": "pause", "Labels": labels}, "undo": undo}
            pauses.append(Change("node", change.name, "update", fields, reason="takes no new tasks while its own move", payload=payload))
    return pauses
