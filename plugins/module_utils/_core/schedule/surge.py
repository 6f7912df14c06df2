# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving the tasks of services off nodes before a drain: the new ones run before the old ones stop. Pure.

A service gets a constraint against the nodes, and the order ``start-first``. swarmkit then replaces exactly the tasks that lie
there, since a change of constraints alone leaves tasks alone on nodes that still match. The nodes are paused meanwhile: then
nothing new comes to them, and swarmkit does not stop at once what no longer matches. Afterwards the service gets back what it had,
which moves nothing.
"""

from __future__ import annotations

import json
import typing as t

from ...errors import PlanError
from ...plan import Change
from ..service.diff import update_cost
from ..service.spec import Json, Raw, Service, ServiceSpec
from ..service.work import UPDATE, Work
from .capacity import is_alive

NONE, SOLE = "none", "sole"
# Keeps what a service had, for a run that comes after one that was killed.
MARK = "io.flotilla.swarm.surge"
START_FIRST = "start-first"


def plan_surge(
    extent: str, leaving: t.Mapping[str, str], services: t.Sequence[Raw], tasks: t.Sequence[Raw]
) -> tuple[list[Change], list[str]]:
    """The changes, one service after the other, and warnings about services that are left to the drain.

    ``extent`` is ``all`` for each replicated service with tasks on the nodes ``leaving`` (id -> name), or ``sole`` for those
    that run nowhere else. A service whose tasks write to mounts moves only where its own update order is start-first:
    two tasks would write at once. Services that an earlier run left changed are restored. Raises PlanError for one whose update is
    not over.
    """
    changes, warnings = [], []
    for service in sorted(map(Service, services), key=lambda each: each.name):
        name, spec = service.name, ServiceSpec(restored_spec(service.spec.raw))
        is_left = spec != service.spec
        moving = _moving(extent, leaving, service, tasks)
        mounts = _written_mounts(spec)
        if MARK in spec.labels:
            warnings.append(
                f"service {name} has a label {MARK} that can't be read, so its settings before a drain are unknown: "
                "check its constraints and its update policy, and remove the label"
            )
        if moving and mounts and spec.update_config.get("Order") != START_FIRST:
            where = ", ".join(sorted(leaving.values()))
            warnings.append(
                f"service {name} stops on {where} before it starts elsewhere: it writes to {', '.join(mounts)}, and two tasks "
                "would do so at once. If that does no harm, set its update order to start-first"
            )
        elif moving:
            if not is_left:
                _refuse_unfinished(service)
            changes.append(_move(service, surged_spec(spec.raw, leaving), moving, leaving))
            continue
        if is_left:
            reason = "gets back its placement and update policy after a drain that was interrupted"
            changes.append(Change("service", name, UPDATE, reason=reason, payload=Work(spec.body, service.raw)))
    return changes, warnings


def _moving(extent: str, leaving: t.Mapping[str, str], service: Service, tasks: t.Sequence[Raw]) -> int:
    """How many tasks have to run elsewhere first; 0 for jobs and global services."""
    if extent == NONE or service.spec.mode != "replicated":
        return 0
    alive = [task for task in tasks if task["ServiceID"] == service.id and is_alive(task)]
    there = [task for task in alive if task.get("NodeID") in leaving]
    elsewhere = any((task.get("Status") or {}).get("State") == "running" for task in alive if task not in there)
    return 0 if extent == SOLE and elsewhere else len(there)


def _written_mounts(spec: ServiceSpec) -> list[str]:
    kept = (mount for mount in spec.mounts if mount.get("Type", "bind") not in ("tmpfs", "npipe") and not mount.get("ReadOnly"))
    return sorted(str(mount.get("Source") or mount.get("Target")) for mount in kept)


def _refuse_unfinished(service: Service) -> None:
    if service.update_state in ("updating", "paused", "rollback_started", "rollback_paused"):
        raise PlanError(
            f"Moving service {service.name}: its last update has not ended ({service.update_state}: {service.update_message}), and moving "
            "it would resume that",
            "Finish the update or roll it back first, or drain without surge.",
        )


def _move(service: Service, body: Json, moving: int, leaving: t.Mapping[str, str]) -> Change:
    where = ", ".join(sorted(leaving.values()))
    reason = f"{moving} of its tasks run{'s' if moving == 1 else ''} elsewhere before {where} is drained, new ones first"
    return Change("service", body["Name"], UPDATE, cost=update_cost(body, moving, True), reason=reason, payload=Work(body, service.raw))


def surged_spec(spec: Raw, leaving: t.Collection[str]) -> Json:
    """The spec that moves a service off the nodes with these ids, and remembers what it was."""
    had = ServiceSpec(spec)
    away = [f"node.id!={node_id}" for node_id in sorted(leaving)]
    # A failure takes the whole service back to what it was, with the old tasks still running.
    policy = {"Parallelism": 1, **had.update_config, "Order": START_FIRST, "FailureAction": "rollback"}
    mark = json.dumps({"placement": had.task.get("Placement"), "update_config": spec.get("UpdateConfig")}, sort_keys=True)
    return had.constrained([*had.constraints, *away]).changed(Labels={**had.labels, MARK: mark}, UpdateConfig=policy).body


def restored_spec(spec: Raw) -> Json:
    """The spec as it was before ``surged_spec``; one that bears no mark, or none of ours, as it is."""
    view = ServiceSpec(spec)
    labels = dict(view.labels)
    had = _read_mark(labels.pop(MARK, ""))
    if had is None:
        return view.body
    return view.changed(task={"Placement": had["placement"]}, Labels=labels, UpdateConfig=had["update_config"]).body


def _read_mark(text: str) -> Json | None:
    """What ``surged_spec`` wrote; None for anything else."""
    try:
        had = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_ours = isinstance(had, dict) and had.keys() == {"placement", "update_config"}
    return had if is_ours and all(value is None or isinstance(value, dict) for value in had.values()) else None
