# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.stack import deployment
from ansible_collections.flotilla.swarm.plugins.modules import stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_clock import Clock
from fake_engine import FakeEngine, completes, crashes, node, runs
from module_runner import run_module_main

Json = dict[str, t.Any]


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", Clock())
    return fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")])


def run(fake: FakeEngine, text: str, check: bool = False, **options: t.Any) -> Json:
    model = load_stack(content=text, project_dir="/").model
    given = {"docker_host": fake.docker_host, "name": "app", "model": json.dumps({"model": model}), **options}
    return run_module_main(stack.main, given, check=check, diff=True)


ONE_SHOT = """
services:
  web: {image: web:1, depends_on: {migrate: {condition: service_completed_successfully}}}
  migrate: {image: migrate:1, deploy: {restart_policy: {condition: none}}}
"""


def test_a_service_that_runs_once_has_to_end_before_its_dependents_are_touched(fake: FakeEngine) -> None:
    fake.behave("migrate:1", runs())
    result = run(fake, ONE_SHOT, wait_timeout="60", on_failure="stop")
    assert "timed out" in result["msg"] and [item["Spec"]["Name"] for item in fake.cluster.services.values()] == ["app_migrate"]
    fake.behave("migrate:1", completes(run=20))
    run(fake, "services: {other: {image: other:1}}", prune=True)
    assert [row["state"] for row in run(fake, ONE_SHOT)["services"]] == ["running", "running"]
    assert not run(fake, ONE_SHOT)["changed"]


def test_a_service_that_runs_once_and_fails_leaves_its_dependents_untouched(fake: FakeEngine) -> None:
    fake.behave("migrate:1", crashes(4, run=10))
    assert "app_migrate failed" in run(fake, ONE_SHOT)["msg"] and not fake.cluster.services
