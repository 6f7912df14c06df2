# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role monitoring against a fake engine. The scenario monitoring of molecule does it with real programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine, node
from playbook_runs import play_on

PLAY = [{"hosts": "m1", "gather_facts": False, "roles": [{"role": "flotilla.swarm.monitoring"}]}]
GIVEN: dict[str, Any] = {
    "monitoring_stack": "monitoring",
    "monitoring_node_exporter": "none",  # its directory would be one of this machine
    "monitoring_grafana": {"admin_password": "hunter2"},
    "monitoring_alertmanager": {"receivers": [{"name": "ops", "webhook_configs": [{"url": "https://hooks/hunter3"}]}]},
    "monitoring_timeout": 10,
    "monitoring_overrides": {"services": {"grafana": None}},  # a deploy waits for each service
}
JOBS = ("swarm", "prometheus", "alertmanager")


class Site:
    """A swarm of one manager, whose exporter answers with ``targets``."""

    def __init__(self, directory: Path, start: Callable[..., FakeEngine]) -> None:
        self.directory = directory
        self.fake = start(nodes=[node("m1", role="manager", leader=True, labels={"monitoring": "true"})])
        self.targets: list[dict[str, Any]] = [self.target(job) for job in JOBS]
        self.fake.host.commands["python3"] = lambda body, stdin: (0, json.dumps({"data": {"activeTargets": self.targets}}), "")
        (directory / "hosts.yml").write_text(
            f"all: {{hosts: {{m1: {{ansible_connection: local, ansible_python_interpreter: {sys.executable}}}}}}}"
        )
        (directory / "play.yml").write_text(json.dumps(PLAY))

    def target(self, job: str, health: str = "up", why: str = "") -> dict[str, Any]:
        return {"labels": {"job": job, "instance": "m1"}, "health": health, "lastError": why, "scrapeUrl": "http://10.0.0.2:1/metrics"}

    def play(self, *arguments: str, **variables: Any) -> str:
        """What was printed, its lines joined; the exit code stands at its end."""
        return play_on(self.fake, self.directory / "hosts.yml", self.directory / "play.yml", *arguments, **{**GIVEN, **variables})

    def runs_exporter(self) -> None:
        (task,) = self.fake.tasks("monitoring_exporter")
        labels = {"com.docker.swarm.task.id": task["ID"], "com.docker.swarm.task.name": "monitoring_exporter.x"}
        self.fake.host.containers.append({"Id": "c1", "Names": ["/exporter"], "State": "running", "Labels": labels})


@pytest.fixture
def site(tmp_path: Path, fake_engine: Callable[..., FakeEngine]) -> Site:
    return Site(tmp_path, fake_engine)


def test_it_is_deployed_proven_and_then_left_alone(site: Site) -> None:
    planned = site.play("--check", "--diff")
    assert planned.endswith("rc=0") and not site.fake.writes, planned
    said = site.play()  # nobody in this run is the node of the exporter
    assert "no host that answers in this run is that node" in said and said.endswith("rc=2"), said
    site.runs_exporter()
    said = site.play("--diff", "-vvvv")
    assert "changed=0" in said and said.endswith("rc=0"), said
    assert "hunter" not in planned + said

    site.targets[0] = site.target("swarm", "down", "connection refused")
    said = site.play()
    assert "m1 of swarm (http://10.0.0.2:1/metrics) is down: connection refused, after 10 seconds." in said and said.endswith("rc=2"), said
    site.targets = [site.target(job) for job in JOBS if job != "alertmanager"]
    assert "alertmanager: Prometheus has found 0 of 1 targets" in site.play()


def test_what_is_wrong_is_refused_before_anything(site: Site) -> None:
    said = site.play(monitoring_rules={"node_dwn": {}})
    assert "monitoring_rules.node_dwn is no rule of the role, and has no expr to be one of your own. Write node_down." in said
    assert said.endswith("rc=2") and not site.fake.writes


def test_a_rule_file_and_a_dashboard_of_the_inventory_are_planned(site: Site, tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text("groups: [{name: own, rules: [{alert: Own, expr: 'up =='}]}]")
    said = site.play(monitoring_rule_files=[str(tmp_path / "own.yml")])
    assert f"monitoring_rule_files[0] is {tmp_path}/own.yml, where the expression of Own has == with nothing after it." in said
    assert not site.fake.writes
    (tmp_path / "own.yml").write_text("groups: []")
    (tmp_path / "own.json").write_text("{}")
    grafana = {"admin_password": "x", "dashboards": [str(tmp_path / "own.json")]}
    said = site.play("--check", monitoring_rule_files=[str(tmp_path / "own.yml")], monitoring_grafana=grafana, monitoring_overrides={})
    assert "monitoring_rules_1" in said and "monitoring_dashboard_own_0" in said and said.endswith("rc=0"), said
