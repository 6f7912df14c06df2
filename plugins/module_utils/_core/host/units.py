# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host still needs of a unit, by what host_info told of it. Pure."""

from __future__ import annotations

import typing as t

Record = t.Mapping[str, t.Any]


def is_bare_check(host: Record, unit: str) -> bool:
    """In check mode, before a unit is installed, what comes after that can't be predicted."""
    return bool(host["check_mode"]) and unit not in host["units"]


def must_start(host: Record, unit: str) -> bool:
    """Whether a unit has to be started or enabled. ``host`` is the result of host_info, with that unit."""
    state = host["units"].get(unit, {"active": False, "enabled": False})
    return not is_bare_check(host, unit) and not (state["active"] and state["enabled"])
