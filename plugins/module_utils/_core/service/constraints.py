# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placement constraints as the engine reads them. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

_KEY = r"[A-Za-z_][A-Za-z0-9\-_.]+"
_VALUE = r"[A-Za-z0-9:\-_\s.*()?+\[\]\\^$|/]+"
_CONSTRAINT = re.compile(rf"\s*({_KEY})\s*(==|!=)\s*({_VALUE}?)\s*", re.ASCII)


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
    """None if the text is not a constraint; the engine refuses it then."""
    found = _CONSTRAINT.fullmatch(text)
    return Constraint(*found.groups()) if found and found[3].strip() else None
