# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks have ended, how many a swarm keeps, which services fail again and again, and what containers of tasks use. Pure."""

from __future__ import annotations

import typing as t
from fnmatch import fnmatchcase

from ...redact import redact_text
from ..service.naming import NAMESPACE_LABEL
from ..timestamps import read_time

# So many failures of one task (a slot, or a node) within this time are no accident. The history of a task holds five by default.
CRASHES, WITHIN_SECONDS = 3, 3600
# The engine's, on each container of a task.
TASK_LABEL, _NAME_LABEL, _SERVICE_LABEL = "com.docker.swarm.task.id", "com.docker.swarm.task.name", "com.docker.swarm.service.name"
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
    return _status(task).get("State") in _ENDED


def is_running(task: Json) -> bool:
    """Whether a task runs, and is meant to."""
    return task.get("DesiredState") == "running" and _status(task).get("State") == "running"


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
        if age_of(task, now) <= WITHIN_SECONDS:
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


def age_of(task: Json, now: float) -> float:
    """Seconds since the task came to its state; infinite where nobody can tell."""
    try:
        return now - read_time(_status(task).get("Timestamp") or "")
    except ValueError:
        return float("inf")


def _last_error(slots: t.Mapping[t.Any, t.Sequence[Json]], now: float) -> str:
    last = min((task for tasks in slots.values() for task in tasks), key=lambda task: age_of(task, now))
    return error_of(last)


def is_chosen(container: Json, names: t.Collection[str], stacks: t.Collection[str]) -> bool:
    """Whether a container belongs to a task of these services (with wildcards) or stacks; of any, if neither is given."""
    labels = container.get("Labels") or {}
    service = labels.get(_SERVICE_LABEL, "")
    if not service:
        return False
    if not names and not stacks:
        return True
    return any(fnmatchcase(service, name) for name in names) or labels.get(NAMESPACE_LABEL, "") in stacks


def read_usage(container: Json, stats: Json) -> dict[str, t.Any]:
    """One record of ``task_stats``. ``stats`` holds two samples, or nothing for a container that has just ended."""
    labels = container.get("Labels") or {}
    service, task = labels.get(_SERVICE_LABEL, ""), labels.get(TASK_LABEL, "")
    number = labels.get(_NAME_LABEL, "")[len(service) + 1 :].partition(".")[0]
    memory = stats.get("memory_stats") or {}
    details = memory.get("stats") or {}
    # Files that were read are memory that is given back at need; cgroups of version 1 and 2 name it differently.
    files = details.get("total_inactive_file", details.get("inactive_file", 0))
    networks = (stats.get("networks") or {}).values()
    return {
        "service": service,
        "slot": int(number) if number.isdecimal() else 0,
        "task": task,
        "cpu_percent": _cpu_percent(stats),
        "memory_bytes": max(int(memory.get("usage") or 0) - int(files), 0),
        "memory_limit_bytes": int(memory.get("limit") or 0),
        "received_bytes": sum(int(item.get("rx_bytes") or 0) for item in networks),
        "sent_bytes": sum(int(item.get("tx_bytes") or 0) for item in networks),
        "pids": int((stats.get("pids_stats") or {}).get("current") or 0),
    }


def _cpu_percent(stats: Json) -> float:
    """Of one processor, so that 200 is two of them; between the two samples."""
    now, before = stats.get("cpu_stats") or {}, stats.get("precpu_stats") or {}
    used = _total(now) - _total(before)
    passed = int(now.get("system_cpu_usage") or 0) - int(before.get("system_cpu_usage") or 0)
    if not before.get("system_cpu_usage") or used <= 0 or passed <= 0:
        return 0.0
    processors = now.get("online_cpus") or len((now.get("cpu_usage") or {}).get("percpu_usage") or [1])
    return round(used / passed * processors * 100, 1)


def _total(cpu: Json) -> int:
    return int((cpu.get("cpu_usage") or {}).get("total_usage") or 0)
