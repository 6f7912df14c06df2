# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving a service off nodes, and giving it back what it had. Talks to the engine."""

from __future__ import annotations

import time
import typing as t

from ..._core.schedule.placement import Nodes
from ..._core.schedule.surge import MARK, restored_spec
from ..._core.service.naming import Item
from ..._core.stack import planning
from ..._core.stack.policy import Terms, operation_on
from ..._core.stack.session import Session
from ...errors import FlotillaError
from ...plan import Change
from ..engine import NotFound
from ..polling import Clock
from .deployment import Deployment
from .writer import Writer


def move_service(engine: t.Any, change: Change, nodes: t.Sequence[Item], timeout_seconds: float, clock: Clock) -> None:
    """Do a change of ``plan_surge`` and wait until the service is whole elsewhere. However it ends, the service has its own spec again."""
    service: Item = change.payload.observed
    if MARK not in change.payload.body["Labels"]:
        restore_service(engine, service["ID"])
        return
    observed = planning.Observed([service], nodes=Nodes(nodes))
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
