# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which nodes tasks of a service may run. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t
from dataclasses import dataclass

_CONSTRAINT = re.compile(r"^\s*([A-Za-z_][A-Za-z0-9\-_.]+)\s*(==|!=)\s*(.*?)\s*$")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386", "i386": "386"}

Node = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Constraint:
    """``key operator value`` as the engine reads it: without regard to case, but for the name of a label."""

    key: str
    operator: str
    value: str

    def allows(self, node: Node) -> bool:
        found = self._matches(node)
        return found is not None and found is (self.operator == "==")

    def _matches(self, node: Node) -> bool | None:
        """Whether the value is equal; None for a key that no node has, which never matches."""
        spec, description = node.get("Spec") or {}, node.get("Description") or {}
        prefix, _dot, label = self.key.partition(".labels.")
        if label and prefix.lower() == "node":
            return self._equals((spec.get("Labels") or {}).get(label, ""))
        if label and prefix.lower() == "engine":
            return self._equals(((description.get("Engine") or {}).get("Labels") or {}).get(label, ""))
        platform = description.get("Platform") or {}
        values = {
            "node.id": node.get("ID", ""),
            "node.hostname": description.get("Hostname", ""),
            "node.role": spec.get("Role", ""),
            "node.platform.os": platform.get("OS", ""),
            "node.platform.arch": platform.get("Architecture", ""),
        }
        key = self.key.lower()
        if key == "node.ip":
            return self._contains_address((node.get("Status") or {}).get("Addr", ""))
        if key not in values:
            return None
        return self._equals(values[key])

    def _equals(self, found: str) -> bool:
        return found.lower() == self.value.lower()

    def _contains_address(self, address: str) -> bool | None:
        try:
            return ipaddress.ip_address(address) in ipaddress.ip_network(self.value, strict=False)
        except ValueError:
            return None


def parse_constraint(text: str) -> Constraint | None:
    """None where the text is no constraint; the engine refuses it then."""
    found = _CONSTRAINT.match(text)
    return Constraint(*found.groups()) if found else None


class Nodes:
    """The nodes of a swarm. What is asked for each service, and is the same for many, is found out once."""

    def __init__(self, nodes: t.Iterable[Node] = ()) -> None:
        self.all = tuple(nodes)
        self.names = {node.get("ID", ""): hostname(node) for node in self.all}
        self.down = {node.get("ID", "") for node in self.all if (node.get("Status") or {}).get("State") == "down"}
        self._eligible: dict[str, list[Node]] = {}

    def eligible(self, spec: t.Mapping[str, t.Any]) -> list[Node]:
        """The nodes that are ready, active, and match the constraints and platforms of a service spec."""
        placement = (spec.get("TaskTemplate") or {}).get("Placement") or {}
        texts, platforms = placement.get("Constraints") or [], placement.get("Platforms") or []
        key = json.dumps([sorted(texts), platforms], sort_keys=True)
        if key not in self._eligible:
            constraints = [parse_constraint(text) for text in texts]
            self._eligible[key] = [node for node in self.all if _fits(node, constraints, platforms)]
        return self._eligible[key]


def eligible_nodes(spec: t.Mapping[str, t.Any], nodes: t.Iterable[Node]) -> list[Node]:
    """As ``Nodes.eligible``, for one question."""
    return Nodes(nodes).eligible(spec)


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
