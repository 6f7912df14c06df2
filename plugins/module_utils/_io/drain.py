# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what a drain moves, and for what comes back when it ends."""

from __future__ import annotations

import time
import typing as t

from .._core.cluster.node import read_node
from .._core.schedule.capacity import Place, find_remains, find_starting
from .._core.service.spec import Raw
from ..errors import FlotillaError
from .engine import Engine
from .polling import poll

_DRAINING = "draining nodes"
_RETURNING = "waiting for the tasks of a node that was drained"


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
