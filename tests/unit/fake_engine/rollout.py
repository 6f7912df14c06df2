# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolling updates and rollbacks, in the order and the words of swarmkit's updater."""

from __future__ import annotations

import typing as t

from .errors import Json
from .placement import is_alive, matches

if t.TYPE_CHECKING:
    from .scheduler import Tick

MONITOR_TICKS = 2
_ACTIVE = ("updating", "rollback_started")


def is_dirty(service: Json, task: Json, node: Json | None) -> bool:
    """Whether a task runs something else than the service's spec says."""
    if task["_version"] == service["_spec_version"]:
        return False
    spec, old = service["Spec"]["TaskTemplate"], task["Spec"]
    if task["_endpoint"] != service["Spec"].get("EndpointSpec"):
        return True
    if spec == old:
        return False
    placement = spec.get("Placement", {})
    same_but_constraints = {**spec, "Placement": {**placement, "Constraints": []}} == {
        **old,
        "Placement": {**old.get("Placement", {}), "Constraints": []},
    }
    return not (same_but_constraints and node and matches(node, placement.get("Constraints", [])))


def advance_update(tick: Tick, service: Json) -> None:
    """Replace the next tasks of a service whose spec has changed; note the end, or stop at a failure."""
    status = service.get("UpdateStatus")
    if status and status["State"] in _ACTIVE and _stop_at_failure(tick, service):
        return
    live = tick.live(service)
    dirty = [task for task in live if is_dirty(service, task, tick.cluster.nodes.get(task.get("NodeID", "")))]
    if not dirty:
        return _finish(tick, service, live)
    if status is None:
        _set_status(tick, service, "updating", "update in progress")
    elif status["State"] not in _ACTIVE:
        return
    config = _config(service)
    dirty_ids = {task["ID"] for task in dirty}
    clean = {task["_slot"]: task for task in live if task["ID"] not in dirty_ids}
    for task in dirty:
        if task["_slot"] in clean and clean[task["_slot"]]["Status"]["State"] == "running":
            tick.stop(task)
    waiting = sum(task["Status"]["State"] != "running" for task in clean.values())
    room = (config.get("Parallelism", 1) or len(dirty)) - waiting
    for task in [task for task in dirty if task["_slot"] not in clean][: max(0, room)]:
        if config.get("Order") != "start-first":
            tick.stop(task)
            tick.set_state(task, "shutdown", "shutdown")
        tick.start(service, task["_slot"])


def _config(service: Json) -> Json:
    back = service.get("UpdateStatus", {}).get("State") == "rollback_started"
    return t.cast(Json, service["Spec"].get("RollbackConfig" if back else "UpdateConfig", {}))


def _finish(tick: Tick, service: Json, live: list[Json]) -> None:
    state = service.get("UpdateStatus", {}).get("State")
    if state not in _ACTIVE or not live:
        return
    stable = all(task["Status"]["State"] == "running" and task["_age"] >= MONITOR_TICKS for task in live)
    if stable and len(live) >= len(tick.slots(service)):
        back = state == "rollback_started"
        _set_status(tick, service, "rollback_completed" if back else "completed", f"{'rollback' if back else 'update'} completed")
        service["UpdateStatus"]["CompletedAt"] = tick.cluster.stamp()
    else:
        tick.changed = True


def _stop_at_failure(tick: Tick, service: Json) -> bool:
    """Count the new tasks that failed; pause or roll back as the update's settings say."""
    tasks = tick.by_service[service["ID"]]
    failed = [
        task
        for task in tasks
        if task["_version"] == service["_spec_version"] and _has_failed(task) and not is_alive(task)
    ]
    config = _config(service)
    slots = len({task["_slot"] for task in tasks}) or 1
    if not failed or len(failed) / slots <= config.get("MaxFailureRatio", 0):
        return False
    word = "rollback" if service["UpdateStatus"]["State"] == "rollback_started" else "update"
    action = config.get("FailureAction", "pause")
    cause = f"due to failure or early termination of task {failed[-1]['ID']}"
    if action == "continue":
        return False
    if action == "rollback" and word == "update" and service.get("PreviousSpec"):
        service["Spec"], service["_spec_version"] = service["PreviousSpec"], service["_previous_version"]
        del service["PreviousSpec"]
        service["_ended"] = {}
        _set_status(tick, service, "rollback_started", f"update rolled back {cause}")
        return False
    _set_status(tick, service, "rollback_paused" if word == "rollback" else "paused", f"{word} paused {cause}")
    return True


def _has_failed(task: Json) -> bool:
    """To swarmkit a task that ends while an update is watched has failed, however it ends."""
    return task["Status"]["State"] in ("failed", "rejected", "complete")


def _set_status(tick: Tick, service: Json, state: str, message: str) -> None:
    started = service.get("UpdateStatus", {}).get("StartedAt") or tick.cluster.stamp()
    service["UpdateStatus"] = {"State": state, "StartedAt": started, "Message": message}
    tick.cluster.touch(service)
    tick.changed = True
