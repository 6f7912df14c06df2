# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.report import report_services
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.task_states import error_of
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.task_summary import summarise_tasks
from ansible_collections.flotilla.swarm.plugins.module_utils._core.timestamps import read_time

NOW = read_time("2026-01-31T12:00:00Z")
SERVICES = [{"ID": "s1", "Spec": {"Name": "web"}}, {"ID": "s2", "Spec": {"Name": "db"}}]


def task(minute: int, service: str = "s1", slot: int | None = 1, state: str = "failed", hour: int = 11, **more: t.Any) -> dict[str, t.Any]:
    status = {"State": state, "Timestamp": f"2026-01-31T{hour}:{minute:02}:00.123456789Z", "Err": f"at {minute}"}
    return {"ServiceID": service, "Slot": slot, "Status": status, **more}


@pytest.mark.parametrize(
    ("tasks", "crashing"),
    [
        ([task(57), task(59), task(58)], [("web", 3, "at 59")]),
        ([task(58), task(59)], []),
        ([task(58), task(59), task(57, hour=10)], []),
        ([task(minute, slot=minute) for minute in (57, 58, 59)], []),
        ([task(minute, slot=None, NodeID="n1") for minute in (57, 58, 59)], [("web", 3, "at 59")]),
        ([task(minute, slot=None, NodeID=f"n{minute}") for minute in (57, 58, 59)], []),
        ([task(minute, state="rejected") for minute in (57, 58, 59)], [("web", 3, "at 59")]),
        ([task(minute, state="complete") for minute in (57, 58, 59)], []),
        ([task(57), task(58), task(59), task(1, slot=2)], [("web", 4, "at 59")]),
        (
            [task(minute, service) for service in ("s1", "s2") for minute in (57, 58, 59)] + [task(56, "s2")],
            [("db", 4, "at 59"), ("web", 3, "at 59")],
        ),
        ([task(minute, "gone") for minute in (57, 58, 59)], [("gone", 3, "at 59")]),
        ([task(58), task(59), {"ServiceID": "s1", "Slot": 1, "Status": {"State": "failed"}}, {}], []),
    ],
)
def test_one_task_that_fails_three_times_within_an_hour(tasks: list[dict[str, t.Any]], crashing: list[tuple[str, int, str]]) -> None:
    told = summarise_tasks(tasks, SERVICES, NOW)
    assert [(each["service"], each["failures"], each["error"]) for each in told["crashing"]] == crashing
    assert told["count"] == len(tasks)


def test_the_cause_of_a_task_is_shown_without_the_credentials_that_an_engine_repeats() -> None:
    error = "failed to mount local volume: mount //srv/s:/x, data: username=joe,pass=hunter2: permission denied"
    task = {"ID": "t", "ServiceID": "s", "DesiredState": "running", "Status": {"State": "rejected", "Err": error}}
    assert "hunter2" not in error_of(task) and "permission denied" in error_of(task)
    (report,) = report_services([{"ID": "s", "Spec": {"Name": "web"}}], [task], ["t"], [], NOW)
    assert "hunter2" not in str(report) and "permission denied" in str(report)
