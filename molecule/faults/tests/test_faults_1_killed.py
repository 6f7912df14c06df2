# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every verb that waits is ended by each signal at a moment of its own choice; the same command then says what the engines say."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.scenario import Run, Seen, by_name, finish, kill, running, until
from tests.scenario.faults import done, locks, play, see, settle, start, variable, wrongs

CHANCE = random.Random("moments")
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
IMAGE = {"services_image": "{{ registry_address }}/busybox:1", "services_command": "sleep 8"}


@dataclass(frozen=True)
class Verb:
    """``is_done`` looks at the swarm; ``counts`` are those of its services where they are others than declared."""

    playbook: str
    variables: dict[str, Any]
    is_done: Callable[[Seen, int], bool]
    counts: dict[str, int] = field(default_factory=dict)
    before: Callable[[], Any] = bool


def forced(seen: Seen, name: str) -> int:
    return int(seen["services"][name]["spec"]["TaskTemplate"].get("ForceUpdate") or 0)


def crowd() -> None:
    """The tasks of one service on one node."""
    done("drain", nodes_target=["m1", "m2", "m3", "w1"], nodes_check_capacity=False, nodes_drain_timeout=0)
    done("restart", services_names=["app_store"])
    done("scale", services_replicas={"app_store": 4})
    done("activate", nodes_target=["m1", "m2", "m3", "w1"], nodes_drain_timeout=0)


def homes(seen: Seen, name: str) -> set[str]:
    return set(running(seen["services"][name]).values())


VERBS = {
    "deploy": Verb("deploy", {"release": "{number}"}, lambda seen, number: variable(seen, "app_slow", "RELEASE") == str(number)),
    "scale": Verb("scale", {"services_replicas": {"app_slow": 4}}, lambda seen, _number: True, {"app_slow": 4}),
    "restart": Verb("restart", {"services_names": ["app_slow"]}, lambda seen, _number: forced(seen, "app_slow") > 0),
    "update": Verb(
        "update",
        {"services_names": ["app_slow", "app_web"], "services_update": {"environment": {"LEVEL": "{number}"}}},
        lambda seen, number: variable(seen, "app_slow", "LEVEL") == variable(seen, "app_web", "LEVEL") == str(number),
    ),
    "rollback": Verb(
        "rollback",
        {"services_names": ["app_slow"]},
        lambda seen, _number: variable(seen, "app_slow", "LEVEL") == "",
        before=lambda: done("update", services_names=["app_slow"], services_update={"environment": {"LEVEL": "bad"}}),
    ),
    "job": Verb("job", IMAGE, lambda seen, _number: not [name for name in seen["services"] if not name.startswith(("app_", "registry"))]),
    "drain": Verb("drain", {"nodes_target": ["w2"]}, lambda seen, _number: by_name(seen)["w2"]["availability"] == "drain"),
    "rebalance": Verb(
        "rebalance", {"services_names": ["app_store"]}, lambda seen, _number: len(homes(seen, "app_store")) > 1, {"app_store": 4}, crowd
    ),
}


@pytest.fixture(autouse=True)
def well() -> Iterator[None]:
    settle()
    yield
    play("activate", nodes_target=["m1", "m2", "m3", "w1", "w2"], nodes_drain_timeout=0)


def filled(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {key: filled(item, number) for key, item in value.items()}
    return value.replace("{number}", str(number)) if isinstance(value, str) else value


def end(verb: Verb, variables: dict[str, Any], by: signal.Signals) -> Run | None:
    """A run that is ended at some moment, from before its first request to the middle of its waiting; nothing of one that was killed."""
    process = start(verb.playbook, **variables)
    time.sleep(CHANCE.uniform(6, 22))
    if by == signal.SIGKILL:
        kill(process)
        return None
    process.send_signal(by)
    return finish(process)


@pytest.mark.parametrize("name", VERBS)
def test_the_same_command_after_one_that_was_ended(name: str) -> None:
    verb = VERBS[name]
    verb.before()
    for number, by in enumerate(SIGNALS, 2):
        variables = filled(verb.variables, number)
        ended = end(verb, variables, by)
        if ended:
            assert "defect" not in ended.out and "Traceback" not in ended.out, ended.out
            until(lambda: not locks(see()), "the lock given back", 30)
        again = play(verb.playbook, **variables)
        seen = see()
        assert "defect" not in again.out and "Traceback" not in again.out, again.out
        assert again.rc == 0, (by.name, ended and ended.out[-3000:], again.out[-6000:])
        assert wrongs(seen, verb.counts) == [] and verb.is_done(seen, number), (by.name, seen["services"], again.out[-6000:])
        assert not locks(seen), again.out
