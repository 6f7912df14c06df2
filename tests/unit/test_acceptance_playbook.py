# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook acceptance against a fake engine. The scenario monitoring of molecule does it on real nodes, with a backup."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine, node
from test_playbooks import Site as OneManager
from test_playbooks import stack

Json = dict[str, Any]
HOOK, PASSWORD = "https://hooks/hunter3", "hunter4"
TASK, TASK_NAME = "com.docker.swarm.task.id", "com.docker.swarm.task.name"


class Site(OneManager):
    """A manager that runs nothing and two workers; the exporter's container tells that a test alert arrived."""

    def __init__(self, directory: Path, start: Callable[..., FakeEngine]) -> None:
        super().__init__(directory, start)
        for each in (node("w1"), node("w2")):
            self.fake.cluster.nodes[each["ID"]] = self.fake.cluster.touch(each)
        self.fake.node("m1")["Spec"]["Availability"] = "active"
        self.fake.host.when_killed = self.replace
        self.fake.host.commands["python3"] = lambda body, stdin: (0, self.alerted(stdin), "")
        self.arrives = True

    def alerted(self, script: bytes) -> str:
        assert b"/api/v2/alerts" in script
        told = {"alert": "acceptance_test_1", "receivers": ["ops"], "requests": {"webhook": 1}, "failed": {}, "missing": []}
        return json.dumps(told if self.arrives else {**told, "failed": {"webhook": 1}, "missing": ["webhook"]})

    def container_of(self, service: str) -> None:
        """A running task of a service gets a container on the manager's engine."""
        task = next(task for task in self.fake.tasks(service) if task["Status"]["State"] == "running")
        labels = {TASK: task["ID"], TASK_NAME: f"{service}.1.x"}
        self.fake.host.containers.append({"Id": f"c-{service}", "Names": [f"/{service}"], "State": "running", "Labels": labels})

    def replace(self, container: Json) -> None:
        task = self.fake.cluster.tasks[container["Labels"][TASK]]
        task["Status"]["State"] = "failed"
        self.fake.settle()

    def accept(self, *arguments: str, **variables: Any) -> Json:
        report = self.directory / "report.json"
        report.unlink(missing_ok=True)
        given = {"confirm": "lab", "stacks_present": [stack(PASSWORD)], "acceptance_timeout": 20, **variables}
        said = self.play("acceptance", *arguments, **given, acceptance_file=str(report))
        assert report.exists(), said[-6000:]
        told: Json = json.loads(report.read_text())
        told["said"] = said
        return told


@pytest.fixture
def site(tmp_path: Path, fake_engine: Callable[..., FakeEngine]) -> Site:
    """Its stack is deployed."""
    made = Site(tmp_path, fake_engine)
    assert made.play("deploy", stacks_present=[stack(PASSWORD)]).endswith("rc=0")
    made.container_of("vault_reader")
    made.fake.forget()
    return made


def states(told: Json) -> dict[str, str]:
    return {row["step"]: row["state"] for row in told["steps"]}


LOOKED = dict.fromkeys(("nodes", "mounts", "network", "services"), "passed")
STEPS = "nodes,mounts,network,services,alerts,scale,drain,restart"


def test_every_step_is_tried_put_back_and_told(site: Site) -> None:
    given: Json = {"acceptance_steps": STEPS, "acceptance_service": "vault_reader", "acceptance_node": "w1"}
    planned = site.accept("--check", "--diff", **given)
    assert not site.fake.writes and planned["verdict"] == "planned", planned
    assert states(planned) == {**states(planned), **LOOKED, "scale": "planned", "drain": "planned", "restart": "planned"}
    assert states(planned)["alerts"] == "not asked" and "no monitoring_stack" in planned["said"]

    told = site.accept(**given)
    assert told["verdict"] == "accepted" and told["said"].endswith("rc=0"), told
    assert states(told) == {**states(planned), "scale": "passed", "drain": "passed", "restart": "passed"}
    updates = [request.body["Mode"]["Replicated"]["Replicas"] for request in site.fake.writes if "/services/" in request.path]
    assert updates == [2, 1]
    drains = [request.body["Availability"] for request in site.fake.writes if "/nodes/" in request.path]
    assert drains == ["drain", "active"] and site.fake.calls("POST /containers/c-vault_reader/kill")
    assert {each["hostname"]: each["role"] for each in told["nodes"]} == {"m1": "manager", "w1": "worker", "w2": "worker"}


def test_without_the_name_of_the_swarm_nothing_is_asked(tmp_path: Path, fake_engine: Callable[..., FakeEngine]) -> None:
    site = Site(tmp_path, fake_engine)
    said = site.play("acceptance", acceptance_steps="nodes")
    assert "confirm is missing. To go on: -e confirm=lab." in said and said.endswith("rc=2") and not site.fake.requests


def test_a_step_that_fails_says_why_and_leaves_nothing(site: Site) -> None:
    """The service may run on no other node, and nobody replaces the task that is killed."""
    site.fake.host.when_killed = lambda container: None
    home = site.fake.cluster.nodes[next(task["NodeID"] for task in site.fake.tasks("vault_reader"))]
    where = home["Description"]["Hostname"]
    for other in site.fake.cluster.nodes.values():
        other["Spec"]["Availability"] = "active" if other is home else "pause"
    given = {"acceptance_steps": "nodes,drain,restart", "acceptance_service": "vault_reader", "acceptance_node": where}
    told = site.accept(**given, acceptance_timeout=4)
    assert told["verdict"] == "rejected" and told["said"].endswith("rc=2"), told
    drain, restart = (next(each for each in told["findings"] if each["area"] == step) for step in ("drain", "restart"))
    assert "vault_reader" in drain["text"] and drain["where"] == where
    assert f"0 of 1 tasks of vault_reader run after one was killed on {where}, for 4 seconds" in restart["text"]
    assert "lab is not accepted: 1 warning, 2 failed, 8 not asked." in told["said"]
    assert home["Spec"]["Availability"] == "active"


def test_stacks_that_differ_are_told_and_nothing_is_disturbed(site: Site) -> None:
    given: Json = {"acceptance_steps": "services,drain", "acceptance_node": "w1", "stacks_present": [stack(PASSWORD, level="debug")]}
    told = site.accept(**given)
    assert states(told)["services"] == "failed" and states(told)["drain"] == "not tried", told
    assert told["findings"][0]["text"] == "The swarm differs from the stack files in vault_reader" and not site.fake.writes
    assert "debug" not in told["said"]


def test_a_test_alert_has_arrived_where_its_receivers_took_it(site: Site) -> None:
    content = {"services": {"exporter": {"image": "app:1"}}}
    deployed = site.play("deploy", stacks_present=[{"name": "mon", "content": content, "resolve_image": "never"}])
    assert deployed.endswith("rc=0"), deployed
    site.container_of("mon_exporter")
    receivers = [{"name": "ops", "webhook_configs": [{"url": HOOK}]}]
    given: Json = {"monitoring_stack": "mon", "monitoring_alertmanager": {"receivers": receivers}, "acceptance_steps": "alerts"}
    told = site.accept("-vvvv", "--diff", **given)
    assert (states(told)["alerts"], told["findings"]) == ("passed", []), told["said"][-6000:]
    assert "hunter" not in told["said"].partition("PLAY [")[2] and not site.fake.calls("POST /nodes.*")

    site.arrives = False
    told = site.accept(**given)
    assert states(told)["alerts"] == "failed" and "webhook refused 1 of 1" in told["findings"][0]["text"], told
