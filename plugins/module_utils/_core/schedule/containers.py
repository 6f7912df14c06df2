# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of tasks, as an engine lists them: whose they are, and what they use. Pure."""

from __future__ import annotations

import typing as t
from fnmatch import fnmatchcase

from ..service.naming import NAMESPACE_LABEL

Json = t.Mapping[str, t.Any]

# The engine's, on each container of a task.
TASK_LABEL, _NAME_LABEL, _SERVICE_LABEL = "com.docker.swarm.task.id", "com.docker.swarm.task.name", "com.docker.swarm.service.name"


def name_of_task(container: Json, task_id: str) -> str:
    """Such as ``grading_web.2``, of a container of the task."""
    return str(container["Labels"].get(_NAME_LABEL, "")).rpartition(".")[0] or task_id


def name_unmanaged(containers: t.Iterable[Json]) -> list[str]:
    """Names of the containers that belong to no task, sorted: a drain of their node leaves them as they are."""
    return sorted(each["Names"][0].lstrip("/") for each in containers if TASK_LABEL not in (each.get("Labels") or {}))


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
