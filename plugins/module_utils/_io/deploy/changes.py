# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of a run, each by its kind and action, noted in the session, and the way back from them. Talks to the engine."""

from __future__ import annotations

import typing as t

from ..._core.schedule.task_states import is_kept
from ..._core.service.diff import Names, diff_service
from ..._core.service.naming import Item, labelled
from ..._core.service.spec import Json
from ..._core.service.work import Work
from ..._core.stack.old_jobs import FIXED_IN_API
from ..._core.stack.policy import Policy
from ..._core.stack.session import CREATED, REMOVED, REPLACED, UPDATED, Session, Touched
from ...plan import Change
from ..engine import EngineError
from ..polling import Clock
from .lock import release_lock
from .undo import undo
from .watcher import Watcher, changed_meanwhile
from .writer import Writer

KEPT_SECONDS = 15.0
"""So long a run takes at least before a network counts as gone of which a node keeps a part that no task needs any more."""
_IN_USE = ("in use", "active endpoints", "has active")


class Changes:
    """Does the changes of one run, and takes them back."""

    def __init__(self, engine: t.Any, policy: Policy, session: Session, writer: Writer, watcher: Watcher, clock: Clock) -> None:
        self._engine, self._policy, self._session = engine, policy, session
        self._writer, self._watcher, self._clock = writer, watcher, clock
        self._before: dict[str, Item] = {}
        self._keeps_jobs = engine.api_version < FIXED_IN_API

    def do(self, change: Change) -> None:
        _ACTS[change.kind, change.action](self, change.name, change.payload)

    def undo(self) -> list[str]:
        """Restore what the run changed, remove what it created, and tell it of each service."""
        by_engine = self._policy.undoes_by_rollback
        return undo(self._engine, self._writer, self._session, self._before, self._clock, by_engine)

    def refuse_overwritten(self, services: t.Mapping[str, Item]) -> None:
        """Raises FlotillaError for a service that something else changed after this run did: what runs is not what was sent.

        The engine keeps the spec before the last update, so that it tells whose the last one was.
        """
        for name, touched in self._session.touched.items():
            service = services.get(name)
            if touched.act == REMOVED or service is None:
                continue
            if service["ID"] != touched.id:
                raise changed_meanwhile(name, self._policy.title)
            previous = service.get("PreviousSpec")
            if previous and previous != service["Spec"] and not (touched.was and self._writer.fingerprint(previous) == touched.was):
                diff = diff_service({**service, "Spec": previous}, dict(service["Spec"]), Names())
                raise changed_meanwhile(name, self._policy.title, diff.fields)

    def left_tasks(self) -> list[Item]:
        """The tasks of the stack that are still to go."""
        stack = self._policy.title
        tasks = self._engine.get("/tasks", f"watching stack {stack}", filters=labelled(stack))
        return [task for task in tasks if not (self._keeps_jobs and is_kept(task))]

    def create_network(self, name: str, work: Work) -> None:
        self._session.made.append(["network", name, self._writer.create("network", work.body)])

    def replace_network(self, name: str, work: Work) -> None:
        self.remove_network(name, work)
        if not self._watcher.halted:
            self.create_network(name, work)

    def remove_network(self, name: str, work: Work) -> None:
        """Tasks that are still stopping hold their network; tasks that are kept hold a node's part of it, which nobody else needs."""
        until = self._session.began + KEPT_SECONDS
        while not self._watcher.halted:
            try:
                gone = self._writer.remove_network(name, t.cast(Item, work.observed)["Id"])
            except EngineError as error:
                if not any(text in error.problem for text in _IN_USE):
                    raise
                gone = False
            left = [] if gone else self.left_tasks()
            if gone or (self._keeps_jobs and not left and self._clock.time() > until):
                self._session.removed.append(["network", name])
                return
            self._watcher.pause(f"network {name} is still in use, {len(left)} tasks of the stack are left", {})

    def create_data(self, kind: str, name: str, work: Work) -> None:
        self._session.made.append([kind, name, self._writer.create_data(kind, work.body)])

    def update_data(self, kind: str, name: str, work: Work) -> None:
        self._writer.update_data(kind, t.cast(Item, work.observed), work.body)

    def create_service(self, _name: str, work: Work) -> None:
        self._session.touched[work.body["Name"]] = Touched(self._writer.create_service(work.body), CREATED)

    def update_service(self, name: str, work: Work) -> None:
        service = t.cast(Item, work.observed)
        self._before[name] = service
        # The engine goes back by itself in the policy of the service's rollback_config, with the credentials of that time.
        query: Json = {"rollback": "previous"} if self._policy.rolls_back else {}
        self._writer.update_service(service, work.body, **query)
        was = self._writer.fingerprint(service["Spec"])
        self._session.touched[name] = Touched(service["ID"], UPDATED, service["Version"]["Index"], was)

    def replace_service(self, name: str, work: Work) -> None:
        service = t.cast(Item, work.observed)
        self._before[name] = service
        self._writer.delete("service", name, service["ID"])
        self._session.touched[name] = touched = Touched("", REPLACED, 0, self._writer.fingerprint(service["Spec"]))
        touched.id = self._writer.create_service(work.body)

    def remove(self, kind: str, name: str, work: Work) -> None:
        item = t.cast(Item, work.observed)
        if work.early:
            self._before[name], self._session.touched[name] = item, Touched("", REMOVED)
        self._writer.delete(kind, name, item["ID"])
        self._session.removed.append([kind, name])

    def remove_leftover(self, name: str, work: Work) -> None:
        """A job whose run was killed, and its lock."""
        self._writer.delete("service", name, t.cast(Item, work.observed)["ID"])
        self._session.removed.append(["job", name])
        if work.body.get("lock"):
            release_lock(self._engine, work.body["lock"])


_Act = t.Callable[[Changes, str, Work], None]


def _for_kind(act: t.Callable[[Changes, str, str, Work], None], kind: str) -> _Act:
    return lambda changes, name, work: act(changes, kind, name, work)


_ACTS: dict[tuple[str, str], _Act] = {
    ("network", "create"): Changes.create_network,
    ("network", "replace"): Changes.replace_network,
    ("network", "remove"): Changes.remove_network,
    ("service", "create"): Changes.create_service,
    ("service", "update"): Changes.update_service,
    ("service", "replace"): Changes.replace_service,
    ("service", "remove"): _for_kind(Changes.remove, "service"),
    ("job", "create"): Changes.create_service,
    ("job", "remove"): Changes.remove_leftover,
    **{(kind, "create"): _for_kind(Changes.create_data, kind) for kind in ("secret", "config")},
    **{(kind, "update"): _for_kind(Changes.update_data, kind) for kind in ("secret", "config")},
    **{(kind, "remove"): _for_kind(Changes.remove, kind) for kind in ("secret", "config")},
}
