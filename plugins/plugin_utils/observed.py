# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight saw of a host, and whether that still counts. Pure."""

from __future__ import annotations

import typing as t

Variables = t.Mapping[str, t.Any]

REUSE, SEEN = "preflight_reuse", "preflight_seen"
"""What a play sets that wants answers from what preflight saw, and what preflight registers of each host."""


def find_record(variables: Variables, check_mode: bool) -> t.Any:
    """The record of the host that has these variables; None if nobody may answer from it.

    Each role that changes hosts registers what it decided under a name that ends with ``_decided``. Where one of them had something to do,
    the host is not what it was. Check mode changes nothing.
    """
    return _find_valid(variables, check_mode) if variables.get(REUSE) else None


def find_record_of_swarm(variables: Variables, others: t.Iterable[Variables], check_mode: bool) -> t.Any:
    """The same for what belongs to the whole swarm: it counts until something is changed on any host of the run."""
    record = find_record(variables, check_mode)
    if record is None or check_mode:
        return record
    return record if all(_find_valid(other, check_mode) for other in others) else None


def _find_valid(variables: Variables, check_mode: bool) -> t.Any:
    """The record, unless something that the host has decided since makes it old."""
    seen = variables.get(SEEN)
    record = seen.get("record") if isinstance(seen, t.Mapping) else None
    is_old = not check_mode and any(acts(variables.get(name)) for name in variables if name.endswith("_decided"))
    return None if is_old else record or None


def acts(result: t.Any) -> bool:
    """Whether the registered result of a task says that it changed its host, or that later tasks will."""
    if not isinstance(result, t.Mapping):
        return True
    has_work = result.get("todo") or any(result.get(name, "nothing") != "nothing" for name in ("action", "pending"))
    return bool(has_work or result.get("changed") or result.get("failed") or result.get("unreachable"))
