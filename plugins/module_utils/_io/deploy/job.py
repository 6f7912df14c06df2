# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doing half of a job that runs once: a deploy of one service, whose end is its result. Talks to the engine."""

from __future__ import annotations

import typing as t

from ..._core.schedule.task_states import error_of
from ..._core.schedule.verdict import FAILED, RUNNING, Verdict
from ..._core.service.canonical import Json
from ..._core.service.items import Item, item_name
from ..._core.service.logs import last_words
from ..._core.service.work import REMOVE, Work
from ..._core.stack.job import JOB_LABEL
from ..._core.stack.session import DeployError, Session
from ..._core.timestamps import seconds_between
from ...errors import FlotillaError
from ...plan import Change
from .deployment import Deployment
from .lock import read_locks, release_lock
from .logs import read_output
from .writer import Auth

LOG_LINES = 2000
_RAN = ("complete", "failed")


def find_leftovers(engine: t.Any, now: float) -> list[tuple[Item, str]]:
    """Jobs whose run was killed, each with the ID of its lock (empty without one): no one holds that any more."""
    doing = "looking for jobs of runs that were killed"
    services = engine.get("/services", doing, filters={"label": [JOB_LABEL]})
    locks = read_locks(engine, now) if services else {}
    found = [(service, *locks.get(item_name(service), ("", 0.0))) for service in services]
    return [(service, lock) for service, lock, until in found if until <= now]


class JobRun(Deployment):
    """One job, from its creation to its removal. Its lock, renewed while it runs, tells another run that this one lives."""

    def __init__(
        self,
        engine: t.Any,
        name: str,
        session: Session,
        timeout_seconds: float,
        slice_seconds: float,
        accepted: t.Collection[int],
        auth: Auth,
    ) -> None:
        super().__init__(engine, name, session, timeout_seconds, slice_seconds, auth=auth)
        self._accepted = accepted

    def apply(self, change: Change) -> None:
        work: Work = change.payload
        try:
            if change.action == REMOVE:
                lock, service = work.body.get("lock"), t.cast(Item, work.observed)
                self._writer.delete("service", change.name, service["ID"])
                if lock:
                    release_lock(self._engine, lock)
            else:
                self._lock()
                self._create_service(self._stack, work)
        except FlotillaError as error:
            raise self._failure(error) from None

    def watch(self, _wanted: t.Sequence[Json]) -> Json:
        """Wait for the end, remove the job, and return what became of it. Raises DeployError for a code that is not accepted."""
        try:
            self._await([self._stack])
            if self._halted:
                return self._session.as_pending()
            end = self._read_end()
        except FlotillaError as error:
            raise self._failure(error) from None
        left = [text for text in self._go_back() if "could not" in text]
        self._unlock()
        words = f"the job exited {end['rc']} on {end['node']} after {end['duration']:g} s"
        problem = end.pop("error")
        if end["rc"] not in self._accepted:
            tail = last_words(end["stdout"], end["stderr"]) or last_words(problem, "")
            raise DeployError(f"{words}.{tail}", {**end, "changed": True, "session": self._session.as_result()})
        return {**end, "summary": words, "warnings": left}

    def _mine(self) -> tuple[Json, Json]:
        found = self._session.touched[self._stack].id
        return {"id": [found]}, {"service": [found]}

    def _verdict(self, service: Item | None, name: str, all_tasks: t.Mapping[str, list[Item]], fresh: dict[str, int]) -> Verdict:
        """A command that ran to its end ran, whatever its code; one that could not be started failed."""
        verdict = super()._verdict(service, name, all_tasks, fresh)
        tasks = all_tasks.get((service or {}).get("ID", ""), [])
        if verdict.state == FAILED and any(_exit_code(task) is not None for task in tasks):
            return Verdict(name, RUNNING, 1, 1, "1/1 ended")
        return verdict

    def _read_end(self) -> Json:
        """What is known of the job's only task, whether or not it has ended."""
        touched = self._session.touched.get(self._stack)
        tasks = self._engine.get("/tasks", "reading how the job ended", filters={"service": [touched.id]}) if touched else []
        told: Json = {"rc": None, "node": "", "duration": 0.0, "stdout": "", "stderr": "", "error": ""}
        for task in tasks:
            told["rc"], told["node"] = _exit_code(task), self._observed.nodes.names.get(task.get("NodeID", ""), "")
            told["duration"] = seconds_between(task.get("CreatedAt", ""), task["Status"].get("Timestamp", ""))
            told["error"] = error_of(task)
            told["stdout"], told["stderr"] = read_output(self._engine, task["ID"], LOG_LINES)
        return told

    def _failure(self, error: FlotillaError) -> DeployError:
        try:
            told = self._read_end()
        except FlotillaError:
            told = {}
        told.pop("error", None)
        failure = super()._failure(error)
        failure.result.update(told)
        return failure


def _exit_code(task: Item) -> int | None:
    """Of a container that was started; None while it runs, and for one that never did."""
    container = task["Status"].get("ContainerStatus") or {}
    if task["Status"]["State"] not in _RAN or not container.get("ContainerID"):
        return None
    return int(container.get("ExitCode") or 0)
