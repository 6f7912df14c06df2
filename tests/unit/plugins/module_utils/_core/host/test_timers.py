# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.timers import Found, check, plan_timers, quote, unit_texts
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError

JOB: dict[str, t.Any] = {
    "name": "drift",
    "description": "",
    "command": ["/srv/run", "plan"],
    "calendar": "daily",
    "delay": 0,
    "timeout": 0,
}


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain", '"plain"'),
        ("two words", '"two words"'),
        ('a "b"', '"a \\"b\\""'),
        ("100%", '"100%%"'),
        ("$HOME", '"$$HOME"'),
        ("a\\b", '"a\\\\b"'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_a_word_is_taken_as_it_is(word: str, written: str) -> None:
    assert quote(word) == written


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "Drift!"}, "timers[0].name is 'Drift!', expected small letters"),
        ({"calendar": " "}, "timers[0].calendar of drift is ' ', expected a time of systemd"),
        ({"calendar": "daily\nExecStart=/bin/sh"}, "expected a time of systemd"),
        ({"command": []}, "timers[0].command of drift is empty"),
        ({"delay": -1}, "timers[0].delay of drift is -1, expected 0 or more seconds"),
        ({"timeout": -1}, "timers[0].timeout of drift is -1"),
    ],
)
def test_what_no_unit_can_be_is_refused(changed: dict[str, t.Any], told: str) -> None:
    with pytest.raises(PlanError) as refused:
        check("swarm", [{**JOB, **changed}])
    assert told in str(refused.value)


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(PlanError, match=r"timers\[1\].name drift is listed twice"):
        check("swarm", [JOB, JOB])


def test_the_plan_removes_first_then_makes_and_mends() -> None:
    texts = unit_texts(JOB, "ops", "/srv")
    other = unit_texts({**JOB, "calendar": "hourly"}, "ops", "/srv")
    found = {"s-gone": Found({"timer": "x"}), "s-same": Found(texts, True), "s-time": Found(other, True), "s-off": Found(texts)}
    plan = plan_timers(dict.fromkeys(("s-same", "s-time", "s-off", "s-new"), texts), found)
    assert [(each.action, each.name) for each in plan.changes] == [
        ("remove", "s-gone"), ("create", "s-new"), ("update", "s-off"), ("update", "s-time"),
    ]  # fmt: skip
    assert [(f.path, f.before, f.after) for f in plan.changes[2].fields] == [("waits", False, True)]
    assert [(f.path, f.before, f.after) for f in plan.changes[3].fields] == [("OnCalendar", "hourly", "daily")]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd")
def test_systemd_itself_takes_the_units(tmp_path: Path) -> None:
    job = {**JOB, "command": ["/bin/echo", 'a "b" $HOME 100% \\', "", "c d"], "description": "Look"}
    for kind, text in unit_texts(job, "", "/").items():
        (tmp_path / f"x.{kind}").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "x.timer"), str(tmp_path / "x.service")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "x.service" not in done.stderr and "x.timer" not in done.stderr, done.stderr
