# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module swarm_info tells of the tasks of a swarm, of containers that are none, and of lists that fail."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.flotilla.swarm.plugins.modules import swarm_info
from fake_engine import FakeEngine, node, service
from module_runner import run_module_main


def tell(fake: FakeEngine, **args: t.Any) -> dict[str, t.Any]:
    return run_module_main(swarm_info.main, {"docker_host": fake.docker_host, **args})


def test_containers_that_are_no_tasks_are_named(fake_engine: t.Callable[..., FakeEngine]) -> None:
    containers = [
        {"Id": "c1", "Names": ["/web.1.abc"], "Labels": {"com.docker.swarm.task.id": "t1"}},
        {"Id": "c2", "Names": ["/node_exporter"], "Labels": {}},
        {"Id": "c3", "Names": ["/dcgm"]},
    ]
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], containers=containers)
    assert "unmanaged" not in tell(fake)
    fake.forget()
    assert tell(fake, nodes=False, containers=True)["unmanaged"] == ["dcgm", "node_exporter"]
    assert fake.calls() == ["GET /info", "GET /containers/json"]
    fake.fail("GET", "/containers/json", 500, "no space left on device")
    told = tell(fake, nodes=False, containers=True)
    assert "no space left on device" in told["problem"] and "unmanaged" not in told


def test_a_service_that_fails_again_and_again_is_told_by_request(fake_engine: t.Callable[..., FakeEngine]) -> None:
    """Whatever its tasks do at this moment, and however many it has left behind."""
    services = [service("good"), service("bad", image="bad:1", replicas=100)]
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], services=services)
    fake.settle()
    assert "tasks" not in tell(fake)
    assert tell(fake, tasks=True)["tasks"] == {"count": 101, "failed": 0, "crashing": []}
    now = datetime.now(tz=timezone.utc)
    for number, task in enumerate(fake.tasks("bad")):
        for place in range(5):
            ended = (now - timedelta(minutes=place)).isoformat().replace("+00:00", "Z")
            name, status = f"old{number}-{place}", {"State": "failed", "Timestamp": ended, "Err": f"exit {place}"}
            fake.cluster.tasks[name] = {**task, "ID": name, "DesiredState": "shutdown", "Status": status}
    fake.forget()
    told = tell(fake, nodes=False, tasks=True)["tasks"]
    assert fake.calls() == ["GET /info", "GET /tasks", "GET /services"]
    assert told == {"count": 601, "failed": 500, "crashing": [{"service": "bad", "failures": 500, "error": "exit 0"}]}


def test_a_list_of_nodes_that_fails_is_told(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)])
    fake.fail("GET", "/nodes", 500, "disk on fire", times=None)
    told = tell(fake)
    assert (told["exit_code"], told["acting"], told["nodes"]) == (0, False, [])
    assert "disk on fire" in told["problem"]
