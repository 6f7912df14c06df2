# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes a service's tasks may run on."""

from __future__ import annotations

import ipaddress
import typing as t
from collections import Counter

from .errors import Json
from .spec import parse_constraint


def matches(node: Json, constraints: t.Sequence[str]) -> bool:
    return all(_matches_one(node, *parse_constraint(text)) for text in constraints)


def _matches_one(node: Json, key: str, operator: str, wanted: str) -> bool:
    found = _attribute(node, key)
    if found is None:
        return False
    if key.lower() == "node.ip":
        equal = ipaddress.ip_address(found) in ipaddress.ip_network(wanted, strict=False)
    else:
        equal = found.lower() == wanted.lower()
    return equal if operator == "==" else not equal


def _attribute(node: Json, key: str) -> str | None:
    """None for a key that swarmkit does not know: it never matches. A label that is missing is empty."""
    description = node["Description"]
    plain = {
        "node.id": node["ID"],
        "node.hostname": description["Hostname"],
        "node.ip": node["Status"]["Addr"],
        "node.role": node["Spec"]["Role"],
        "node.platform.os": description["Platform"]["OS"],
        "node.platform.arch": description["Platform"]["Architecture"],
    }
    if key.lower() in plain:
        return str(plain[key.lower()])
    for prefix, labels in (("node.labels.", node["Spec"]["Labels"]), ("engine.labels.", description["Engine"]["Labels"])):
        if key.lower().startswith(prefix):
            return str(labels.get(key[len(prefix) :], ""))
    return None


def is_ready(node: Json) -> bool:
    return bool(node["Status"]["State"] == "ready" and node["Spec"]["Availability"] == "active")


class Placement:
    """Places tasks during one tick: the least loaded of the nodes that fit."""

    def __init__(self, nodes: t.Mapping[str, Json], tasks: t.Iterable[Json]) -> None:
        self._nodes = nodes
        self._tasks: dict[str, list[Json]] = {node_id: [] for node_id in nodes}
        self._load: Counter[str] = Counter()
        self._load_of: Counter[tuple[str, str]] = Counter()
        self._fitting: dict[tuple[str, ...], list[str]] = {}
        for task in tasks:
            if task.get("NodeID") in self._tasks and is_alive(task):
                self._add(task)

    def _add(self, task: Json) -> None:
        self._tasks[task["NodeID"]].append(task)
        if task["DesiredState"] in ("running", "complete"):
            self._count(task, 1)

    def leave(self, task: Json) -> None:
        """A task that is to stop holds its resources until it has, but counts no more for the spread."""
        if task in self._tasks.get(task.get("NodeID", ""), []):
            self._count(task, -1)

    def _count(self, task: Json, number: int) -> None:
        self._load[task["NodeID"]] += number
        self._load_of[task["NodeID"], task["ServiceID"]] += number

    def fitting(self, service: Json) -> list[str]:
        """Nodes that are ready and satisfy the constraints."""
        constraints = tuple(service["Spec"]["TaskTemplate"].get("Placement", {}).get("Constraints", ()))
        if constraints not in self._fitting:
            self._fitting[constraints] = [key for key, n in self._nodes.items() if is_ready(n) and matches(n, constraints)]
        return self._fitting[constraints]

    def place(self, service: Json, task: Json) -> str:
        """Set the task's NodeID (and named resources), or return why no node takes it."""
        fitting = self.fitting(service)
        if not fitting:
            return self._explain(service)
        template = service["Spec"]["TaskTemplate"]
        most = template.get("Placement", {}).get("MaxReplicas", 0)
        if most:
            fitting = [key for key in fitting if self._load_of[key, service["ID"]] < most]
            if not fitting:
                return "no suitable node (max replicas per node limit exceed)"
        ports = _host_ports(service["Spec"])
        if ports:
            full = [key for key in fitting if any(ports & other.get("_ports", set()) for other in self._tasks[key])]
            fitting = [key for key in fitting if key not in full]
            if not fitting:
                return f"no suitable node (host-mode port already in use on {_nodes(len(full))})"
            task["_ports"] = ports
        wanted = template.get("Resources", {}).get("Reservations", {})
        if wanted:
            full = [key for key in fitting if not self._has_room(key, wanted)]
            fitting = [key for key in fitting if key not in full]
            if not fitting:
                return f"no suitable node (insufficient resources on {_nodes(len(full))})"
        chosen = min(fitting, key=lambda key: (self._load_of[key, service["ID"]], self._load[key]))
        task["NodeID"] = chosen
        self._assign(task, chosen, wanted)
        self._add(task)
        return ""

    def _explain(self, service: Json) -> str:
        constraints = service["Spec"]["TaskTemplate"].get("Placement", {}).get("Constraints", ())
        away = sum(not is_ready(node) for node in self._nodes.values())
        other = sum(is_ready(node) and not matches(node, constraints) for node in self._nodes.values())
        parts = [(other, f"scheduling constraints not satisfied on {_nodes(other)}")]
        parts.append((away, f"{_nodes(away)} not available for new tasks"))
        reasons = "; ".join(text for count, text in sorted(parts, key=lambda part: -part[0]) if count)
        return f"no suitable node ({reasons})" if reasons else "no suitable node"

    def _free(self, node_id: str, kind: str) -> tuple[int, list[str]]:
        """Free units of a generic resource: their number, and their names where they have names."""
        listed = self._nodes[node_id]["Description"]["Resources"].get("GenericResources", [])
        named = [u["NamedResourceSpec"]["Value"] for u in listed if u.get("NamedResourceSpec", {}).get("Kind") == kind]
        count = sum(u["DiscreteResourceSpec"]["Value"] for u in listed if u.get("DiscreteResourceSpec", {}).get("Kind") == kind)
        for task in self._tasks[node_id]:
            for unit in task.get("GenericResources", []):
                if unit.get("NamedResourceSpec", {}).get("Value") in named:
                    named.remove(unit["NamedResourceSpec"]["Value"])
                if unit.get("DiscreteResourceSpec", {}).get("Kind") == kind:
                    count -= unit["DiscreteResourceSpec"]["Value"]
        return (len(named) if named else count), named

    def _has_room(self, node_id: str, wanted: Json) -> bool:
        for key in ("NanoCPUs", "MemoryBytes"):
            used = sum(_reserved(task).get(key, 0) for task in self._tasks[node_id])
            if wanted.get(key, 0) + used > self._nodes[node_id]["Description"]["Resources"][key]:
                return False
        units = [unit["DiscreteResourceSpec"] for unit in wanted.get("GenericResources", [])]
        return all(self._free(node_id, unit["Kind"])[0] >= unit["Value"] for unit in units)

    def _assign(self, task: Json, node_id: str, wanted: Json) -> None:
        assigned: list[Json] = []
        for unit in wanted.get("GenericResources", []):
            kind, value = unit["DiscreteResourceSpec"]["Kind"], unit["DiscreteResourceSpec"]["Value"]
            names = self._free(node_id, kind)[1][:value]
            assigned += [{"NamedResourceSpec": {"Kind": kind, "Value": name}} for name in names] or [unit]
        if assigned:
            task["GenericResources"] = assigned


def is_alive(task: Json) -> bool:
    """Whether a task holds, or is about to hold, a place on its node."""
    return task["Status"]["State"] not in ("complete", "failed", "rejected", "shutdown", "orphaned", "remove")


def _reserved(task: Json) -> Json:
    return t.cast(Json, task["Spec"].get("Resources", {}).get("Reservations", {}))


def _host_ports(spec: Json) -> set[tuple[int, str]]:
    ports = spec.get("EndpointSpec", {}).get("Ports", [])
    return {(p.get("PublishedPort", 0), p["Protocol"]) for p in ports if p["PublishMode"] == "host" and p.get("PublishedPort")}


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
