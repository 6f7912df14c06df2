# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import task_kill
from fake_engine import FakeEngine, node
from module_runner import run_module_main

LABELS = {"com.docker.swarm.task.id": "t1", "com.docker.swarm.task.name": "app_web.2.t1"}


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    fake = fake_engine(nodes=[node("w1")], containers=[{"Id": "c1", "State": "running", "Labels": LABELS}])
    fake.forget()
    return fake


def kill(fake: FakeEngine, task: str = "t1", check: bool = False) -> dict[str, t.Any]:
    return run_module_main(task_kill.main, {"docker_host": fake.docker_host, "task": task}, check=check, diff=True)


def test_the_container_of_the_task_is_killed_and_one_that_is_dead_is_left_alone(fake: FakeEngine) -> None:
    planned = kill(fake, check=True)
    assert planned["changed"] and planned["plan"][0]["name"] == "app_web.2" and not fake.writes
    assert kill(fake)["changed"] and fake.writes[0].path == "/containers/c1/kill" and fake.writes[0].query == {"signal": "SIGKILL"}
    fake.forget()
    again = kill(fake)
    assert (again["changed"], again["found"]) == (False, False) and not fake.writes


def test_a_host_without_the_task_does_nothing(fake: FakeEngine) -> None:
    assert kill(fake, task="t2")["found"] is False and not fake.writes


def test_a_refusal_of_the_engine_is_told(fake: FakeEngine) -> None:
    fake.fail("POST", "/containers/c1/kill", 500, "permission denied")
    assert kill(fake)["msg"].startswith("killing app_web.2: permission denied.")
