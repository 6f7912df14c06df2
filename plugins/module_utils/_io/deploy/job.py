# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that runs once: a deployment of one service, whose end is its result. Talks to the engine."""

from __future__ import annotations

import typing as t

from ..._core.schedule.placement import Nodes
from ..._core.schedule.task_states import error_of, exit_code
from ..._core.service.naming import Item, item_name
from ..._core.service.outputs import last_words, split_streams
from ..._core.service.spec import Json
from ..._core.stack.job import JOB_LABEL
from ..._core.stack.session import DeployError, Session
from ..._core.timestamps import seconds_between
from ...errors import FlotillaError
from ...plan import Change
from ..engine import EngineError
from .deployment import Deployment
from .lock import read_locks, read_swarm_time

LOG_LINES = 2000


def find_leftovers(engine: t.Any, guess: float | None) -> list[tuple[Item, str]]:
    """Jobs whose run was killed, each with the ID of its lock (empty without one): no one holds that any more.

    The clock of the swarm says whether a lock has ended. It is not to be had in check mode, where ``guess`` stands for it.
    """
    doing = "looking for jobs of runs that were killed"
    services = engine.get("/services", doing, filters={"label": [JOB_LABEL]})
    locks = read_locks(engine) if services else {}
    doubtful = any(item_name(service) in locks for service in services)
    now = (read_swarm_time(engine) if guess is None else guess) if doubtful else 0.0
    found = [(service, *locks.get(item_name(service), ("", 0.0))) for service in services]
    return [(service, lock) for service, lock, until in found if until <= now]


class JobRun:
    """One job, from its creation to its removal. Exit codes in ``accepted`` are no failure."""

    def __init__(self, engine: t.Any, session: Session, deployment: Deployment, nodes: Nodes, accepted: t.Collection[int]) -> None:
        self._engine, self._session, self._deployment, self._nodes, self._accepted = engine, session, deployment, nodes, accepted

    def apply(self, change: Change) -> None:
        try:
            self._deployment.apply(change)
        except DeployError as failure:
            failure.result.update(_NO_END)
            raise

    def watch(self) -> Json:
        """Wait for the end, remove the job, and return what became of it. Raises DeployError for a code that is not accepted."""
        if self._session.stop:
            undone = self._deployment.undo()
            failure = self._deployment.stop()
            raise DeployError(f"the job was interrupted by {self._session.stop}. {'; '.join(undone)}", {**failure.result, **_NO_END})
        try:
            self._deployment.prove()
            if self._deployment.halted:
                return self._session.as_pending()
            end, problem = self._read_end()
        except FlotillaError as error:
            end, _problem = self._try_to_read_end()
            failure = self._deployment.fail(error)
            failure.result.update(end)
            raise failure from None
        left = [text for text in self._deployment.undo() if "could not" in text]
        self._deployment.release()
        words = f"the job exited {end['rc']} on {end['node']} after {end['duration']:g} s"
        if end["rc"] not in self._accepted:
            tail = last_words(end["stdout"], end["stderr"]) or last_words(problem, "")
            raise DeployError(f"{words}.{tail}", {**end, "changed": True, "session": self._session.as_result()})
        return {**end, "summary": words, "warnings": left}

    def _read_end(self) -> tuple[Json, str]:
        """What is known of the job's only task, whether or not it has ended, and what its node says of it."""
        told, problem = dict(_NO_END), ""
        for touched in self._session.touched.values():
            for task in self._engine.get("/tasks", "reading how the job ended", filters={"service": [touched.id]}):
                told["rc"], told["node"] = exit_code(task), self._nodes.names.get(task.get("NodeID", ""), "")
                told["duration"] = seconds_between(task.get("CreatedAt", ""), task["Status"].get("Timestamp", ""))
                told["stdout"], told["stderr"] = read_output(self._engine, task["ID"], LOG_LINES)
                problem = error_of(task)
        return told, problem

    def _try_to_read_end(self) -> tuple[Json, str]:
        try:
            return self._read_end()
        except FlotillaError:
            return dict(_NO_END), ""


_NO_END: Json = {"rc": None, "node": "", "duration": 0.0, "stdout": "", "stderr": ""}


def read_output(engine: t.Any, task_id: str, lines: int) -> tuple[str, str]:
    """The last ``lines`` of what a task wrote to standard output and to standard error. Never raises."""
    try:
        raw = engine.get_raw(f"/tasks/{task_id}/logs", stdout=True, stderr=True, tail=lines)
    except EngineError:
        return "", ""
    return split_streams(raw)
