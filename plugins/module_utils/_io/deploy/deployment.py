# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doing half of a run: its changes, what they wait for, and the verdict. Talks to the engine."""

from __future__ import annotations

import time
import typing as t

from ..._core.schedule.verdict import FAILED, Verdict, account
from ..._core.service.naming import Item, item_name, stack_of
from ..._core.service.spec import Json
from ..._core.service.work import CREATE, REMOVE
from ..._core.stack.policy import Policy, Terms, Wait
from ..._core.stack.session import DeployError, Session
from ..._core.stack.swarm_objects import SwarmObjects
from ...errors import FlotillaError
from ...plan import Change
from ..engine import Unusable
from ..polling import Clock
from .changes import Changes
from .lock import LEASE_SECONDS, LockedError, Locks, LostLockError, tell_locked
from .registry import Auth
from .watcher import Watcher
from .writer import Patience, Writer


class Deployment:
    """One run, or the part of it that fits into one call of the module. ``policy`` says of what kind it is.

    ``apply`` and ``watch`` are those of the runner. A call ends early, with ``pending`` in its result, when its time is over; the next
    call brings the session and goes on.
    """

    def __init__(
        self,
        engine: t.Any,
        policy: Policy,
        session: Session,
        terms: Terms,
        observed: SwarmObjects,
        auth: Auth = lambda image: None,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or time
        self._is_first_call = not session.began
        session.began = session.began or clock.time()
        self._policy, self._session, self._observed, self._clock = policy, session, observed, clock
        self._proves, self._undoes = terms.wait, terms.undo_failure and not policy.rolls_back
        self._unplanned: list[Change] = []
        """What something else made necessary since the first call planned."""
        self._locks = Locks(engine, policy.locks, session, clock, Patience.of(terms))
        self._watcher = Watcher(engine, policy, session, terms, observed, self._locks, clock)
        writer = Writer(engine, auth, clock, Patience.of(terms))
        for kind, items in (("secret", observed.secrets), ("config", observed.configs)):
            writer.ids.update({(kind, item_name(item)): item["ID"] for item in items})
        self._changes = Changes(engine, policy, session, writer, self._watcher, clock)

    @property
    def halted(self) -> bool:
        """Whether the time of this call is over."""
        return self._watcher.halted

    def apply(self, change: Change) -> None:
        """Do one change, after those that it waits for; nothing once the time of this call is over, or the run is to stop."""
        if self._session.stop:
            return
        if change.kind == "service" and self._is_first_call:
            self._session.planned.append(change.name)
        if self.halted or (change.kind == "service" and change.name in self._session.touched):
            return
        if change.kind == "service" and change.name not in self._session.planned:
            self._unplanned.append(change)
            return
        try:
            self._take_locks()
            self._watcher.wait(self._policy.waits_for(change, self._session.there(), self._proves))
            # What was changed has been proven by now, and its former version may need what is removed from here on; no leftover of a job.
            self._undoes = self._undoes and (change.action != REMOVE or change.payload.early or change.kind == "job")
            if not self.halted:
                self._locks.check()
                self._changes.do(change)
        except FlotillaError as error:
            raise self.fail(error) from None

    def watch(self, wanted: t.Sequence[Json]) -> Json:
        """Wait for the verdict on every wanted service, whether or not this run touched it, and tell how each fares.

        A failure of what was not touched undoes nothing: what was changed has been proven, and may be what mends the rest.
        """
        if self._session.stop:
            raise self.stop()
        names = sorted({item_name(spec) for spec in wanted})
        try:
            verdicts = self.prove()
        except FlotillaError as error:
            raise self.fail(error) from None
        try:
            verdicts.update(self._judge_rest([name for name in names if name not in verdicts]))
            self._check_before_verdict()
        except FlotillaError as error:
            raise self.fail(error, may_undo=False) from None
        if self.halted:
            return self._session.as_pending()
        self.release()
        return self._account(names, verdicts)

    def watch_gone(self) -> Json:
        """Wait until no task of the stack is left."""
        if self._session.stop:
            raise self.stop()
        try:
            while not self.halted and self._proves and (left := self._changes.left_tasks()):
                self._watcher.pause(f"{len(left)} tasks of stack {self._policy.title} are still there", {})
            self._check_before_verdict()
        except FlotillaError as error:
            raise self.fail(error) from None
        if self.halted:
            return self._session.as_pending()
        self.release()
        return {"services": [], "summary": self._session.summary(self._policy.title, 0, self._clock.time())}

    def prove(self) -> dict[str, Verdict]:
        """Wait for the verdict on everything that was touched. Raises FlotillaError with the cause when it is bad."""
        verdicts = self._watcher.wait(Wait(self._session.there() if self._proves else ()))
        self._check_before_verdict()
        return verdicts

    def undo(self) -> list[str]:
        """Go back to what was before the run."""
        return self._changes.undo()

    def stop(self) -> DeployError:
        """End where the run stands: unlock, and say what is half done."""
        self._locks.release_all()
        result = {"changed": bool(self._session.changes()), "undone": [], "session": self._session.as_result()}
        return DeployError(self._session.interruption(), result, None if self._session.unheard else self._session.changes())

    def release(self) -> None:
        self._locks.release()

    def fail(self, error: FlotillaError, may_undo: bool = True) -> DeployError:
        """Go back if that was asked for, unlock, and say everything that is known.

        Where this engine can't act any more, nothing of that is possible: another manager may go on with the session.
        """
        if isinstance(error, Unusable):
            return self._strand(error)
        loss = error if isinstance(error, LostLockError) else self._find_loss()
        may_undo = may_undo and self._undoes and not loss
        undone = self.undo() if may_undo else []
        self.release()
        names, mine = set(self._session.touched), self._policy.title
        rest = len([item for item in self._observed.services if stack_of(item) == mine and item_name(item) not in names])
        untouched = [f"{rest} service{'s were' if rest > 1 else ' was'} never touched"] if rest else []
        end = [*undone, *untouched] if undone else []
        message = f"{error}\n{'; '.join(end)}." if end else str(error)
        message = message if loss in (None, error) else f"{message}\n{loss}"
        if not end and "\n" in message:  # what is added does not belong to the last line of a log
            message += "\n"
        result = {**error.result, "changed": bool(self._session.changes()), "undone": undone, "session": self._session.as_result()}
        return DeployError(message, result, None if undone else self._session.changes(undone=may_undo))

    def _strand(self, error: Unusable) -> DeployError:
        locked = " and ".join(sorted(map(tell_locked, self._session.locks)))
        end = f" The lock of {locked} ends by itself within {LEASE_SECONDS:.0f} s." if locked else ""
        result = {"changed": bool(self._session.changes()), "stranded": True, "session": self._session.as_result()}
        return DeployError(f"{error}{end}", result, self._session.changes())

    def _take_locks(self) -> None:
        """An earlier run of the same holder is waited for, until it is found dead or its lock ends; any other is not."""
        waited = False
        while not self.halted:
            try:
                self._locks.hold()
            except LockedError as other:
                if not other.holder or other.holder != self._session.holder:
                    raise
                waited = True
                if other.run != self._session.rival:  # whether that one lives is for the controller to see
                    self._session.rival = other.run
                    self._watcher.leave()
                self._watcher.pause(other.problem, {self._policy.title: f"waits: {other.problem}"})
                continue
            if waited:  # the other run may have changed what was read before
                self._watcher.leave()
            return

    def _check_before_verdict(self) -> None:
        if not self.halted:
            self._locks.check()

    def _find_loss(self) -> LostLockError | None:
        """What another run does by now is not for this one to undo."""
        try:
            self._locks.check()
        except LostLockError as loss:
            return loss
        except FlotillaError:
            return None
        return None

    def _judge_rest(self, names: t.Sequence[str]) -> dict[str, Verdict]:
        """How those fare that this run did not touch, out of what was read before the plan as far as that is still true."""
        known = None if self._session.touched else self._observed.services
        if not self._proves:
            return self._watcher.look(names, known) if names else {}
        for change in self._unplanned:
            if change.action == CREATE:
                raise FlotillaError(f"service {change.name} is gone: something else removed it meanwhile", "Run again.")
            if change.action != REMOVE:
                raise self._watcher.explain(t.cast(Item, change.payload.observed), change.fields)
        verdicts = self._watcher.wait(Wait(names), known)
        self._changes.refuse_overwritten(self._watcher.services)
        return verdicts

    def _account(self, names: t.Sequence[str], verdicts: t.Mapping[str, Verdict]) -> Json:
        rows = [account(self._watcher.services[name], verdicts[name]) for name in names]
        troubled = [row for row in rows if row["state"] == FAILED and row["name"] not in self._session.touched]
        return {
            "services": rows,
            "summary": self._session.summary(self._policy.title, len(rows), self._clock.time()),
            "session": self._session.as_result(),
            "progress": dict(self._session.seen),
            "warnings": [f"service {row['name']} was not changed, but does not run as it should: {row['cause']}" for row in troubled],
        }
