# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages and units, as the host lists them. Pure."""

from __future__ import annotations

import typing as t


def parse_packages(text: str) -> dict[str, dict[str, t.Any]]:
    """Installed packages from lines of ``name version want status``, as ``{name: {version, hold}}``."""
    packages = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4 and words[3] == "installed":
            packages[words[0]] = {"version": words[1], "hold": words[2] == "hold"}
    return packages


def parse_units(text: str) -> dict[str, dict[str, bool]]:
    """State of units from ``systemctl show``, a blank line between units, as ``{name: {active, enabled}}``."""
    units = {}
    for block in text.strip().split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if properties.get("LoadState") == "loaded" and "Id" in properties:
            units[properties["Id"]] = {
                "active": properties.get("ActiveState") in ("active", "reloading"),
                "enabled": properties.get("UnitFileState") in ("enabled", "static", "alias", "indirect", "generated"),
            }
    return units
