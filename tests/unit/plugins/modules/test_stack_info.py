# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.modules import stack_info
from fake_engine import FakeEngine, crashes, node, service
from module_runner import run_module_main

Fakes = t.Callable[..., FakeEngine]
STACK = {"com.docker.stack.namespace": "app"}


def info(fake: FakeEngine, **options: t.Any) -> dict[str, t.Any]:
    return run_module_main(stack_info.main, {"docker_host": fake.docker_host, **options})


def rows(result: dict[str, t.Any]) -> list[tuple[t.Any, ...]]:
    return [(s["name"], s["stack"], s["running"], s["desired"], s["state"]) for s in result["services"]]


def test_tells_of_every_service_in_five_requests(fake_engine: Fakes) -> None:
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True, addr="10.1.1.1"), node("w1", addr="10.1.1.2")],
        services=[
            service("app_web", replicas=2, labels=STACK, EndpointSpec={"Ports": [{"TargetPort": 80, "PublishedPort": 8080}]}),
            service("app_agent", mode="global", labels=STACK),
            service("app_migrate", mode="replicated-job", labels=STACK),
            service("alone"),
            service("app_off", replicas=0, labels=STACK),
        ],
    )
    fake.settle()
    result = info(fake)
    assert rows(result) == [
        ("alone", "", 1, 1, "running"),
        ("app_agent", "app", 2, 2, "running"),
        ("app_migrate", "app", 1, 1, "completed"),
        ("app_off", "app", 0, 0, "running"),
        ("app_web", "app", 2, 2, "running"),
    ]
    assert result["stacks"] == ["app"] and not result["changed"]
    assert result["services"][4]["ports"] == ["*:8080->80/tcp"]
    assert len(fake.calls()) == 5 and not fake.writes
    assert [row[0] for row in rows(info(fake, name="app"))] == ["app_agent", "app_migrate", "app_off", "app_web"]


def test_services_by_their_labels_alone(fake_engine: Fakes) -> None:
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True)],
        services=[service("app_web", labels={**STACK, "tier": "front", "public": "true"}), service("app_db", labels=STACK)],
    )
    fake.settle()
    assert [row[0] for row in rows(info(fake, label={"tier": "front", "public": True}))] == ["app_web"]
    assert [row[0] for row in rows(info(fake, label={"tier": "front"}, name="app"))] == ["app_web"]
    assert rows(info(fake, label={"tier": "back"})) == rows(info(fake, label={"tier": "front"}, name="other")) == []


def test_names_the_nodes_of_ports_in_host_mode(fake_engine: Fakes) -> None:
    ports = [{"TargetPort": 80, "PublishedPort": 80, "PublishMode": "host"}]
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True, addr="10.1.1.1"), node("w1", addr="10.1.1.2")],
        services=[service("web", mode="global", EndpointSpec={"Ports": ports})],
    )
    assert info(fake)["services"][0]["ports"] == ["10.1.1.1:80->80/tcp", "10.1.1.2:80->80/tcp"]


def test_gives_the_cause_and_the_node_of_what_crashes(fake_engine: Fakes) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], behaviours={"bad:1": crashes(3)})
    fake.cluster.behaviours["bad:1"] = crashes(3, run=0)
    fake._do("POST", "/services/create", service("web", image="bad:1"))
    fake.tick(6)
    (web,) = info(fake)["services"]
    assert web["state"] == "failed" and "on m1 exited 3" in web["cause"]
    assert {task["node"] for task in web["tasks"] if task["state"] == "failed"} == {"m1"}


def test_odd_tasks_do_not_matter(fake_engine: Fakes) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], services=[service("web")])
    fake.auto_tick = False
    (task,) = fake.tasks("web")
    odds: list[dict[str, t.Any]] = [{"Status": {}}, {"ServiceID": "gone"}, {"NodeID": ""}, {"Status": {"State": "failed"}}]
    for number, odd in enumerate(odds):
        fake.cluster.tasks[f"odd{number}"] = {**task, "ID": f"odd{number}", **odd}
    assert rows(info(fake)) == [("web", "", 1, 1, "running")]


def test_an_engine_that_is_no_manager_is_told(fake_engine: Fakes) -> None:
    result = info(fake_engine())
    assert result["failed"] and "not a swarm manager" in result["msg"]
