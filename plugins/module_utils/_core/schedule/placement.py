# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which nodes tasks of a service may run. Pure."""

from __future__ import annotations

import json
import typing as t

from ..service.constraints import Constraint, Node, parse_constraint
from ..service.spec import Raw, ServiceSpec

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386", "i386": "386"}


class Nodes:
    """The nodes of a swarm. What is asked for each service, and is the same for many, is found out once."""

    def __init__(self, nodes: t.Iterable[Node] = ()) -> None:
        self.all = tuple(nodes)
        self.names = {node.get("ID", ""): hostname(node) for node in self.all}
        self.down = {node.get("ID", "") for node in self.all if (node.get("Status") or {}).get("State") == "down"}
        self._eligible: dict[str, list[Node]] = {}
        self._ids: dict[int, frozenset[str]] = {}

    def eligible(self, spec: Raw) -> list[Node]:
        """The nodes that are ready, active, and match the constraints and platforms of a service spec."""
        texts, platforms = ServiceSpec(spec).constraints, ServiceSpec(spec).platforms
        key = json.dumps([sorted(texts), platforms], sort_keys=True)
        if key not in self._eligible:
            constraints = [parse_constraint(text) for text in texts]
            self._eligible[key] = [node for node in self.all if _fits(node, constraints, platforms)]
        return self._eligible[key]

    def eligible_ids(self, spec: Raw) -> frozenset[str]:
        found = self.eligible(spec)
        if id(found) not in self._ids:
            self._ids[id(found)] = frozenset(str(node.get("ID")) for node in found)
        return self._ids[id(found)]


def _fits(node: Node, constraints: t.Iterable[Constraint | None], platforms: t.Sequence[t.Mapping[str, str]]) -> bool:
    return (
        is_available(node)
        and all(constraint and constraint.allows(node) for constraint in constraints)
        and (not platforms or any(_fits_platform(node, platform) for platform in platforms))
    )


def is_available(node: Node) -> bool:
    spec, status = node.get("Spec") or {}, node.get("Status") or {}
    return status.get("State") == "ready" and spec.get("Availability", "active") == "active"


def hostname(node: Node) -> str:
    return str((node.get("Description") or {}).get("Hostname") or node.get("ID", ""))


def _fits_platform(node: Node, wanted: t.Mapping[str, str]) -> bool:
    platform = (node.get("Description") or {}).get("Platform") or {}
    same_os = not wanted.get("OS") or wanted["OS"] == platform.get("OS", "")
    return same_os and (not wanted.get("Architecture") or _architecture(wanted) == _architecture(platform))


def _architecture(platform: t.Mapping[str, str]) -> str:
    name = platform.get("Architecture", "")
    return _ARCHITECTURES.get(name, name)


def left_nodes(before: Raw, after: Raw, nodes: Nodes) -> list[str]:
    """The names of the nodes that matched before and do not after."""
    matching = nodes.eligible_ids(after)
    return sorted(hostname(node) for node in nodes.eligible(before) if node["ID"] not in matching)


def task_count(spec: Raw, nodes: Nodes) -> int:
    """How many tasks a service has when all of them run."""
    view = ServiceSpec(spec)
    return view.desired if view.mode.startswith("replicated") else len(nodes.eligible(spec))


def creation_reason(spec: Raw, nodes: Nodes) -> str:
    """Such as ``replicated, 3 replicas`` or ``global, 2 nodes match node.labels.gpu == true``."""
    view = ServiceSpec(spec)
    mode, count = view.mode, task_count(spec, nodes)
    if mode in ("replicated", "replicated-job"):
        noun = "replica" if mode == "replicated" else "completion"
        return f"{mode}, {count} {noun}{'' if count == 1 else 's'}"
    matching = f" {' and '.join(view.constraints)}" if view.constraints else ""
    return f"{mode}, {count} node{' matches' if count == 1 else 's match'}{matching}"
