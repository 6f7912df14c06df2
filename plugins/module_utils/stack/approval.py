# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a plan that somebody approved is still the plan. Pure."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ..plan import Change, PlanError


def plan_id(changes: t.Iterable[Change]) -> str:
    """A text that differs when a change does, or the version of an object that is to be changed. Contents count by their hash alone."""
    facts = [[change.as_result(), *_version(change.payload.observed)] for change in changes]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def require_plan(approved: str, found: str, stack: str) -> None:
    """Raises PlanError for another plan than the approved one; an empty ``approved`` takes any."""
    if approved and approved != found:
        raise PlanError(
            f"stack {stack} was not deployed, and nothing was changed: the plan is {found} now, and {approved} was approved. "
            "Files, variables or the swarm changed since. Plan again in check mode, and approve that."
        )


def _version(observed: t.Mapping[str, t.Any] | None) -> list[t.Any]:
    item = observed or {}
    return [item.get("ID") or item.get("Id", ""), (item.get("Version") or {}).get("Index", 0)]
