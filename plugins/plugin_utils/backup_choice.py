# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which manager makes an archive of its state. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Record = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class BackupChoice:
    """``manager`` stops its engine for the archive; ``through`` is another one, by which it is drained. Each empty if there is none."""

    acting: list[str]
    manager: str
    node_id: str
    through: str
    availability: str
    drains: bool


def choose_manager(answers: t.Iterable[Record], wanted: str, may_drain: bool) -> BackupChoice:
    """The ``wanted`` one; else the last that does not lead, so that none has to be elected; else the only one there is."""
    acting = {answer["item"]: answer for answer in answers if answer.get("acting")}
    led_by = {each["node_id"] for each in next(iter(acting.values()), {}).get("managers", ()) if each["leader"]}
    followers = [name for name, answer in acting.items() if answer["node_id"] not in led_by]
    manager = wanted or next(reversed(followers or list(acting)), "")
    node_id = acting.get(manager, {}).get("node_id", "")
    through = next((name for name in acting if name != manager), "")
    nodes = acting[through]["nodes"] if through else ()
    availability = next((node["availability"] for node in nodes if node["node_id"] == node_id), "")
    return BackupChoice(list(acting), manager, node_id, through, availability, may_drain and availability not in ("", "drain"))
