# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.directories import (
    Found,
    Wanted,
    check,
    choose,
    plan_directories,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError

THERE = Found("directory", 0, 0, 0o755)


@pytest.mark.parametrize(
    ("wanted", "found", "plan"),
    [
        (Wanted("/d"), Found(), "+ directory /d"),
        (Wanted("/d"), THERE, ""),
        (Wanted("/d", 0, 0, 0o755), THERE, ""),
        (Wanted("/d", 1000), THERE, "~ directory /d  owner: 0 -> 1000"),
        (Wanted("/d", gid=7), THERE, "~ directory /d  group: 0 -> 7"),
        (Wanted("/d", mode=0o2770), THERE, '~ directory /d  mode: "0755" -> "2770"'),
    ],
)
def test_plan(wanted: Wanted, found: Found, plan: str) -> None:
    assert plan_directories([wanted], {"/d": found}).render().strip() == plan


def test_outer_directories_come_first() -> None:
    wanted = [Wanted("/a/b"), Wanted("/a")]
    assert [change.name for change in plan_directories(wanted, dict.fromkeys(("/a", "/a/b"), Found())).changes] == ["/a", "/a/b"]


def test_what_is_no_directory_is_refused_whole() -> None:
    with pytest.raises(PlanError, match="/a, /c exists and is not a directory. Move it away"):
        plan_directories([Wanted("/c"), Wanted("/b"), Wanted("/a")], {"/a": Found("other"), "/b": Found(), "/c": Found("other")})


@pytest.mark.parametrize(
    ("labels", "has", "chosen"),
    [
        (None, {}, True),
        ({}, {"gpu": True}, True),
        ({"gpu": True}, {"gpu": True, "zone": "a"}, True),
        ({"gpu": "true"}, {"gpu": True}, True),
        ({"gpu": 1}, {"gpu": "1"}, True),
        ({"gpu": True}, {"gpu": False}, False),
        ({"gpu": True, "zone": "a"}, {"gpu": True}, False),
        ({"gpu": True}, {}, False),
    ],
)
def test_labels_choose_hosts(labels: t.Any, has: dict[str, t.Any], chosen: bool) -> None:
    assert bool(choose([{"path": "/d", "labels": labels}], has)) is chosen


def test_faults_are_told_together() -> None:
    given = [{"path": "srv"}, {"path": "/a", "mode": "493"}, {"path": "/a", "mode": "0750"}, {"path": "/"}]
    with pytest.raises(PlanError) as error:
        check(given)
    assert error.value.problem.split("; ") == [
        "directories[0].path is 'srv', expected an absolute path such as /srv/models",
        "directories[1].mode of /a is '493', expected octal digits. Write it in quotes, such as \"0750\"",
        "directories[2].path /a is listed twice",
        "directories[3].path is '/', expected an absolute path such as /srv/models",
    ]
