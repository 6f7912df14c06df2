# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doing half of a deploy: changes, what they wait for, and the verdict. Talks to the engine."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from ..._core.schedule.report import account
from ..._core.schedule.verdict import FAILED, RUNNING, Verdict, judge, progress, settle, settle_at_once
from ..._core.service.canonical import Json, service_mode
from ..._core.service.images import find_unresolved
from ..._core.service.items import Item, by_name, item_name, stack_of, tasks_by_service
from ..._core.service.naming import NAMESPACE_LABEL
from ..._core.service.old_jobs import FIXED_IN_API, is_kept
from ..._core.service.work import REMOVE, Work
from ..._core.stack import planning
from ..._core.stack.session import CREATED, REMOVED, REPLACED, UPDATED, DeployError, Session, Touched
from ...errors import FlotillaError
from ...plan import Change
from ..engine import EngineError
from .lock import LEASE_SECONDS, release_lock, renew_lock, take_lock
from .logs import describe_failures
from .undo import undo
from .writer import OUTAGE_SECONDS, POLL_SECONDS, Auth, Writer, is_outage

KEPT_SECONDS = 15.0
"""So long a run takes at least before a network counts as gone of which a node keeps a part that no task needs any more."""
_IN_USE = ("in use", "active endpoints", "has active")


class Deployment:
    """One run on one stack, or the part of it that fits into one call of the module.

    ``apply`` and ``watch`` are those of the runner. A call ends early, with ``pending`` in its result, when ``slice_seconds``
    (0: never) are over; the next call brings the session and goes on.
    """

    def __init__(
        self,
        engine: t.Any,
        stack: str,
        session: Session,
        timeout_seconds: float,
        slice_seconds: float = 0.0,
        wait: bool = True,
        undo_failure: bool = True,
        auth: Auth = lambda image: None,
        clock: t.Callable[[], float] | None = None,
        sleep: t.Callable[[float], None] | None = None,
    ) -> None:
        self._engine, self._stack, self._session = engine, stack, session
        self._wait, self._undo = wait, undo_failure
        self._clock, self._sleep = clock or time.time, sleep or time.sleep
        session.began = session.began or self._clock()
        self._deadline = session.began + timeout_seconds
        self._slice_end = self._clock() + slice_seconds if slice_seconds else None
        self._observed = planning.Observed()
        self._writer = Writer(engine, auth, self._clock, self._sleep)
        self._before: dict[str, Item] = {}
        self._halted = False
        self._keeps_jobs = engine.api_version < FIXED_IN_API

    def start(self, observed: planning.Observed) -> None:
        """Take what was read before the plan was made."""
        self._observed = observed
        for kind, items in (("secret", observed.secrets), ("config", observed.configs)):
            self._writer.ids.update({(kind, item_name(item)): item["ID"] for item in items})

    def apply(self, change: Change) -> None:
        """Do one change, after those that it waits for; nothing once the time of this call is over."""
        if self._halted or (change.kind == "service" and change.name in self._session.touched):
            return
        try:
            self._lock()
            self._await(self._barrier(change), change.action == REMOVE, change.payload.completes)
            # What was changed has been proven by now, and its former version may need what is removed from here on.
            self._undo = self._undo and (change.action != REMOVE or change.payload.early)
            if not self._halted:
                _ACTS[change.kind, change.action](self, change.name, change.payload)
        except FlotillaError as error:
            raise self._failure(error) from None

    def watch(self, wanted: t.Sequence[Json]) -> Json:
        """Wait for the verdict on everything that was touched, and tell how every wanted service fares."""
        try:
            verdicts = self._await(self._session.there() if self._wait else [])
        except FlotillaError as error:
            raise self._failure(error) from None
        if self._halted:
            return self._session.as_pending()
        self._unlock()
        return self._account(wanted, verdicts)

    def watch_gone(self) -> Json:
        """Wait until no task of the stack is left."""
        while not self._halted and self._wait and (left := self._left()):
            self._pause(f"{len(left)} tasks of stack {self._stack} are still there", {})
        if self._halted:
            return self._session.as_pending()
        self._unlock()
        return {"services": [], "summary": self._session.summary(self._stack, 0, self._clock())}

    # Waiting

    def _barrier(self, change: Change) -> list[str]:
        """What must run or have completed before a change: for a removal everything, so that nothing is lost if it doesn't."""
        if change.action == REMOVE and not change.payload.early:
            return self._session.there() if self._wait else []
        return list(change.payload.waits_for)

    def _await(self, names: t.Sequence[str], steady: bool = True, completes: t.Collection[str] = ()) -> dict[str, Verdict]:
        """Poll until these services run, or have ended where ``completes`` has them, and if ``steady`` have run for their monitor time.

        Raises FlotillaError with the cause when one fails or time is up.
        """
        fresh: dict[str, int] = {}
        while names and not self._halted:
            services, tasks = self._poll()
            verdicts = {name: self._verdict(services.get(name), name, tasks, fresh) for name in names}
            failed = [verdict for verdict in verdicts.values() if verdict.state == FAILED]
            if failed:
                unresolved = find_unresolved(services, self._observed.images)
                raise FlotillaError(describe_failures(self._engine, failed, self._observed.nodes, unresolved))
            slow = [
                v for v in verdicts.values()
                if (v.state != RUNNING and (steady or not v.converged)) or (v.name in completes and v.finished < v.desired)
            ]  # fmt: skip
            # Of what was not touched only that is told for which we wait.
            texts = {name: progress(v) for name, v in verdicts.items() if name in self._session.touched or v in slow}
            if not slow:
                self._session.seen.update(texts)
                return verdicts
            self._pause("; ".join(f"{v.name}: {v.text}{f', {v.cause}' if v.cause else ''}" for v in slow), texts)
        return {}

    def _verdict(self, service: Item | None, name: str, all_tasks: t.Mapping[str, list[Item]], fresh: dict[str, int]) -> Verdict:
        if service is None:
            raise FlotillaError(f"service {name} is gone: something else removed it while it was deployed")
        tasks = all_tasks.get(service["ID"], [])
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
        return settle(verdict, service, memory, self._clock())

    def _mine(self) -> tuple[Json, Json]:
        """The filters for the services of this run, and for their tasks."""
        query = {"label": [f"{NAMESPACE_LABEL}={self._stack}"]}
        return query, query

    def _poll(self, known: t.Sequence[Item] | None = None) -> tuple[dict[str, Item], dict[str, list[Item]]]:
        """The services of this run by name, and their tasks that run the present spec, by the ID of the service.

        ``known`` are services that need not be read again.
        """
        of_services, of_tasks = self._mine()
        patience = self._clock() + OUTAGE_SECONDS
        while True:
            try:
                services = known or self._engine.get("/services", f"watching {self._stack}", filters=of_services)
                tasks = self._engine.get("/tasks", f"watching {self._stack}", filters={**of_tasks, "_up-to-date": ["true"]})
                return by_name(services), tasks_by_service(tasks)
            except EngineError as error:
                if not is_outage(error) or self._clock() > min(patience, self._deadline):
                    raise
                self._sleep(POLL_SECONDS)

    def _left(self) -> list[Item]:
        """The tasks of the stack that are still to go."""
        query = {"label": [f"{NAMESPACE_LABEL}={self._stack}"]}
        tasks = self._engine.get("/tasks", f"watching stack {self._stack}", filters=query)
        return [task for task in tasks if not (self._keeps_jobs and is_kept(task))]

    def _pause(self, still: str, texts: t.Mapping[str, str]) -> None:
        now = self._clock()
        if now > self._deadline:
            raise FlotillaError(f"timed out after {now - self._session.began:.0f} s: {still}")
        if self._slice_end is not None and not any(item.act in (REPLACED, REMOVED) for item in self._session.touched.values()):
            news = any(self._session.seen.get(name) != text for name, text in texts.items())
            self._halted = now > self._slice_end or (news and bool(self._session.touched))
        self._session.seen.update(texts)
        self._lock()
        if not self._halted:
            self._sleep(POLL_SECONDS)

    # Changes

    def _create_network(self, name: str, work: Work) -> None:
        self._session.made.append(["network", name, self._writer.create("network", work.body)])

    def _replace_network(self, name: str, work: Work) -> None:
        self._remove_network(name, work)
        if not self._halted:
            self._create_network(name, work)

    def _remove_network(self, name: str, work: Work) -> None:
        """Tasks that are still stopping hold their network; tasks that are kept hold a node's part of it, which nobody else needs."""
        until = self._session.began + KEPT_SECONDS
        while not self._halted:
            try:
                gone = self._writer.remove_network(name, t.cast(Item, work.observed)["Id"])
            except EngineError as error:
                if not any(text in error.problem for text in _IN_USE):
                    raise
                gone = False
            left = [] if gone else self._left()
            if gone or (self._keeps_jobs and not left and self._clock() > until):
                self._session.removed.append(["network", name])
                return
            self._pause(f"network {name} is still in use, {len(left)} tasks of the stack are left", {})

    def _create_data(self, kind: str, name: str, work: Work) -> None:
        self._session.made.append([kind, name, self._writer.create_data(kind, work.body)])

    def _update_data(self, kind: str, name: str, work: Work) -> None:
        self._writer.update_data(kind, t.cast(Item, work.observed), work.body)

    def _create_service(self, name: str, work: Work) -> None:
        self._session.touched[name] = Touched(self._writer.create_service(work.body), CREATED)

    def _update_service(self, name: str, work: Work) -> None:
        service = t.cast(Item, work.observed)
        self._before[name] = service
        self._writer.update_service(service, work.body)
        was = self._writer.fingerprint(service["Spec"])
        self._session.touched[name] = Touched(service["ID"], UPDATED, service["Version"]["Index"], was)

    def _replace_service(self, name: str, work: Work) -> None:
        service = t.cast(Item, work.observed)
        self._before[name] = service
        self._writer.delete("service", name, service["ID"])
        self._session.touched[name] = touched = Touched("", REPLACED, 0, self._writer.fingerprint(service["Spec"]))
        touched.id = self._writer.create_service(work.body)

    def _remove(self, kind: str, name: str, work: Work) -> None:
        item = t.cast(Item, work.observed)
        if work.early:
            self._before[name], self._session.touched[name] = item, Touched("", REMOVED)
        self._writer.delete(kind, name, item["ID"])
        self._session.removed.append([kind, name])

    # Ends

    def _failure(self, error: FlotillaError) -> DeployError:
        """Go back if that was asked for, unlock, and say everything that is known."""
        undone = self._go_back() if self._undo else []
        self._unlock()
        names = set(self._session.touched)
        rest = len([item for item in self._observed.services if stack_of(item) == self._stack and item_name(item) not in names])
        untouched = [f"{rest} service{'s were' if rest > 1 else ' was'} never touched"] if rest else []
        end = [*undone, *untouched] if undone else []
        message = f"{error}\n{'; '.join(end)}." if end else str(error)
        changed = bool(names or self._session.made or self._session.removed)
        return DeployError(message, {"changed": changed, "undone": undone, "session": self._session.as_result()})

    def _go_back(self) -> list[str]:
        return undo(self._engine, self._writer, self._session, self._before, self._clock, self._sleep)

    def _lock(self) -> None:
        """Take the locks, or hold them for longer when half of their time is over."""
        session, now = self._session, self._clock()
        for stack in [name for name in self._stacks() if name not in session.locks]:
            session.locks[stack], session.locked = take_lock(self._engine, stack, session.holder, now), now
        if now > session.locked + LEASE_SECONDS / 2:
            for lock in session.locks.values():
                renew_lock(self._engine, lock, now)
            session.locked = now

    def _stacks(self) -> t.Sequence[str]:
        """What is locked meanwhile."""
        return [self._stack]

    def _unlock(self) -> None:
        while self._session.locks:
            release_lock(self._engine, self._session.locks.popitem()[1])

    def _account(self, wanted: t.Sequence[Json], verdicts: t.Mapping[str, Verdict]) -> Json:
        services, tasks = self._poll(None if self._session.touched else self._observed.services)
        rows = [account(services[item_name(spec)], tasks, verdicts, self._observed.nodes) for spec in sorted(wanted, key=item_name)]
        troubled = [row for row in rows if row["state"] == FAILED and row["name"] not in self._session.touched]
        return {
            "services": rows,
            "summary": self._session.summary(self._stack, len(rows), self._clock()),
            "session": self._session.as_result(),
            "progress": dict(self._session.seen) if self._session.touched else {},
            "warnings": [f"service {row['name']} was not changed, but does not run as it should: {row['cause']}" for row in troubled],
        }


_Act = t.Callable[[Deployment, str, Work], None]


def _for_kind(act: t.Callable[[Deployment, str, str, Work], None], kind: str) -> _Act:
    return lambda deployment, name, work: act(deployment, kind, name, work)


_ACTS: dict[tuple[str, str], _Act] = {
    ("network", "create"): Deployment._create_network,
    ("network", "replace"): Deployment._replace_network,
    ("network", "remove"): Deployment._remove_network,
    ("service", "create"): Deployment._create_service,
    ("service", "update"): Deployment._update_service,
    ("service", "replace"): Deployment._replace_service,
    ("service", "remove"): _for_kind(Deployment._remove, "service"),
    **{(kind, "create"): _for_kind(Deployment._create_data, kind) for kind in ("secret", "config")},
    **{(kind, "update"): _for_kind(Deployment._update_data, kind) for kind in ("secret", "config")},
    **{(kind, "remove"): _for_kind(Deployment._remove, kind) for kind in ("secret", "config")},
}
