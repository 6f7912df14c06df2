# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deploy of a stack at a time: a config with a fixed name, which only one can create. Talks to the engine."""

from __future__ import annotations

import base64
import math
import time
import typing as t

from ..._core.stack.session import Session
from ..._core.timestamps import read_time
from ...errors import FlotillaError
from ..engine import Conflict, EngineError, NotFound
from .writer import is_outage

LEASE_SECONDS = 120.0
"""A lock ends by itself so long after it was last renewed; a run that died holds it no longer."""
_LABEL = "io.flotilla.swarm.lock"


class LockedError(FlotillaError):
    """Another run holds the lock."""

    def __init__(self, holder: str, problem: str, cure: str) -> None:
        super().__init__(problem, cure)
        self.holder = holder


class LostLockError(FlotillaError):
    """The lock is not there any more, so that another run may be changing the same services."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the lock of {name} is gone: something else removed it, or took it over", "Run again when no other run is at work."
        )


class Locks:
    """The locks of one run, by the names that it locks."""

    def __init__(self, engine: t.Any, names: t.Sequence[str], session: Session, clock: t.Callable[[], float]) -> None:
        self._engine, self._names, self._session, self._clock = engine, names, session, clock

    def hold(self) -> None:
        """Take the locks, or look that they are still there. Raises LockedError where another run has one, LostLockError for one lost."""
        self.check()
        session, now = self._session, self._clock()
        for name in [name for name in self._names if name not in session.locks]:
            session.locks[name], session.locked = take_lock(self._engine, name, session.holder, now), now
        self.renew()

    def check(self) -> None:
        """Raises LostLockError for a lock that was taken and is not there any more."""
        self._each(lambda lock: self._engine.get(f"/configs/{lock}", "reading the lock of the stack"))

    def renew(self) -> None:
        """Hold what was taken for longer, when half of its time is over. Raises LostLockError."""
        now = self._clock()
        if now > self._session.locked + LEASE_SECONDS / 2 and self._each(lambda lock: renew_lock(self._engine, lock, now)):
            self._session.locked = now

    def _each(self, act: t.Callable[[str], t.Any]) -> bool:
        """Whether the engine did it; one that is away is asked again the next time."""
        for name, lock in self._session.locks.items():
            try:
                act(lock)
            except NotFound:
                raise LostLockError(name) from None
            except EngineError as error:
                if not is_outage(error):
                    raise
                return False
        return True

    def find_other(self) -> str:
        """Who else holds one of the locks, and since when; empty for nobody."""
        now = self._clock()
        for name in [name for name in self._names if name not in self._session.locks]:
            try:
                lock = self._engine.get(f"/configs/{lock_name(name)}", f"reading the lock of stack {name}")
            except EngineError:  # nobody holds it, or the engine is away for a while
                continue
            if _labels(lock).get(_LABEL) == name and _end(lock, now) > now:
                return _tell_holder(name, lock)
        return ""

    def release(self) -> None:
        while self._session.locks:
            release_lock(self._engine, self._session.locks.popitem()[1])


def lock_name(stack: str) -> str:
    return f"lock.{stack}"[:64].rstrip("-_.")


def take_lock(engine: t.Any, stack: str, holder: str, now: float) -> str:
    """The ID of the lock. Raises FlotillaError naming the holder where another run has it; a lock past its time is taken over."""
    name = lock_name(stack)
    labels = {_LABEL: stack, f"{_LABEL}.holder": holder, f"{_LABEL}.since": f"{now:.0f}", f"{_LABEL}.until": _until(now)}
    body = {"Name": name, "Labels": labels, "Data": base64.b64encode(b"lock").decode()}
    for _attempt in range(3):
        try:
            return str(engine.post("/configs/create", body, f"locking stack {stack}")["ID"])
        except Conflict:
            _drop_stale(engine, stack, name, now)
    raise FlotillaError(f"stack {stack} could not be locked: config {name} comes and goes", "Run again.")


def renew_lock(engine: t.Any, lock_id: str, now: float) -> None:
    """Hold the lock for longer. Raises EngineError when it is not there any more."""
    lock = engine.get(f"/configs/{lock_id}", "reading the lock of the stack")
    spec = {**lock["Spec"], "Labels": {**_labels(lock), f"{_LABEL}.until": _until(now)}}
    engine.post(f"/configs/{lock_id}/update", spec, "renewing the lock of the stack", version=lock["Version"]["Index"])


def _until(now: float) -> str:
    return f"{now + LEASE_SECONDS:.0f}"


def release_lock(engine: t.Any, lock_id: str) -> None:
    try:
        engine.delete(f"/configs/{lock_id}", "unlocking the stack")
    except EngineError:
        # The lock ends by itself; what the run did must not be hidden by this.
        return


def read_locks(engine: t.Any, now: float) -> dict[str, tuple[str, float]]:
    """What is locked, or was until its lock's time ended: the ID of the lock and that time in seconds, by name."""
    locks = engine.get("/configs", "reading locks", filters={"label": [_LABEL]})
    return {lock["Spec"]["Labels"][_LABEL]: (lock["ID"], _end(lock, now)) for lock in locks}


def _end(lock: dict[str, t.Any], now: float) -> float:
    """When a lock ends. A time that nobody can read, or further away than a lease, is none of ours: then it is a lease after it was
    last written, by the engine's account."""
    said = _read_number(_labels(lock).get(f"{_LABEL}.until") or 0)
    if said <= now + LEASE_SECONDS:
        return said
    try:
        return read_time(lock.get("UpdatedAt") or lock.get("CreatedAt") or "") + LEASE_SECONDS
    except (ValueError, OverflowError):
        return 0.0


def _read_number(text: t.Any) -> float:
    """Infinite where it is no number."""
    try:
        number = float(text)
    except ValueError:
        return float("inf")
    return float("inf") if math.isnan(number) else number


def _drop_stale(engine: t.Any, stack: str, name: str, now: float) -> None:
    try:
        lock = engine.get(f"/configs/{name}", f"reading the lock of stack {stack}")
        if _labels(lock).get(_LABEL) != stack:
            raise FlotillaError(f"config {name} is not a lock of ours, but has the name of one", "Remove or rename it.")
        until = _end(lock, now)
        if until > now:
            raise LockedError(
                _labels(lock).get(f"{_LABEL}.holder", ""),
                _tell_holder(stack, lock),
                f"Wait for it; if it died, its lock ends at {_clock_time(until)}, or remove the config {name}.",
            )
        engine.delete(f"/configs/{lock['ID']}", f"taking over the lock of stack {stack}")
    except NotFound:
        return


def _labels(lock: dict[str, t.Any]) -> dict[str, str]:
    return lock["Spec"].get("Labels") or {}


def _tell_holder(stack: str, lock: dict[str, t.Any]) -> str:
    labels = _labels(lock)
    holder, since = labels.get(f"{_LABEL}.holder") or "another run", _clock_time(labels.get(f"{_LABEL}.since"))
    return f"stack {stack} is being deployed by {holder} since {since}"


def _clock_time(seconds: t.Any) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(_read_number(seconds or 0)))
    except (ValueError, OverflowError, OSError):
        return "an unknown time"
