# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why nodes could not pull an image that the registry has: only the node itself knows. Pure."""

from __future__ import annotations

import typing as t

Json = t.Mapping[str, t.Any]


def find_unpulled(told: t.Any) -> list[dict[str, str]]:
    """What a host says of them in a failure, whose form nobody has checked."""
    entries = [each for each in told if isinstance(each, dict)] if isinstance(told, (list, tuple)) else []
    return [{name: str(each.get(name, "")) for name in ("task", "node", "address")} for each in entries]


def find_host(unpulled: Json, addresses: t.Mapping[str, str]) -> str:
    """The host of the inventory that is the node, by its name or else its address; empty where none is. ``addresses`` are by host."""
    if unpulled["node"] in addresses:
        return str(unpulled["node"])
    return next((host for host, address in addresses.items() if address and address == unpulled["address"]), "")


def explain_unpulled(unpulled: Json, health: Json) -> str:
    """``health`` is what ``health_info`` says on that node, empty where it could not be asked."""
    causes = {pull["task"]: pull["cause"] for pull in health.get("pulls") or ()}
    cause = causes.get(unpulled["task"], "")
    if not cause and health.get("disk_read_only"):
        cause = f"{', '.join(health['disk_read_only'])} is read-only"
    if not cause and causes:
        cause = list(causes.values())[-1]
    if not cause and (health.get("failed") or health.get("unreachable")):
        cause = f"its host could not be asked why ({' '.join(str(health.get('msg', '')).split())})"
    cause = cause.rstrip(".") or "its engine alone knows why (journalctl -u docker)"
    return f"node {unpulled['node']} could not pull that image, which the registry has: {cause}."
