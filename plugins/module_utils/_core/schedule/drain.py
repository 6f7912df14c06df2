# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a drain has ended, and what it stopped. Pure.

Services and tasks are those of the Engine API.
"""

from __future__ import annotations

import typing as t
from collections import Counter

from ..service.spec import Raw, Service
from .task_states import has_ended, is_running

Place = tuple[str, str]
"""The id of a service and of a node."""


def count_running(tasks: t.Iterable[Raw]) -> Counter[str]:
    """By service, how many tasks run."""
    return Counter(task["ServiceID"] for task in tasks if is_running(task))


def find_remains(
    leaving: t.Collection[str], services: t.Sequence[Raw], tasks: t.Sequence[Raw], before: t.Mapping[str, int] | None = None
) -> list[str]:
    """What a drain still waits for: tasks on the nodes, and services that have fewer tasks elsewhere than they want.

    Only services that have, or had, a task on the nodes count. With ``before``, how many ran before the drain, no more are waited for:
    a service that was not whole is not made whole by a drain.
    """
    names = {service["ID"]: Service(service).name for service in services}
    there = [task for task in tasks if task.get("NodeID") in leaving]
    left = Counter(names.get(task["ServiceID"], task["ServiceID"]) for task in there if not has_ended(task))
    told = [f"{name} still has {count} there" for name, count in sorted(left.items())]
    moved = {task["ServiceID"] for task in there}
    for service in sorted(map(Service, services), key=lambda each: each.name):
        if service.id not in moved or service.spec.mode != "replicated":
            continue
        wanted = service.spec.desired
        mine = [task for task in tasks if task["ServiceID"] == service.id and task.get("NodeID") not in leaving]
        running = count_running(mine)[service.id]
        if running < (wanted if before is None else min(wanted, before.get(service.id, 0))):
            errors = {str(task["Status"]["Err"]) for task in mine if (task.get("Status") or {}).get("Err")}
            because = f" ({'; '.join(sorted(errors))})" if errors else ""
            told.append(f"{service.name} has {running} of {wanted} running elsewhere{because}")
    return told


def find_stopped(drained: t.Collection[str], tasks: t.Iterable[Raw]) -> set[Place]:
    """Where services ran until drained nodes told their tasks to stop; what had failed there or never had a container is left out."""
    newest: dict[Place, Raw] = {}
    for task in sorted(tasks, key=lambda each: str(each.get("CreatedAt") or "")):
        newest[task["ServiceID"], task.get("NodeID") or ""] = task["Status"]
    return {
        place
        for place, status in newest.items()
        if place[1] in drained and status["State"] == "shutdown" and (status.get("ContainerStatus") or {}).get("ContainerID")
    }


def find_starting(stopped: t.Collection[Place], tasks: t.Iterable[Raw]) -> set[Place]:
    """Of the places where services stopped those that have a task again which does not run yet."""
    running, wanted = set[Place](), set[Place]()
    for task in tasks:
        if task.get("DesiredState") in ("ready", "running"):
            place = task["ServiceID"], task.get("NodeID") or ""
            (running if task["Status"]["State"] == "running" else wanted).add(place)
    return (wanted - running).intersection(stopped)
