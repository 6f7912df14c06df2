# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many tasks a swarm keeps, and which services fail again and again. Pure."""

from __future__ import annotations

import typing as t

from .task_states import CRASHES, FAILED_STATES, WITHIN_SECONDS, age_of, error_of, status_of

Json = t.Mapping[str, t.Any]


def summarise_tasks(tasks: t.Sequence[Json], services: t.Iterable[Json], now: float) -> dict[str, t.Any]:
    """``count`` and ``failed`` of all tasks that are kept, and as ``crashing`` the services that fail again and again, worst first.

    ``now`` is in seconds since 1970.
    """
    names = {service.get("ID"): (service.get("Spec") or {}).get("Name") for service in services}
    failed = [task for task in tasks if status_of(task).get("State") in FAILED_STATES]
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


def _last_error(slots: t.Mapping[t.Any, t.Sequence[Json]], now: float) -> str:
    last = min((task for tasks in slots.values() for task in tasks), key=lambda task: age_of(task, now))
    return error_of(last)
