# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.filter.backups import backup_choice, backup_lines

AVAILABILITY = {"m1": "active", "m2": "active", "m3": "pause"}


def answer(name: str, leader: str = "m1", acting: bool = True, **availability: str) -> dict[str, Any]:
    return {
        "item": name,
        "acting": acting,
        "node_id": f"id-{name}",
        "managers": [{"node_id": f"id-{each}", "leader": each == leader} for each in AVAILABILITY],
        "nodes": [{"node_id": f"id-{each}", "availability": value} for each, value in {**AVAILABILITY, **availability}.items()],
    }


ALL = [answer("m1"), answer("m2"), answer("m3")]
LOST: dict[str, Any] = {"item": "m1", "unreachable": True}


@pytest.mark.parametrize(
    ("answers", "wanted", "manager", "through", "availability", "drains"),
    [
        (ALL, "", "m3", "m1", "pause", True),
        ([answer(name, leader="m3") for name in AVAILABILITY], "", "m2", "m1", "active", True),
        (ALL, "m1", "m1", "m2", "active", True),
        (ALL, "m9", "m9", "m1", "", False),
        ([LOST, answer("m2", leader="m2"), answer("m3", acting=False)], "", "m2", "", "", False),
        ([answer("m1"), answer("m2", m2="drain")], "", "m2", "m1", "active", True),
        ([answer("m1", m2="drain"), answer("m2")], "", "m2", "m1", "drain", False),
        ([LOST], "", "", "", "", False),
        ([], "", "", "", "", False),
    ],
)
def test_which_manager_makes_the_archive(
    answers: list[dict[str, Any]], wanted: str, manager: str, through: str, availability: str, drains: bool
) -> None:
    found = backup_choice(answers, wanted)
    assert (found["manager"], found["through"], found["availability"], found["drains"]) == (manager, through, availability, drains)
    assert found["node_id"] == (f"id-{manager}" if manager in found["acting"] else "")
    assert not backup_choice(answers, wanted, drain=False)["drains"]


def test_lines() -> None:
    backup = {"path": "/b/x-1", "archived_at": "2026-11-22T20:00:00Z", "bytes": 2048, "contents": [], "faults": []}
    contents = [{"title": "volume a of m1"}, {"title": "path /srv of w1"}]
    assert backup_lines([backup, {**backup, "contents": contents, "faults": ["swarm.tar.gz differs"]}]) == [
        "/b/x-1  2026-11-22T20:00:00Z  2.00 KB  state alone",
        "/b/x-1  2026-11-22T20:00:00Z  2.00 KB  volume a of m1, path /srv of w1  DAMAGED: swarm.tar.gz differs",
    ]
