# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining nodes: moving services off before it, waiting for what it moves, and for what comes back when it ends."""

from __future__ import annotations

import time
import typing as t

from .._core.cluster.node import read_node
from .._core.schedule.drain import Place, find_remains, find_starting
from .._core.schedule.placement import Nodes
from .._core.schedule.surge import MARK, restored_spec
from .._core.service.naming import Item
from .._core.service.spec import Raw
from .._core.stack.policy import Terms, operation_on
from .._core.stack.session import Session
from .._core.stack.swarm_objects import SwarmObjects
from ..errors import FlotillaError
from ..plan import Change
from .deploy.deployment import Deployment
from .deploy.writer import Writer
from .engine import Engine, NotFound
from .polling import Clock, poll

_DRAINING = "draining nodes"
_RETURNING = "waiting for the tasks of a node that was drained"


def move_service(engine: t.Any, change: Change, nodes: t.Sequence[Item], timeout_seconds: float, clock: Clock) -> None:
    """Do a change of ``plan_surge`` and wait until the service is whole elsewhere. However it ends, the service has its own spec again."""
    service: Item = change.payload.observed
    if MARK not in change.payload.body["Labels"]:
        restore_service(engine, service["ID"])
        return
    observed = SwarmObjects([service], nodes=Nodes(nodes))
    operation = Deployment(
        engine, operation_on("drain", [service]), Session(holder="a drain"), Terms(timeout_seconds), observed, clock=clock
    )
    try:
        operation.apply(change)
        operation.watch([])
    except BaseException:
        _try_to_restore(engine, service["ID"])
        raise
    restore_service(engine, service["ID"])


def restore_service(engine: t.Any, service_id: str) -> None:
    """Also in what the engine would go back to: a rollback must not repeat the move."""
    writer = Writer(engine, lambda image: None, time)
    for _spec in ("present", "previous"):
        try:
            service = engine.get(f"/services/{service_id}", "restoring a service that was moved")
        except NotFound:
            return
        if any(MARK in ((service.get(key) or {}).get("Labels") or {}) for key in ("Spec", "PreviousSpec")):
            writer.update_service(service, restored_spec(service["Spec"]))


def _try_to_restore(engine: t.Any, service_id: str) -> None:
    try:
        restore_service(engine, service_id)
    except FlotillaError:
        # Its mark stays, so that the next run restores it; the failure itself must not be hidden by this.
        return


def list_tasks_of(engine: Engine, node_ids: t.Collection[str]) -> t.Sequence[Raw]:
    return t.cast(t.Sequence[Raw], engine.get("/tasks", doing=_RETURNING, filters={"node": sorted(node_ids)}))


def await_drained(
    engine: Engine, drained: t.Collection[str], before: t.Mapping[str, int], seconds: int, renew: t.Callable[[], None]
) -> None:
    """Wait until nothing is left on the nodes and what ran there, as often as ``before`` says by service, runs elsewhere.

    ``renew`` is called at each look, and may raise what ends the waiting. Raises FlotillaError when it takes longer, and at once when
    something else made a node active.
    """

    def look() -> list[str]:
        renew()
        nodes = map(read_node, engine.get("/nodes", doing=_DRAINING))
        lost = sorted(node.hostname for node in nodes if node.node_id in drained and node.availability != "drain")
        if lost:
            problem = f"{', '.join(lost)}: something else changed the availability while the node was drained"
            raise FlotillaError(problem, "Run again when no other run is at work.")
        services, tasks = engine.get("/services", doing=_DRAINING), engine.get("/tasks", doing=_DRAINING)
        return find_remains(drained, services, tasks, before)

    remains = poll(look, lambda remains: not remains, seconds, pause=1) if drained else []
    if remains:
        problem = f"The nodes are drained, but after {seconds} s {'; '.join(remains)}"
        raise FlotillaError(problem, "Check those services; the nodes stay drained.")


def await_returned(engine: Engine, stopped: t.Collection[Place], nodes: t.Sequence[Raw], seconds: int, renew: t.Callable[[], None]) -> None:
    """Wait until services run again where they ran until the drain, if they get a task there. ``nodes`` are those of the swarm.

    Raises FlotillaError when it takes longer.
    """
    if not stopped:
        return
    time.sleep(1)  # Managers make the tasks a moment after the node is active.
    node_ids = {node_id for _service, node_id in stopped}

    def look() -> t.Any:
        renew()
        return find_starting(stopped, list_tasks_of(engine, node_ids))

    starting = poll(look, lambda starting: not starting, seconds, pause=1)
    if starting:
        services = {each["ID"]: each["Spec"]["Name"] for each in engine.get("/services", doing=_RETURNING)}
        names = {node["ID"]: read_node(node).hostname for node in nodes}
        told = sorted(f"{services.get(service, service)} on {names[node_id]}" for service, node_id in starting)
        raise FlotillaError(
            f"The nodes are active again, but what ran there before the drain still does not run: {', '.join(told)}",
            "Check those services and the engine's log (journalctl -u docker).",
        )
