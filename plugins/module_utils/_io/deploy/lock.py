# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time: a lock is a config with a fixed name, which only one can create. Talks to the engine.

A lock is as old as the swarm says, which stamps all that it writes by one clock, that of its leader. No host is asked for the time.
"""

from __future__ import annotations

import base64
import typing as t
import uuid
from functools import partial

from ..._core.service.naming import LOCK_LABEL
from ..._core.service.spec import Json
from ..._core.stack.session import Session
from ..._core.timestamps import read_time
from ...errors import FlotillaError
from ..engine import Conflict, EngineError, NotFound, OutOfSequence
from ..polling import SEQUENCE_ATTEMPTS, Clock
from .writer import Patience, is_outage, through_outages

LEASE_SECONDS = 120.0
"""A lock ends by itself so long after it was last renewed; a run that died holds it no longer."""
TURN_SECONDS = 900.0
"""The same for a lock that a run keeps from one task to another, while an engine restarts and nobody renews it."""
NODES = "of.nodes"
"""What is locked while availability or role of nodes change. No stack can have a dot in its name."""
_CLOCK = "io.flotilla.swarm.clock"
_ATTEMPTS = 5
_DATA = base64.b64encode(b"lock").decode()


class LockedError(FlotillaError):
    """Another run holds the lock."""

    def __init__(self, name: str, lock: Json, seconds: float) -> None:
        self.holder, self.run = _holder(lock), _labels(lock).get(f"{LOCK_LABEL}.run", "")
        cure = f"Wait for it; if it died, its lock ends in {max(seconds, 1):.0f} s at most, or remove the config {lock_name(name)}."
        super().__init__(_tell_holder(name, lock), cure)
        self.result = {"rival": self.run}


class LostLockError(FlotillaError):
    """The lock of this run is gone, and another run may have taken it."""

    def __init__(self, name: str) -> None:
        problem = f"the lock of {name if name != NODES else 'the nodes'} is gone: something else removed it, or took it over"
        super().__init__(problem, "Run again when no other run is at work.")


class Locks:
    """The locks of one run, by the names that it locks."""

    def __init__(
        self,
        engine: t.Any,
        names: t.Sequence[str],
        session: Session,
        clock: Clock,
        patience: Patience | None = None,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self._patience, self._lease = patience or Patience(), lease
        self._engine, self._names, self._session, self._clock = engine, names, session, clock
        self._ends: dict[tuple[str, int], float] = {}
        """When a lock of others ends that is not renewed, so that it is not asked for again and again."""
        session.run = session.run or uuid.uuid4().hex

    def hold(self) -> None:
        """Take the locks that the run does not have. Raises LockedError where another run has one."""
        for name in [name for name in self._names if name not in self._session.locks]:
            self._session.locks[name], self._session.locked = self._take(name), self._clock.time()

    def check(self) -> None:
        """Look whether they are still held, and hold them for longer. Raises LostLockError where one is not."""
        for name, lock_id in self._session.locks.items():
            self._through_outages(partial(self._look, name, lock_id))
        self._note_renewal()

    def renew(self) -> None:
        """Hold what was taken for longer, when half of its time is over. An engine that is away is for the next look to find."""
        try:
            for name, lock_id in self._session.locks.items() if self._is_due() else ():
                self._look(name, lock_id)
        except EngineError as error:
            if not is_outage(error):
                raise
        else:
            self._note_renewal()

    def find_other(self, times: t.Iterable[str]) -> str:
        """Who else holds one of the locks, and since when; empty for nobody. ``times`` are those that the swarm stamped lately."""
        for name in [name for name in self._names if name not in self._session.locks]:
            try:
                lock = self._engine.get(f"/configs/{lock_name(name)}", f"reading the lock of {tell_locked(name)}")
            except EngineError:  # nobody holds it, or the engine is away for a while
                continue
            if _labels(lock).get(LOCK_LABEL) == name and newest(times) <= _written(lock) + _lease(lock):
                return _tell_holder(name, lock)
        return ""

    def sleep(self, seconds: float, /) -> None:
        """Wait, and hold the locks meanwhile: so they stand in for a clock where another part of the run waits."""
        self._clock.sleep(seconds)
        self.renew()

    def time(self) -> float:
        return self._clock.time()

    def release(self) -> None:
        while self._session.locks:
            release_lock(self._engine, self._session.locks.popitem()[1])

    def release_all(self) -> None:
        """Also those that a call of the run took whose end nobody heard of."""
        self.release()
        filters = {"label": [f"{LOCK_LABEL}.run={self._session.run}"]}
        for lock in self._engine.get("/configs", "looking for the locks of this run", filters=filters):
            release_lock(self._engine, lock["ID"])

    def _take(self, name: str) -> str:
        labels = {LOCK_LABEL: name, f"{LOCK_LABEL}.holder": self._session.holder, f"{LOCK_LABEL}.run": self._session.run}
        labels.update({f"{LOCK_LABEL}.lease": f"{self._lease:.0f}"} if self._lease != LEASE_SECONDS else {})
        body = {"Name": lock_name(name), "Labels": labels, "Data": _DATA}
        for _attempt in range(_ATTEMPTS):
            found = self._through_outages(lambda: self._create(name, body))
            if found:
                return str(found)
        raise FlotillaError(f"{tell_locked(name)} could not be locked: config {lock_name(name)} comes and goes", "Run again.")

    def _create(self, name: str, body: Json) -> str:
        """The ID of the lock, empty if one was there that did not count any more."""
        try:
            return str(self._engine.post("/configs/create", body, f"locking {tell_locked(name)}")["ID"])
        except Conflict:
            return self._drop_stale(name)

    def _drop_stale(self, name: str) -> str:
        doing = f"reading the lock of {tell_locked(name)}"
        try:
            lock = self._engine.get(f"/configs/{lock_name(name)}", doing)
        except NotFound:
            return ""
        labels = _labels(lock)
        if labels.get(LOCK_LABEL) != name:
            raise FlotillaError(
                f"config {lock_name(name)} has the name of a lock, but is not a lock of this collection", "Remove or rename it."
            )
        run = labels.get(f"{LOCK_LABEL}.run", "")
        if run == self._session.run:  # only the answer to its creation was lost, or it was kept
            _rewrite(self._engine, lock)
            return str(lock["ID"])
        left = 0.0 if run and run in self._session.dead else self._find_rest(lock)
        if left > 0:
            raise LockedError(name, lock, left)
        _delete(self._engine, lock["ID"], f"taking over the lock of {tell_locked(name)}")
        return ""

    def _find_rest(self, lock: Json) -> float:
        """For how many seconds a lock of others still counts."""
        now, key = self._clock.time(), (str(lock["ID"]), int(lock["Version"]["Index"]))
        left, lease = self._ends.get(key, now) - now, _lease(lock)
        if not 0 < left <= lease:
            left = lease - (read_swarm_time(self._engine) - _written(lock))
            if left > lease:  # written under a leader whose clock was ahead: from now on it ages by this one's
                left = lease
                _rewrite(self._engine, lock)
            self._ends[key] = now + left
        return left

    def _look(self, name: str, lock_id: str) -> None:
        for _attempt in range(SEQUENCE_ATTEMPTS):
            try:
                lock = self._engine.get(f"/configs/{lock_id}", f"reading the lock of {tell_locked(name)}")
                if self._is_due():
                    _rewrite(self._engine, lock)
                return
            except NotFound:
                raise LostLockError(name) from None
            except OutOfSequence:
                continue

    def _is_due(self) -> bool:
        # The clock may have been set, forth or back.
        return not 0 <= self._clock.time() - self._session.locked <= LEASE_SECONDS / 2

    def _note_renewal(self) -> None:
        if self._is_due():
            self._session.locked = self._clock.time()

    def _through_outages(self, act: t.Callable[[], t.Any]) -> t.Any:
        return through_outages(act, self._clock, self._patience)


def tell_locked(name: str) -> str:
    return "the nodes" if name == NODES else f"stack {name}"


def lock_name(stack: str) -> str:
    return f"lock.{stack}"[:64].rstrip("-_.")


def release_lock(engine: t.Any, lock_id: str) -> None:
    for _attempt in range(_ATTEMPTS):
        try:
            engine.delete(f"/configs/{lock_id}", "unlocking")
            return
        except EngineError as error:
            # The lock ends by itself; what the run did must not be hidden by this.
            if not is_outage(error):
                return


def read_locks(engine: t.Any) -> dict[str, tuple[str, float]]:
    """What is locked, or was until its lock's time ended: the ID of the lock and when it ends by the swarm's clock, by name."""
    locks = engine.get("/configs", "reading locks", filters={"label": [LOCK_LABEL]})
    return {lock["Spec"]["Labels"][LOCK_LABEL]: (lock["ID"], _written(lock) + _lease(lock)) for lock in locks}


def read_swarm_time(engine: t.Any) -> float:
    """What the clock of the swarm says, in seconds: it tells its time only by what it writes."""
    doing = "reading the clock of the swarm"
    body = {"Name": f"{_CLOCK}.{uuid.uuid4().hex}", "Labels": {_CLOCK: ""}, "Data": _DATA}
    made = engine.post("/configs/create", body, doing)["ID"]
    times = {config["ID"]: _written(config) for config in engine.get("/configs", doing, filters={"label": [_CLOCK]})}
    now = times.get(made, 0.0)
    for config, written in times.items():
        if config == made or written + LEASE_SECONDS < now:  # of a run that was killed while it did the same
            release_lock(engine, config)
    return now


def newest(times: t.Iterable[str]) -> float:
    """The latest of the times that the swarm stamped, which is no later than its clock; 0 without any that can be read."""
    return max(map(_read, times), default=0.0)


def _delete(engine: t.Any, config: str, doing: str) -> None:
    try:
        engine.delete(f"/configs/{config}", doing)
    except NotFound:
        return


def _rewrite(engine: t.Any, lock: Json) -> None:
    """As it is, for the sake of its time."""
    engine.post(f"/configs/{lock['ID']}/update", lock["Spec"], "renewing the lock", version=lock["Version"]["Index"])


def _written(lock: Json) -> float:
    return _read(lock.get("UpdatedAt") or lock.get("CreatedAt") or "")


def _lease(lock: Json) -> float:
    """How many seconds the lock counts after it was written."""
    given = _labels(lock).get(f"{LOCK_LABEL}.lease", "")
    return min(float(given), TURN_SECONDS) if given.isascii() and given.isdigit() else LEASE_SECONDS


def _read(moment: str) -> float:
    try:
        return read_time(moment)
    except (ValueError, OverflowError):
        return 0.0


def _labels(lock: Json) -> dict[str, str]:
    return lock["Spec"].get("Labels") or {}


def _holder(lock: Json) -> str:
    return _labels(lock).get(f"{LOCK_LABEL}.holder", "")


def _tell_holder(stack: str, lock: Json) -> str:
    since = str(lock.get("CreatedAt") or "")[:19].replace("T", " ")
    act = "are being changed" if stack == NODES else "is being deployed"
    return f"{tell_locked(stack)} {act} by {_holder(lock) or 'another run'} since {f'{since} UTC' if since else 'an unknown time'}"
