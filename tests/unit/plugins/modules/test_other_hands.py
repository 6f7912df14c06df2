# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do in the middle of a run of any verb that waits, and what a run meets that was killed: never a success that is none.

Requests are chosen by chance from a seed. FLOTILLA_FAULTS says how many for each of the verbs (4, thoroughly 200).
"""

from __future__ import annotations

import copy
import os
import random
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.lock import LEASE_SECONDS
from ansible_collections.flotilla.swarm.plugins.modules import job, service, stack
from fake_engine import FakeEngine, Fault
from fake_engine.errors import ApiError
from writing_verbs import VERBS, Lab, find_locks

Json = dict[str, t.Any]
COUNT = int(os.environ.get("FLOTILLA_FAULTS", "4"))
EVERY = ("another image", "another count", "removed", "replaced")
OTHERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "deploy": (("app_web", "app_db"), EVERY),
    "first deploy": (("new_web", "new_db"), EVERY),
    "remove": (("app_web", "app_db"), EVERY),
    "scale": (("app_web", "free"), ("another count", "removed")),
    "restart": (("app_web", "app_db"), ("removed", "replaced")),
    "update": (("app_web", "free"), ("another image", "removed", "replaced")),
    "rollback": (("app_web", "free"), ("another image", "removed", "replaced")),
    "rebalance": (("free",), ("removed",)),
}
"""The services whose end a verb waits for, and what of others contradicts it. The name of a job's service is known to nobody else."""
WAITING = [name for name, verb in VERBS.items() if verb.main in (stack.main, service.main, job.main) or name == "drain"]


def change(fake: FakeEngine, name: str, act: t.Callable[[Json], object]) -> None:
    """As somebody else would, through the API."""
    item = copy.deepcopy(fake.service(name))
    act(item["Spec"])
    fake._do("POST", f"/services/{item['ID']}/update", item["Spec"], version=item["Version"]["Index"])


def set_image(spec: Json) -> None:
    spec["TaskTemplate"]["ContainerSpec"]["Image"] = "foreign:1"


def set_count(spec: Json) -> None:
    spec["Mode"] = {"Replicated": {"Replicas": 5}}


def remove(fake: FakeEngine, name: str) -> None:
    fake._do("DELETE", f"/services/{fake.service(name)['ID']}", None)


def replace(fake: FakeEngine, name: str) -> None:
    spec = copy.deepcopy(fake.service(name)["Spec"])
    remove(fake, name)
    fake._do("POST", "/services/create", spec)


ACTS: dict[str, t.Callable[[FakeEngine, str], None]] = {
    "another image": lambda fake, name: change(fake, name, set_image),
    "another count": lambda fake, name: change(fake, name, set_count),
    "removed": remove,
    "replaced": replace,
}


def length_of(name: str, patch: pytest.MonkeyPatch) -> int:
    """The number of requests of a run that nothing disturbs."""
    lab = Lab(name, patch)
    try:
        result = lab.run("ada")
        assert not result.get("failed") and lab.verb.is_done(lab.fake, result), result
        return len(lab.fake.requests)
    finally:
        lab.fake.close()


@pytest.mark.parametrize("name", OTHERS)
def test_another_hand_at_any_request(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    length, chance = length_of(name, monkeypatch), random.Random(f"other hands and {name}")
    for _case in range(COUNT):
        kind, target, nth = chance.choice(OTHERS[name][1]), chance.choice(OTHERS[name][0]), chance.randint(1, length)
        meet_another(name, kind, target, nth, monkeypatch)


def meet_another(name: str, kind: str, target: str, nth: int, patch: pytest.MonkeyPatch) -> None:
    lab, case, acted = Lab(name, patch), f"{name}: {target} {kind} at request {nth}", []

    def act() -> None:
        try:
            ACTS[kind](lab.fake, target)
        except ApiError:  # it is not there yet, or no more
            return
        acted.append(kind)

    try:
        lab.fake.faults.add(Fault("*", ".*", nth=nth, act=act))
        result = lab.run("ada")
        lab.fake.faults.clear()
        assert "defect" not in result.get("msg", ""), (case, result["msg"])
        looked = any(request.call == "GET /services" for request in lab.fake.requests[nth - 1 :])
        assert result.get("failed") or not looked or lab.verb.is_done(lab.fake, result), (case, "a false success", result)
        assert not result.get("failed") or (acted and target in result["msg"]), (case, "not named", result["msg"])
        assert not find_locks(lab.fake), (case, "the lock stays", result)
    finally:
        lab.fake.close()


@pytest.mark.parametrize("name", WAITING)
def test_the_same_command_after_a_kill_at_any_request(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same holder, who knows that the other run is dead, and of another one when the lock has ended."""
    length, chance = length_of(name, monkeypatch), random.Random(f"kills of {name}")
    for _case in range(COUNT):
        nth, holder = chance.randint(1, length), chance.choice(["ada", "bob"])
        meet_killed(name, nth, holder, monkeypatch)


def meet_killed(name: str, nth: int, holder: str, patch: pytest.MonkeyPatch) -> None:
    lab, case = Lab(name, patch), f"{name}: killed at request {nth}, then {holder}"
    try:
        lab.fake.faults.add(Fault("*", ".*", nth=nth, times=None, drop="before"))
        killed = lab.run("ada")
        assert killed.get("failed") or lab.verb.is_done(lab.fake, killed), (case, killed)
        lab.fake.faults.clear()
        if holder == "bob":
            lab.clock.sleep(LEASE_SECONDS + 1)
        again = lab.run(holder)
        assert not again.get("failed") and lab.verb.is_done(lab.fake, again), (case, killed, again)
        lab.fake.forget()
        third = lab.run(holder)
        assert not third.get("failed"), (case, third)
        assert not third["changed"] or name in ("restart", "job"), (case, third)
    finally:
        lab.fake.close()
