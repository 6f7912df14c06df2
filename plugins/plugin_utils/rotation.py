# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment that was only planned would do, for roles that deploy in two steps. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Record = t.Mapping[str, t.Any]


def find_plan_ids(results: t.Iterable[Record]) -> dict[str, str]:
    """Stack -> id of its plan, for stacks that were planned and not deployed: only the play may be in check mode."""
    return {result["item"]: result["plan_id"] for result in results if "plan_id" in result and "services" not in result}


@dataclass(frozen=True)
class Rotation:
    """The changes that a rotation of secrets would make, of all stacks together."""

    changes: t.Sequence[Record]

    @property
    def new_secrets(self) -> list[str]:
        return [change["name"] for change in self.changes if change["kind"] == "secret" and change["action"] == "create"]

    @property
    def other_changes(self) -> list[str]:
        """What a rotation must not do: make anything else, or change more of a service than its secrets."""
        return list(dict.fromkeys(change["name"] for change in self.changes if self._is_other(change)))

    def _is_other(self, change: Record) -> bool:
        if change["kind"] == "service" and change["action"] == "update":
            return any(not str(field["path"]).startswith("secrets.") for field in change["fields"])
        return change["kind"] != "secret" and bool(change["reason"] != "superseded")


def read_rotation(results: t.Iterable[Record]) -> Rotation:
    return Rotation([change for result in results for change in result.get("plan", ())])
