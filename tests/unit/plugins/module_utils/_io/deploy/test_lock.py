# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks that are as old as the swarm says, whatever the clocks of its managers say."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.session import Session
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.lock import (
    LEASE_SECONDS,
    LockedError,
    Locks,
    LostLockError,
    read_swarm_time,
)
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import Engine
from fake_clock import Clock
from fake_engine import FakeEngine, Fault, node

HOURS = 2 * 3600.0


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    return fake_engine(nodes=[node("m1", role="manager", leader=True)])


class Run:
    """A run on a manager whose clock is ``ahead`` of that of the others."""

    def __init__(self, fake: FakeEngine, holder: str, ahead: float = 0.0, run: str = "") -> None:
        self.session, self.clock = Session(holder=holder, run=run), Clock()
        self.clock.now += ahead
        self.clock.swarms.append(fake)
        engine = Engine.connect(docker_host=fake.docker_host)
        engine._sleep = self.clock.sleep
        self.locks = Locks(engine, ["app"], self.session, self.clock)


@pytest.mark.parametrize("ahead", [-HOURS, 0.0, HOURS])
def test_a_lock_is_as_old_as_the_swarm_says(fake: FakeEngine, ahead: float) -> None:
    Run(fake, "ada").locks.hold()
    second = Run(fake, "bob", ahead)
    with pytest.raises(LockedError, match=r"stack app is being deployed by ada since 2026-01-01 00:00:00 UTC.*ends in 120 s at most"):
        second.locks.hold()
    second.clock.sleep(LEASE_SECONDS - 10)
    with pytest.raises(LockedError, match="ends in 10 s at most"):
        second.locks.hold()
    second.clock.sleep(15)
    second.locks.hold()
    assert [item["Spec"]["Name"] for item in fake.cluster.configs.values()] == ["lock.app"]
    assert set(second.session.locks.values()) == set(fake.cluster.configs)


@pytest.mark.parametrize("ahead", [-HOURS, 0.0, HOURS])
def test_a_lock_of_a_dead_run_blocks_no_longer_than_a_lease(fake: FakeEngine, ahead: float) -> None:
    """Also where the leader changed, and the one before was ahead."""
    Run(fake, "ada", ahead).locks.hold()
    fake.cluster.now -= 600  # never below the lock's own time by the new leader's clock
    second = Run(fake, "bob", -ahead)
    with pytest.raises(LockedError, match="120 s at most"):
        second.locks.hold()
    second.clock.sleep(LEASE_SECONDS + 1)
    Run(fake, "cid", -ahead).locks.hold()


def test_a_lock_that_is_renewed_holds(fake: FakeEngine) -> None:
    first, second = Run(fake, "ada"), Run(fake, "bob")
    first.locks.hold()
    for _minute in range(5):
        first.clock.sleep(61)
        first.locks.renew()
        with pytest.raises(LockedError):
            second.locks.hold()
    first.clock.now -= HOURS  # somebody set the clock
    for _minute in range(5):
        first.clock.sleep(61)
        first.locks.renew()
    with pytest.raises(LockedError):
        second.locks.hold()


def test_a_run_that_is_known_to_be_dead_holds_no_lock(fake: FakeEngine) -> None:
    Run(fake, "ada", run="one").locks.hold()
    again = Run(fake, "ada", run="two")
    with pytest.raises(LockedError) as refused:
        again.locks.hold()
    assert refused.value.run == "one"
    again.session.dead.append("one")
    again.locks.hold()
    assert list(fake.cluster.configs) == list(again.session.locks.values())


@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_answer_that_is_lost_locks_nobody_out(fake: FakeEngine, drop: str) -> None:
    run = Run(fake, "ada")
    fake.faults.add(Fault("POST", "/configs/create", drop=drop))
    run.locks.hold()
    run.locks.check()
    assert list(fake.cluster.configs) == list(run.session.locks.values())
    run.locks.release()
    assert not fake.cluster.configs


def test_a_lock_that_is_gone_or_taken_over_stops_the_run(fake: FakeEngine) -> None:
    first, second = Run(fake, "ada"), Run(fake, "bob")
    first.locks.hold()
    first.locks.check()
    first.clock.sleep(LEASE_SECONDS + 1)
    second.locks.hold()
    for look in (first.locks.check, first.locks.renew):
        with pytest.raises(LostLockError, match="the lock of app is gone"):
            look()
    second.locks.check()
    fake.cluster.configs.clear()
    with pytest.raises(LostLockError):
        second.locks.check()


def test_an_engine_that_is_away_is_no_lost_lock(fake: FakeEngine) -> None:
    run = Run(fake, "ada")
    run.locks.hold()
    run.clock.sleep(61)
    fake.faults.add(Fault("*", "/configs/.*", status=500, message="rpc error: code = Unknown desc = no leader", times=8))
    run.locks.renew()
    run.locks.check()
    written = {item["UpdatedAt"] for item in fake.cluster.configs.values()}
    assert written != {item["CreatedAt"] for item in fake.cluster.configs.values()}


def test_two_that_renew_at_once_both_go_on(fake: FakeEngine) -> None:
    run = Run(fake, "ada")
    run.locks.hold()
    run.clock.sleep(61)
    fake.faults.add(Fault("POST", "/configs/.*/update", status=500, message="rpc error: code = Unknown desc = update out of sequence"))
    run.locks.renew()
    assert run.session.locked == run.clock.now


def test_reading_the_clock_leaves_nothing_and_tidies_up_after_others(fake: FakeEngine) -> None:
    engine = Engine.connect(docker_host=fake.docker_host)
    fake.faults.add(Fault("DELETE", "/configs/.*", status=409, message="no", times=1))
    assert read_swarm_time(engine) > 1_700_000_000
    assert len(fake.cluster.configs) == 1
    read_swarm_time(engine)
    assert len(fake.cluster.configs) == 1, "it may be of a run that lives"
    fake.cluster.now += LEASE_SECONDS + 1
    read_swarm_time(engine)
    assert not fake.cluster.configs


def test_nobody_waits_in_vain_for_the_clock(fake: FakeEngine) -> None:
    """A lock is asked for once a second; the swarm's clock, which costs writes, once for each renewal."""
    Run(fake, "ada").locks.hold()
    second = Run(fake, "bob")
    for _second in range(30):
        with pytest.raises(LockedError):
            second.locks.hold()
        second.clock.sleep(1)
    assert len(fake.calls("GET /configs")) == 1
    assert json.dumps(second.session.as_result())
