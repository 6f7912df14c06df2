# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of a service, network, secret or config carries for apply, and by what an approved plan is known again. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

from ...errors import PlanError
from ...plan import Change, keyed_hash
from .naming import Item
from .spec import Json

CREATE, UPDATE, REPLACE, REMOVE = "create", "update", "replace", "remove"


@dataclass(frozen=True)
class Work:
    """The payload of a change: the object as it is, the body to send, the services whose good verdict comes first, and which of
    them have to have ended. ``early`` is a removal that does not come last."""

    body: Json = field(default_factory=dict)
    observed: Item | None = None
    waits_for: tuple[str, ...] = ()
    completes: tuple[str, ...] = ()
    early: bool = False


def plan_id(changes: t.Iterable[Change], salt: str) -> str:
    """A text that differs if a change does, also in hidden values, or the version of an object that it changes.

    It is keyed with the ``salt`` of the stack, so that nobody who sees it can guess a hidden value. Of contents only the names count.
    """
    facts = [[change.as_result(), [asdict(each) for each in change.fields], *_version(change.payload.observed)] for change in changes]
    return keyed_hash(salt, facts)[:16]


def require_plan(approved: str, found: str, stack: str) -> None:
    """Raises PlanError for another plan than the approved one; an empty ``approved`` takes any."""
    if approved and approved != found:
        raise PlanError(
            f"stack {stack} was not deployed: the plan is {found} now, and {approved} was approved",
            "Files, variables or the swarm changed since. Plan again in check mode, and approve the new plan.",
        )


def _version(observed: t.Mapping[str, t.Any] | None) -> list[t.Any]:
    item = observed or {}
    return [item.get("ID") or item.get("Id", ""), (item.get("Version") or {}).get("Index", 0)]
