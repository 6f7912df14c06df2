# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every verb that writes to a swarm, with a fault at any of its requests: no false success, no lock that stays, no defect.

Faults and requests are chosen by chance from a seed. FLOTILLA_FAULTS says how many for each of the verbs (19, thoroughly 200).
"""

from __future__ import annotations

import os
import random
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.session import Session
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.lock import LEASE_SECONDS, Locks
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import Engine
from fake_engine import Fault
from writing_verbs import VERBS, Lab, find_locks

Json = dict[str, t.Any]
COUNT = int(os.environ.get("FLOTILLA_FAULTS", "19"))
OUT_OF_SEQUENCE = "rpc error: code = Unknown desc = update out of sequence"
FAULTS: dict[str, Json] = {
    "cut before": {"drop": "before"},
    "cut after": {"drop": "after"},
    "500": {"status": 500, "message": "planted"},
    "no leader": {"status": 500, "message": "rpc error: code = Unknown desc = The swarm does not have a leader"},
    "conflict": {"status": 500, "message": OUT_OF_SEQUENCE},
    "taken": {"status": 409, "message": "rpc error: code = AlreadyExists desc = planted already exists"},
    "gone": {"status": 404, "message": "planted not found"},
}


@pytest.mark.parametrize("name", VERBS)
def test_a_fault_at_any_request(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(name, monkeypatch)
    try:
        result = lab.run("ada")
        assert not result.get("failed") and lab.verb.is_done(lab.fake, result), result
        length = len(lab.fake.requests)
    finally:
        lab.fake.close()
    chance = random.Random(f"faults of {name}")
    for _case in range(COUNT):
        kind, nth, times = chance.choice(sorted(FAULTS)), chance.randint(1, length), chance.choice((1, 1, 2, 8))
        meet(
            name,
            Fault("*", ".*", nth=nth, times=times, **FAULTS[kind]),
            f"{name}: {kind} at request {nth} of {length}, {times} times",
            monkeypatch,
        )


def meet(name: str, fault: Fault, case: str, patch: pytest.MonkeyPatch) -> None:
    lab = Lab(name, patch)
    try:
        lab.fake.faults.add(fault)
        result = lab.run("ada")
        lab.fake.faults.clear()
        assert "defect" not in result.get("msg", ""), (case, result["msg"])
        assert result.get("failed") or lab.verb.is_done(lab.fake, result), (case, "a false success", result)
        lab.clock.sleep(LEASE_SECONDS + 1)
        again = lab.run("bob")
        assert not again.get("failed") and lab.verb.is_done(lab.fake, again), (case, result.get("msg"), again.get("msg"), again)
        # One that could not be removed stays as an object; it keeps nobody out.
        stacks = [name.partition(".")[2] for name in find_locks(lab.fake)]
        locks = Locks(Engine.connect(docker_host=lab.fake.docker_host), stacks, Session(holder="cid"), lab.clock)
        locks.hold()
    finally:
        lab.fake.close()
