# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doing half of an operation on chosen services: a deploy that only updates. Talks to the engine."""

from __future__ import annotations

import typing as t

from ..._core.schedule.verdict import Verdict
from ..._core.service.canonical import Json
from ..._core.service.items import Item, stack_of
from ..._core.stack import planning
from ..._core.stack.session import Session
from ...plan import Change
from .deployment import Deployment
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
        observed: planning.Observed,
        session: Session,
        timeout_seconds: float,
        slice_seconds: float,
        wait: bool,
        undo_failure: bool,
        auth: Auth,
    ) -> None:
        self._back, self._auth = verb == "rollback", auth
        super().__init__(
            engine,
            verb,
            session,
            timeout_seconds,
            slice_seconds,
            wait=wait,
            undo_failure=undo_failure and not self._back,
            auth=auth,
        )
        self._chosen = list(services)
        if self._back:
            self._writer = _Rollback(engine, auth, self._clock, self._sleep)
        self.start(observed)

    def _mine(self) -> tuple[Json, Json]:
        ids = [service["ID"] for service in self._chosen]
        return {"id": ids}, {"service": ids}

    def _stacks(self) -> t.Sequence[str]:
        return sorted({stack_of(service) for service in self._chosen} - {""})

    def _verdict(self, service: Item | None, name: str, all_tasks: t.Mapping[str, list[Item]], fresh: dict[str, int]) -> Verdict:
        update = (service or {}).get("UpdateStatus") or {}
        if service and self._back and update.get("State") in _ASKED_FOR:
            service = {**service, "UpdateStatus": {**update, "State": _ASKED_FOR[update["State"]]}}
        return super()._verdict(service, name, all_tasks, fresh)

    def _barrier(self, change: Change) -> list[str]:
        """All at once, or one after the other."""
        return [] if self._stack == "scale" else list(self._session.touched)

    def _await(self, names: t.Sequence[str], steady: bool = True, completes: t.Collection[str] = ()) -> dict[str, Verdict]:
        """In a series a service has to have stayed up before the next one is touched."""
        return super()._await(names, steady=True, completes=completes)

    def _go_back(self) -> list[str]:
        """By the engine's own rollback, so that the verb rollback does not go on to what has just failed."""
        self._writer = _Rollback(self._engine, self._auth, self._clock, self._sleep)
        return super()._go_back()


class _Rollback(Writer):
    """Lets the engine go back by itself, in the policy of the service's rollback_config and with the credentials of that time."""

    def update_service(self, service: Item, spec: Json, **query: t.Any) -> None:
        super().update_service(service, spec, rollback="previous", **query)
