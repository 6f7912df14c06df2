# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between a deploy of a stack, an operation on chosen services, and a job that runs once. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ...plan import Change
from ..schedule.task_states import exit_code
from ..schedule.verdict import FAILED, RUNNING, Verdict
from ..service.naming import Item, labelled, stack_of
from ..service.spec import Service
from ..service.work import REMOVE
from ..timestamps import parse_seconds

Filters = t.Mapping[str, t.Sequence[str]]

BY_DEPENDENCY, IN_SERIES, AT_ONCE = "by dependency", "in series", "at once"

# A rollback that was asked for is an update like any other; only one that the engine began by itself is a failure.
_ASKED_FOR = {"rollback_started": "updating", "rollback_completed": "completed", "rollback_paused": "paused"}


@dataclass(frozen=True)
class Wait:
    """What comes before a change: services whose verdict has to be good, whether for their monitor time, and which have to have ended."""

    names: t.Sequence[str] = ()
    steady: bool = True
    completes: t.Collection[str] = ()


@dataclass(frozen=True)
class Policy:
    """``title`` is what summary and messages call the run, ``locks`` what is locked meanwhile.

    ``services`` finds the services of the run in the engine's list, and ``tasks`` their tasks; without it these go by the services.
    """

    title: str
    locks: t.Sequence[str]
    services: Filters
    tasks: Filters = field(default_factory=dict)
    pace: str = BY_DEPENDENCY
    rolls_back: bool = False
    """The engine's own rollback is what was asked for."""
    undoes_by_rollback: bool = False
    """A failed run goes back by the engine's own rollback, so that the verb rollback does not go on to what has just failed."""
    job_cure: str = ""
    """What runs a job again that failed in an earlier run."""
    may_exit: bool = False
    """A command that ran to its end ran, whatever its code; one that could not be started failed."""

    def waits_for(self, change: Change, there: t.Sequence[str], proves: bool) -> Wait:
        """What a change waits for. ``there`` are the services that the run has changed so far; without ``proves`` it goes on unproven."""
        if self.pace == AT_ONCE:
            return Wait()
        if self.pace == IN_SERIES:
            return Wait(there)
        if change.action == REMOVE and not change.payload.early:
            # Of everything, so that nothing is lost if it does not run.
            return Wait(there if proves else ())
        return Wait(change.payload.waits_for, change.action == REMOVE, change.payload.completes)

    def cure_of(self, service: Service) -> str:
        """What helps a service that an earlier run left failed."""
        if service.spec.is_job:
            return self.job_cure
        return "a restart of the service tries again, a rollback goes back" if service.is_paused else ""

    def read_service(self, service: Item) -> Item:
        """The service as the verdict sees it."""
        update = service.get("UpdateStatus") or {}
        state = _ASKED_FOR.get(update.get("State", "")) if self.rolls_back else None
        return {**service, "UpdateStatus": {**update, "State": state}} if state else service

    def read_verdict(self, verdict: Verdict, tasks: t.Iterable[Item]) -> Verdict:
        if self.may_exit and verdict.state == FAILED and any(exit_code(task) is not None for task in tasks):
            return replace(verdict, state=RUNNING, running=1, desired=1, text="1/1 ended", cause="", task="", finished=0)
        return verdict


def deploy_of(stack: str) -> Policy:
    mine = labelled(stack)
    return Policy(stack, [stack], mine, mine, job_cure="another run_id runs it again")


def operation_on(verb: str, services: t.Iterable[Item]) -> Policy:
    """An operation on existing services, whichever stack they belong to."""
    chosen = list(services)
    return Policy(
        verb,
        sorted({stack_of(service) for service in chosen} - {""}),
        {"id": [service["ID"] for service in chosen]},
        pace=AT_ONCE if verb == "scale" else IN_SERIES,
        rolls_back=verb == "rollback",
        undoes_by_rollback=True,
    )


def run_of_job(name: str) -> Policy:
    """A job, whose lock tells another run that this one lives."""
    return Policy(name, [name], {"name": [name]}, may_exit=True)


@dataclass(frozen=True)
class Terms:
    """How long a run may take, and how it ends. ``slice_seconds`` is how long one call may wait, 0 for as long as it takes."""

    timeout_seconds: float
    slice_seconds: float = 0.0
    wait: bool = True
    undo_failure: bool = True

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Terms:
        """Out of the options that the modules share, as far as one has them."""
        return cls(
            parse_seconds(params["wait_timeout"], "wait_timeout"),
            params.get("call_seconds", 0),
            params.get("wait", True),
            params.get("on_failure", "rollback") == "rollback",
        )
