# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the services of a run until they run, fail, or time is up. Talks to the engine."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..._core.schedule.verdict import FAILED, RUNNING, Verdict, judge, progress, settle, settle_at_once
from ..._core.service.canonical import service_mode
from ..._core.service.images import find_unresolved
from ..._core.service.items import Item, by_name, tasks_by_service
from ..._core.stack.planning import Observed
from ..._core.stack.policy import Policy, Terms, Wait
from ..._core.stack.session import REMOVED, REPLACED, Session
from ...errors import FlotillaError
from ..engine import EngineError
from .lock import Locks
from .logs import describe_failures
from .writer import OUTAGE_SECONDS, POLL_SECONDS, is_outage

Tasks = t.Mapping[str, t.List[Item]]  # noqa: UP006 evaluated on Python 3.9
"""By the ID of their service."""


class Clock(t.Protocol):
    """Such as the module ``time``."""

    def time(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class Watcher:
    """Waits for one run. ``halted`` says that the time of this call is over, and that the next one goes on."""

    def __init__(
        self, engine: t.Any, policy: Policy, session: Session, terms: Terms, observed: Observed, locks: Locks, clock: Clock
    ) -> None:
        self._engine, self._policy, self._session, self._observed = engine, policy, session, observed
        self._locks, self._clock = locks, clock
        self._deadline = session.began + terms.timeout_seconds
        self._slice_end = clock.time() + terms.slice_seconds if terms.slice_seconds else None
        self.halted = False

    def wait(self, wait: Wait) -> dict[str, Verdict]:
        """Poll until services run, or have ended where they have to.

        Raises FlotillaError with the cause when one fails or time is up.
        """
        fresh: dict[str, int] = {}
        while wait.names and not self.halted:
            services, tasks = self.poll()
            verdicts = {name: self._verdict(services.get(name), name, tasks, fresh) for name in wait.names}
            failed = [verdict for verdict in verdicts.values() if verdict.state == FAILED]
            if failed:
                unresolved = find_unresolved(services, self._observed.images)
                raise FlotillaError(describe_failures(self._engine, failed, self._observed.nodes, unresolved))
            slow = [
                v for v in verdicts.values()
                if (v.state != RUNNING and (wait.steady or not v.converged)) or (v.name in wait.completes and v.finished < v.desired)
            ]  # fmt: skip
            # Of what was not touched only that is told for which we wait.
            texts = {name: progress(v) for name, v in verdicts.items() if name in self._session.touched or v in slow}
            if not slow:
                self._session.seen.update(texts)
                return verdicts
            self.pause("; ".join(f"{v.name}: {v.text}{f', {v.cause}' if v.cause else ''}" for v in slow), texts)
        return {}

    def poll(self, known: t.Sequence[Item] | None = None) -> tuple[dict[str, Item], Tasks]:
        """The services of this run by name, and their tasks that run the present spec.

        ``known`` are services that need not be read again.
        """
        doing, patience = f"watching {self._policy.title}", self._clock.time() + OUTAGE_SECONDS
        while True:
            try:
                services = known or self._engine.get("/services", doing, filters={**self._policy.services})
                mine = self._policy.tasks or {"service": [service["ID"] for service in services]}
                tasks = self._engine.get("/tasks", doing, filters={**mine, "_up-to-date": ["true"]})
                return by_name(services), tasks_by_service(tasks)
            except EngineError as error:
                if not is_outage(error) or self._clock.time() > min(patience, self._deadline):
                    raise
                self._clock.sleep(POLL_SECONDS)

    def pause(self, still: str, texts: t.Mapping[str, str]) -> None:
        """Between two looks, of which the first saw ``still``; ``texts`` tell how the services fare."""
        now = self._clock.time()
        if now > self._deadline:
            raise FlotillaError(f"timed out after {now - self._session.began:.0f} s: {still}")
        if self._slice_end is not None and not any(item.act in (REPLACED, REMOVED) for item in self._session.touched.values()):
            news = any(self._session.seen.get(name) != text for name, text in texts.items())
            self.halted = now > self._slice_end or (news and bool(self._session.touched))
        self._session.seen.update(texts)
        self._locks.hold()
        if not self.halted:
            self._clock.sleep(POLL_SECONDS)

    def _verdict(self, service: Item | None, name: str, all_tasks: Tasks, fresh: dict[str, int]) -> Verdict:
        if service is None:
            raise FlotillaError(f"service {name} is gone: something else removed it while it was deployed")
        service, tasks = self._policy.read_service(service), all_tasks.get(service["ID"], [])
        touched = self._session.touched.get(name)
        memory = self._session.memory.setdefault(name, {})
        if touched:
            verdict = judge(service, tasks, self._observed.nodes, touched.since)
        elif service_mode(service["Spec"]).endswith("-job"):
            verdict = settle_at_once(judge(service, tasks, self._observed.nodes))
            cure = "; another run_id runs it again" if verdict.state == FAILED else ""
            return replace(verdict, cause=f"{verdict.cause}{cure}")
        else:
            # Not ours: what happened before we looked says nothing about whether it will run.
            newest = max((task["Version"]["Index"] for task in tasks), default=0)
            since = fresh.setdefault(name, newest)
            verdict = judge({**service, "UpdateStatus": None}, tasks, self._observed.nodes, since)
        return self._policy.read_verdict(settle(verdict, service, memory, self._clock.time()), tasks)
