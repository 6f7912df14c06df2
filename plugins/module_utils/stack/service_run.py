# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doing half of an operation on chosen services: a deploy that only updates. Talks to the engine."""

from __future__ import annotations

import typing as t

from ..engine import EngineError
from ..plan import FlotillaError
from . import planning
from .canonical import Json
from .deployment import DeployError, Deployment
from .lock import LEASE_SECONDS, release_lock, renew_lock, take_lock
from .objects import Item, by_name, stack_of, tasks_by_service
from .placement import Nodes
from .session import Session
from .verdict import Verdict
from .writer import Auth, Writer

# A rollback that was asked for is an update like any other; only one that the engine began by itself is a failure.
_ASKED_FOR = {"rollback_started": "updating", "rollback_completed": "completed", "rollback_paused": "paused"}


class Operation(Deployment):
    """Updates to services that are there, whichever stack they belong to. The stacks are locked meanwhile."""

    def __init__(
        self,
        engine: t.Any,
        verb: str,
        services: t.Sequence[Item],
        nodes: Nodes,
        timeout_seconds: float,
        wait: bool,
        undo_failure: bool,
        auth: Auth,
    ) -> None:
        self._back, self._auth = verb == "rollback", auth
        super().__init__(
            engine,
            verb,
            Session(holder=f"the operation {verb}"),
            timeout_seconds,
            wait=wait,
            undo_failure=undo_failure and not self._back,
            auth=auth,
        )
        self._chosen = list(services)
        self._locks: dict[str, str] = {}
        if self._back:
            self._writer = _Rollback(engine, auth, self._clock, self._sleep)
        self._locked_at = 0.0
        self.start(planning.Observed(services, nodes=nodes))

    def watch(self, wanted: t.Sequence[Json]) -> Json:
        told = super().watch(wanted)
        return {key: value for key, value in told.items() if key != "session"}

    def _poll(self) -> tuple[dict[str, Item], dict[str, list[Item]]]:
        ids = [service["ID"] for service in self._chosen]
        while True:
            try:
                services = self._engine.get("/services", "watching services", filters={"id": ids})
                tasks = self._engine.get("/tasks", "watching services", filters={"service": ids, "_up-to-date": ["true"]})
            except EngineError as error:
                if not self._writer.outlasts(error):
                    raise
            else:
                return by_name(services), tasks_by_service(tasks)

    def _verdict(self, service: Item | None, name: str, all_tasks: t.Mapping[str, list[Item]], fresh: dict[str, int]) -> Verdict:
        update = (service or {}).get("UpdateStatus") or {}
        if service and self._back and update.get("State") in _ASKED_FOR:
            service = {**service, "UpdateStatus": {**update, "State": _ASKED_FOR[update["State"]]}}
        return super()._verdict(service, name, all_tasks, fresh)

    def _await(self, names: t.Sequence[str], steady: bool = True) -> dict[str, Verdict]:
        """In a series a service has to have stayed up before the next one is touched."""
        return super()._await(names, steady=True)

    def _lock(self) -> None:
        now = self._clock()
        for stack in sorted({stack_of(service) for service in self._chosen} - {"", *self._locks}):
            self._locks[stack] = take_lock(self._engine, stack, self._session.holder, now)
            self._locked_at = now
        if now > self._locked_at + LEASE_SECONDS / 2:
            for lock in self._locks.values():
                renew_lock(self._engine, lock, now)
            self._locked_at = now

    def _unlock(self) -> None:
        while self._locks:
            release_lock(self._engine, self._locks.popitem()[1])

    def _go_back(self) -> list[str]:
        """By the engine's own rollback, so that the verb rollback does not go on to what has just failed."""
        self._writer = _Rollback(self._engine, self._auth, self._clock, self._sleep)
        return super()._go_back()

    def _failure(self, error: FlotillaError) -> DeployError:
        failure = super()._failure(error)
        failure.result.pop("session", None)
        return failure


class _Rollback(Writer):
    """Lets the engine go back by itself, in the policy of the service's rollback_config and with the credentials of that time."""

    def update_service(self, service: Item, spec: Json, **query: t.Any) -> None:
        super().update_service(service, spec, rollback="previous", **query)
