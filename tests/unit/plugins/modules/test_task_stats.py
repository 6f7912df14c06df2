# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.containers import read_usage
from ansible_collections.flotilla.swarm.plugins.modules import task_stats
from fake_engine import FakeEngine
from module_runner import run_module_main

Json = dict[str, t.Any]


def container(service: str, slot: str, task: str, stats: Json, stack: str = "app") -> Json:
    labels = {
        "com.docker.swarm.service.name": service,
        "com.docker.swarm.task.id": task,
        "com.docker.swarm.task.name": f"{service}.{slot}.{task}",
        "com.docker.stack.namespace": stack,
    }
    return {"Id": f"c-{task}", "Labels": labels, "_stats": stats}


def stats(cpu: int = 0, system: int = 0, cpu_before: int = 0, system_before: int = 0, **more: t.Any) -> Json:
    return {
        "cpu_stats": {"cpu_usage": {"total_usage": cpu}, "system_cpu_usage": system, "online_cpus": 4},
        "precpu_stats": {"cpu_usage": {"total_usage": cpu_before}, "system_cpu_usage": system_before},
        **more,
    }


BUSY = stats(
    cpu=700,
    cpu_before=200,
    system=3000,
    system_before=1000,
    memory_stats={"usage": 1000, "limit": 4000, "stats": {"inactive_file": 300}},
    networks={"eth0": {"rx_bytes": 10, "tx_bytes": 1}, "eth1": {"rx_bytes": 5, "tx_bytes": 2}},
    pids_stats={"current": 7},
)


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    return fake_engine(
        containers=[
            container("app_web", "2", "t2", BUSY),
            container("app_web", "1", "t1", stats()),
            container("other_agent", "nodeid", "t3", stats(), stack="other"),
            {"Id": "own", "Labels": {"com.docker.compose.project": "x"}},
        ]
    )


def run(fake: FakeEngine, **options: t.Any) -> list[Json]:
    return list(run_module_main(task_stats.main, {"docker_host": fake.docker_host, **options}, check=True)["tasks"])


def test_each_task_is_asked_about_once(fake: FakeEngine) -> None:
    tasks = run(fake)
    named = [(task["service"], task["slot"], task["task"]) for task in tasks]
    assert named == [("app_web", 1, "t1"), ("app_web", 2, "t2"), ("other_agent", 0, "t3")]
    assert tasks[1] | {"node": ""} == {
        "service": "app_web",
        "slot": 2,
        "task": "t2",
        "node": "",
        "cpu_percent": 100.0,
        "memory_bytes": 700,
        "memory_limit_bytes": 4000,
        "received_bytes": 15,
        "sent_bytes": 3,
        "pids": 7,
    }
    assert sorted(fake.calls()) == [*(f"GET /containers/c-{task}/stats" for task in ("t1", "t2", "t3")), "GET /containers/json"]
    assert all(request.raw_query["stream"] == "0" for request in fake.requests if request.path.endswith("/stats"))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"name": ["app_*"]}, {"t1", "t2"}),
        ({"stack": ["other"]}, {"t3"}),
        ({"name": ["none"]}, set()),
        ({"name": "", "stack": ""}, {"t1", "t2", "t3"}),
    ],
)
def test_services_are_chosen(fake: FakeEngine, options: Json, found: set[str]) -> None:
    assert {task["task"] for task in run(fake, **options)} == found


def test_a_task_that_ends_meanwhile_is_left_out(fake: FakeEngine) -> None:
    fake.fail("GET", "/containers/c-t2/stats", 404, "No such container: c-t2")
    assert {task["task"] for task in run(fake)} == {"t1", "t3"}


@pytest.mark.parametrize(
    ("given", "cpu", "memory"),
    [
        ({}, 0.0, 0),
        (stats(cpu=500, system=1000), 0.0, 0),
        (stats(cpu=100, cpu_before=200, system=2000, system_before=1000), 0.0, 0),
        (stats(memory_stats={"usage": 1000, "stats": {"total_inactive_file": 400, "inactive_file": 1}}), 0.0, 600),
        (stats(memory_stats={"usage": 100, "stats": {"inactive_file": 400}}), 0.0, 0),
    ],
)
def test_half_an_answer_is_no_error(given: Json, cpu: float, memory: int) -> None:
    record = read_usage(container("web", "1", "t", {}), given)
    assert (record["cpu_percent"], record["memory_bytes"]) == (cpu, memory)
