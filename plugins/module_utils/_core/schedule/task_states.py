# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks run, which have ended, and how. Pure."""

from __future__ import annotations

import typing as t

from ...redact import redact_text
from ..timestamps import read_time

# So many failures of one task (a slot, or a node) within this time are no accident. The history of a task holds five by default.
CRASHES, WITHIN_SECONDS = 3, 3600
FAILED_STATES = ("failed", "rejected")
_ENDED = (*FAILED_STATES, "complete", "shutdown", "orphaned", "remove")

Json = t.Mapping[str, t.Any]


def tasks_by_service(tasks: t.Iterable[Json]) -> dict[str, list[Json]]:
    """Service id -> its tasks."""
    grouped: dict[str, list[Json]] = {}
    for task in tasks:
        grouped.setdefault(task.get("ServiceID", ""), []).append(task)
    return grouped


def has_ended(task: Json) -> bool:
    return status_of(task).get("State") in _ENDED


def is_running(task: Json) -> bool:
    """Whether a task runs, and is meant to."""
    return task.get("DesiredState") == "running" and status_of(task).get("State") == "running"


def is_kept(task: Json) -> bool:
    """Whether a task of what was removed has ended and was not told to go."""
    return task["DesiredState"] != "remove" and has_ended(task)


def error_of(task: t.Mapping[str, t.Any]) -> str:
    """Why a task does not run, as it may be shown: an engine repeats options and addresses that it was given."""
    return redact_text(str((task.get("Status") or {}).get("Err") or ""))


def status_of(task: Json) -> Json:
    return task.get("Status") or {}


def age_of(task: Json, now: float) -> float:
    """Seconds since the task came to its state; infinite where nobody can tell."""
    try:
        return now - read_time(status_of(task).get("Timestamp") or "")
    except ValueError:
        return float("inf")


_RAN = ("complete", "failed")


def exit_code(task: Json) -> int | None:
    """Of a container that was started; None while it runs, and for one that never did."""
    container = task["Status"].get("ContainerStatus") or {}
    if task["Status"]["State"] not in _RAN or not container.get("ContainerID"):
        return None
    return int(container.get("ExitCode") or 0)
