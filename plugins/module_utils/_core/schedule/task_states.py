# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks have ended, how many a swarm keeps, which services fail again and again, and which containers are no tasks. Pure."""

from __future__ import annotations

import typing as t

from ...redact import redact_text
from ..timestamps import read_time

# So many failures of one task (a slot, or a node) within this time are no accident. The history of a task holds five by default.
CRASHES, WITHIN_SECONDS = 3, 3600
# The engine's, on each container of a task.
TASK_LABEL = "com.docker.swarm.task.id"
FAILED_STATES = ("failed", "rejected")
_ENDED = (*FAILED_STATES, "complete", "shutdown", "orphaned", "remove")

Json = t.Mapping[str, t.Any]


def has_ended(task: Json) -> bool:
    return _status(task).get("State") in _ENDED


def is_kept(task: Json) -> bool:
    """Whether a task of what was removed has ended and was not told to go."""
    return task["DesiredState"] != "remove" and has_ended(task)


def summarise_tasks(tasks: t.Sequence[Json], services: t.Iterable[Json], now: float) -> dict[str, t.Any]:
    """``count`` and ``failed`` of all tasks that are kept, and as ``crashing`` the services that fail again and again, worst first.

    ``now`` is in seconds since 1970.
    """
    names = {service.get("ID"): (service.get("Spec") or {}).get("Name") for service in services}
    failed = [task for task in tasks if _status(task).get("State") in FAILED_STATES]
    lately: dict[str, dict[t.Any, list[Json]]] = {}
    for task in failed:
        if _age(task, now) <= WITHIN_SECONDS:
            slots = lately.setdefault(task.get("ServiceID") or "", {})
            slots.setdefault(task.get("Slot") or task.get("NodeID"), []).append(task)
    found = {service: sum(map(len, slots.values())) for service, slots in lately.items() if max(map(len, slots.values())) >= CRASHES}
    crashing = [
        {"service": names.get(service) or service, "failures": found[service], "error": _last_error(lately[service], now)}
        for service in sorted(found, key=lambda each: (-found[each], names.get(each) or each))
    ]
    return {"count": len(tasks), "failed": len(failed), "crashing": crashing}


def name_unmanaged(containers: t.Iterable[Json]) -> list[str]:
    """Names of the containers that belong to no task, sorted: a drain of their node leaves them as they are."""
    return sorted(each["Names"][0].lstrip("/") for each in containers if TASK_LABEL not in (each.get("Labels") or {}))


def error_of(task: t.Mapping[str, t.Any]) -> str:
    """Why a task does not run, as it may be shown: an engine repeats options and addresses that it was given."""
    return redact_text(str((task.get("Status") or {}).get("Err") or ""))


def _status(task: Json) -> Json:
    return task.get("Status") or {}


def _age(task: Json, now: float) -> float:
    try:
        return now - read_time(_status(task).get("Timestamp") or "")
    except ValueError:
        return float("inf")


def _last_error(slots: t.Mapping[t.Any, t.Sequence[Json]], now: float) -> str:
    last = min((task for tasks in slots.values() for task in tasks), key=lambda task: _age(task, now))
    return error_of(last)
