# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many managers a swarm needs, and which of them it can spare. Pure."""

from __future__ import annotations

import copy
import typing as t
from dataclasses import dataclass, field

from ...redact import redact

MOST_MANAGERS = 7


@dataclass(frozen=True)
class Quorum:
    """The managers of a swarm and how many of them are reachable."""

    managers: int
    reachable: int

    @property
    def needed(self) -> int:
        return self.managers // 2 + 1

    @property
    def margin(self) -> int:
        """How many reachable managers may fail before the swarm stops; negative where it has stopped."""
        return self.reachable - self.needed

    def without(self, is_reachable: bool) -> Quorum:
        """The quorum after one manager has gone."""
        return Quorum(self.managers - 1, self.reachable - is_reachable)

    def refusal(self, is_reachable: bool) -> str:
        """Why one manager can't be taken away; empty if it can. ``is_reachable`` is about that one."""
        after = self.without(is_reachable)
        if after.managers < 1:
            return "it is the only manager"
        if self.margin < 0:
            return f"only {self.reachable} of {self.managers} managers are reachable, so the swarm can't decide anything"
        if after.margin < 0:
            return f"{after.reachable} of {after.managers} managers would be reachable, and {after.needed} are needed"
        return ""


def manager_count_problem(count: int) -> str:
    """What is wrong with this number of managers; empty if nothing is."""
    if count > MOST_MANAGERS:
        return f"{count} managers are too many: each one slows every change; 3, 5 or {MOST_MANAGERS} are usual"
    if count and count % 2 == 0:
        return f"{count} managers survive no more failures than {count - 1} do; use an odd number"
    return ""


@dataclass(frozen=True)
class Node:
    """One entry of ``/nodes``. ``spec`` is the whole specification, ``version`` its index."""

    node_id: str
    hostname: str
    address: str
    role: str
    availability: str
    state: str
    labels: t.Mapping[str, str]
    engine_version: str
    is_leader: bool
    is_reachable: bool
    manager_address: str
    version: int = 0
    spec: t.Mapping[str, t.Any] = field(default_factory=dict, compare=False)
    generic_resources: tuple[str, ...] = ()
    """Such as ``gpu=GPU-8932f937``, or ``slots=4`` for units without names."""

    @property
    def is_up(self) -> bool:
        return self.state == "ready"

    def as_result(self) -> dict[str, t.Any]:
        """The node as ``swarm_info`` returns it."""
        return {
            "node_id": self.node_id,
            "hostname": self.hostname,
            "address": self.address,
            "role": self.role,
            "availability": self.availability,
            "state": self.state,
            "labels": redact("labels", dict(self.labels)),
            "engine_version": self.engine_version,
            "leader": self.is_leader,
            "generic_resources": list(self.generic_resources),
        }


def read_node(raw: t.Mapping[str, t.Any]) -> Node:
    """From one entry of ``/nodes``; whatever is missing becomes empty."""
    spec = raw.get("Spec") or {}
    described = raw.get("Description") or {}
    status = raw.get("Status") or {}
    manager = raw.get("ManagerStatus") or {}
    manager_address = manager.get("Addr") or ""
    address = status.get("Addr") or ""
    return Node(
        node_id=raw.get("ID") or "",
        hostname=described.get("Hostname") or "",
        # The engine lists a leader under 0.0.0.0 in some versions.
        address=manager_address.rpartition(":")[0].strip("[]") if address in ("", "0.0.0.0", "::") else address,
        role=spec.get("Role") or "",
        availability=spec.get("Availability") or "",
        state=status.get("State") or "unknown",
        labels=spec.get("Labels") or {},
        engine_version=(described.get("Engine") or {}).get("EngineVersion") or "",
        is_leader=bool(manager.get("Leader")),
        # A host that came back with a new id answers at the address of its old one, which then counts as reachable.
        is_reachable=manager.get("Reachability") == "reachable" and status.get("State") != "down",
        manager_address=manager_address,
        version=(raw.get("Version") or {}).get("Index") or 0,
        spec=spec,
        generic_resources=tuple(read_generic(unit) for unit in (described.get("Resources") or {}).get("GenericResources") or []),
    )


def read_generic(unit: t.Mapping[str, t.Any]) -> str:
    """Such as ``gpu=GPU-8932f937``, and ``slots=4`` for units without names."""
    described = unit.get("NamedResourceSpec") or unit.get("DiscreteResourceSpec") or {}
    return f"{described.get('Kind', '')}={described.get('Value', '')}"


def read_quorum(nodes: t.Iterable[Node]) -> Quorum:
    """The managers that take part in decisions: those that have a manager's address, whatever they become."""
    managers = [node for node in nodes if node.manager_address]
    return Quorum(len(managers), sum(node.is_reachable for node in managers))


def change_spec(spec: t.Mapping[str, t.Any], delta: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The whole specification of a node with ``Role``, ``Availability`` and ``Labels`` of ``delta`` put into it.

    A label whose value is None is removed.
    """
    changed = copy.deepcopy(dict(spec))
    changed.update({name: value for name, value in delta.items() if name != "Labels"})
    labels = {**(changed.get("Labels") or {}), **(delta.get("Labels") or {})}
    changed["Labels"] = {name: value for name, value in labels.items() if value is not None}
    return changed


def is_ghost_of(old: Node, up: Node) -> bool:
    """Whether ``old`` was left by a host that came back as ``up``: same host name and address, another id.

    The managers notice after some seconds only that ``old`` is down.
    """
    same_host = bool(old.hostname) and old.hostname == up.hostname and bool(old.address) and old.address == up.address
    return up.is_up and same_host and old.node_id != up.node_id


def find_ghosts(nodes: t.Sequence[Node]) -> list[Node]:
    """Nodes that are down and whose host seems to be up under another id. For removal that has to be proven by the host."""
    return [node for node in nodes if node.state == "down" and any(is_ghost_of(node, up) for up in nodes)]
