# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the services of a run until they run, fail, or time is up. Talks to the engine."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from functools import partial

from ..._core.schedule.task_states import tasks_by_service
from ..._core.schedule.verdict import FAILED, RUNNING, Memory, Verdict, judge, progress, settle, settle_at_once
from ..._core.service.diff import diff_service
from ..._core.service.images import find_unresolved
from ..._core.service.naming import Item, by_name, item_name
from ..._core.service.spec import Service
from ..._core.stack.policy import Policy, Terms, Wait
from ..._core.stack.session import REMOVED, REPLACED, Session
from ..._core.stack.swarm_objects import SwarmObjects
from ...errors import FlotillaError
from ...plan import Field
from ..engine import NotFound
from ..polling import Clock
from .lock import Locks
from .logs import describe_failures, find_unpulled
from .writer import POLL_SECONDS, Patience, through_outages

Tasks = t.Mapping[str, list[Item]]
"""By the ID of their service."""


class Watcher:
    """Waits for one run. ``halted`` says that the time of this call is over, and that the next one goes on."""

    def __init__(
        self, engine: t.Any, policy: Policy, session: Session, terms: Terms, observed: SwarmObjects, locks: Locks, clock: Clock
    ) -> None:
        self._engine, self._policy, self._session, self._observed = engine, policy, session, observed
        self._locks, self._clock = locks, clock
        self._deadline = session.began + terms.timeout_seconds
        self._patience = Patience.of(terms)
        self._slice_end = clock.time() + terms.slice_seconds if terms.slice_seconds else None
        self._before = by_name(observed.services)
        self._ahead = observed.time - clock.time() if observed.time else 0.0
        self.halted = False
        self.services: t.Mapping[str, Item] = {}
        """By name, as they were last read."""

    def wait(self, wait: Wait, known: t.Sequence[Item] | None = None) -> dict[str, Verdict]:
        """Poll until services run, or have ended where they have to. ``known`` are services that need not be read for the first look.

        Raises FlotillaError with the cause when one fails or time is up.
        """
        while wait.names and not self.halted:
            tasks = self._poll(known)
            known = None
            verdicts = {name: settle(self._judge(name, tasks), self._memory(name), self._clock.time()) for name in wait.names}
            verdicts = {name: self._read(verdict, tasks) for name, verdict in verdicts.items()}
            failed = [verdict for verdict in verdicts.values() if verdict.state == FAILED]
            if failed:
                raise self._tell_failures(failed)
            slow = [
                v for v in verdicts.values()
                if (v.state != RUNNING and (wait.steady or not v.converged)) or (v.name in wait.completes and v.finished < v.desired)
            ]  # fmt: skip
            # Of what was not touched only that is told for which we wait, and what became of it.
            known_to_user = {*self._session.touched, *self._session.seen, *(v.name for v in slow)}
            texts = {name: progress(v) for name, v in verdicts.items() if name in known_to_user}
            if not slow:
                self._session.seen.update(texts)
                return verdicts
            still = [f"{v.name}: {v.text}{f', {v.cause}' if v.cause else ''}" for v in slow]
            other = "" if self._session.locks else self._locks.find_other(self._times(tasks))
            if other:
                still.append(other)
                texts[self._policy.title] = other
            self.pause("; ".join(still), texts)
        return {}

    def look(self, names: t.Iterable[str], known: t.Sequence[Item] | None = None) -> dict[str, Verdict]:
        """The verdicts of a single look, good or bad."""
        tasks = self._poll(known)
        return {name: self._read(settle_at_once(self._judge(name, tasks)), tasks) for name in names}

    def _poll(self, known: t.Sequence[Item] | None = None) -> Tasks:
        """Read ``services``, and their tasks that run the present spec."""
        while True:
            try:
                return through_outages(partial(self._read_all, known), self._clock, self._patience, self._deadline)
            except NotFound:
                known = None  # a service went between the two requests

    def _read_all(self, known: t.Sequence[Item] | None) -> Tasks:
        doing = f"watching {self._policy.title}"
        services = known or self._engine.get("/services", doing, filters={**self._policy.services})
        mine = self._policy.tasks or {"service": [service["ID"] for service in services]}
        tasks = self._engine.get("/tasks", doing, filters={**mine, "_up-to-date": ["true"]}) if services else []
        self.services = by_name(services)
        return tasks_by_service(tasks)

    def pause(self, still: str, texts: t.Mapping[str, str]) -> None:
        """Between two looks, of which the first saw ``still``; ``texts`` tell how the services fare."""
        now = self._clock.time()
        if now > self._deadline:
            raise FlotillaError(f"timed out after {now - self._session.began:.0f} s: {still}")
        if self._slice_end is not None and not any(item.act in (REPLACED, REMOVED) for item in self._session.touched.values()):
            news = any(self._session.seen.get(name) != text for name, text in texts.items())
            self.halted = self.halted or now > self._slice_end or (news and bool(self._session.touched))
        self._session.seen.update(texts)
        self._locks.renew()
        if not self.halted:
            self._clock.sleep(POLL_SECONDS)

    def _times(self, tasks: Tasks) -> list[str]:
        """What the swarm stamped on what was last read."""
        return [str(item.get("UpdatedAt") or "") for items in (self.services.values(), *tasks.values()) for item in items]

    def leave(self) -> None:
        """End this call, if another one goes on."""
        self.halted = self.halted or self._slice_end is not None

    def explain(self, service: Item, fields: t.Sequence[Field]) -> FlotillaError:
        """Why a service is not as it was when this run was planned, although this run did not change it."""
        state = Service(service).update_state
        if state.startswith("rollback_"):
            return self._tell_failures([judge(service, [], self._observed.nodes, since=0)])
        return changed_meanwhile(item_name(service), self._policy.title, fields)

    def _judge(self, name: str, all_tasks: Tasks) -> Verdict:
        if name not in self.services:
            raise FlotillaError(f"service {name} is gone: something else removed it meanwhile", "Run again.")
        service, nodes = self._policy.read_service(self.services[name]), self._observed.nodes
        tasks, touched = all_tasks.get(service["ID"], []), self._session.touched.get(name)
        if touched:
            return judge(service, tasks, nodes, touched.since)
        before = self._before.get(name)
        if before and before["Spec"] != service["Spec"]:
            self.leave()  # whether that is as it should be is for the plan of the next call
            if not self.halted:
                raise self.explain(service, diff_service(before, dict(service["Spec"]), self._observed.names()).fields)
        return judge(service, tasks, nodes, now=self._clock.time() + self._ahead)

    def _read(self, verdict: Verdict, all_tasks: Tasks) -> Verdict:
        service = self.services[verdict.name]
        cure = "" if verdict.name in self._session.touched else self._policy.cure_of(Service(service))
        if cure and verdict.state == FAILED:
            verdict = replace(verdict, cause=f"{verdict.cause}; {cure}")
        return self._policy.read_verdict(verdict, all_tasks.get(service["ID"], []))

    def _memory(self, name: str) -> Memory:
        return self._session.memory.setdefault(name, {})

    def _tell_failures(self, failed: t.Sequence[Verdict]) -> FlotillaError:
        unresolved = find_unresolved(self.services, self._observed.images)
        error = FlotillaError(describe_failures(self._engine, failed, self._observed.nodes, unresolved))
        error.result = {"unpulled": find_unpulled(self._engine, failed, self._observed.nodes, unresolved)}
        return error


def changed_meanwhile(name: str, title: str, fields: t.Sequence[Field] = ()) -> FlotillaError:
    """What to say where something else changed a service, so that it does not run as it was declared."""
    what = f" ({', '.join(item.path for item in fields)})" if fields else ""
    problem = f"service {name} was changed by something else{what} while this run of {title} went on"
    return FlotillaError(problem, "Run again to correct it.")
