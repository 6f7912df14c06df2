# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys by ansible-playbook itself, on a fake engine, that are interrupted in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from fake_engine import FakeEngine, node, runs
from playbook_runs import PATIENCE_SECONDS, begin, said, wait_for


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")])
    fake.behave("web:2", runs(start=10**6))
    return fake


def act(folder: Path, task: dict[str, t.Any]) -> subprocess.Popen[str]:
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return begin(folder, {"hosts": "localhost", "tasks": [task]}, {"localhost": host})


def start(folder: Path, fake: FakeEngine, version: int) -> subprocess.Popen[str]:
    content = f"services: {{web: {{image: 'web:{version}'}}, db: {{image: 'db:1'}}}}"
    stack = {"name": "app", "content": content, "resolve_image": "never", "docker_host": fake.docker_host}
    return act(folder, {"name": "Deploy", "flotilla.swarm.stack": stack})


def start_drain(folder: Path, fake: FakeEngine, host: str) -> subprocess.Popen[str]:
    nodes = {"availability": {host: "drain"}, "docker_host": fake.docker_host}
    return act(folder, {"name": "Drain", "flotilla.swarm.nodes": nodes})


def is_updating(fake: FakeEngine) -> bool:
    service = next((each for each in fake.cluster.services.values() if each["Spec"]["Name"] == "app_web"), {})
    return (service.get("UpdateStatus") or {}).get("State") == "updating" and bool(fake.cluster.configs)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_deploy_that_is_interrupted_locks_nobody_out(tmp_path: Path, fake: FakeEngine, by: signal.Signals) -> None:
    assert start(tmp_path, fake, 1).wait(PATIENCE_SECONDS) == 0, said(tmp_path)
    run = start(tmp_path, fake, 2)
    wait_for(lambda: is_updating(fake), "the update did not begin")
    run.send_signal(by)
    wait_for(lambda: not fake.cluster.configs, "the lock stays")
    assert run.wait(PATIENCE_SECONDS) != 0
    wait_for(lambda: "undoes it" in said(tmp_path), "nothing is said")
    told = said(tmp_path)
    cause = "the end of ansible-playbook" if by == signal.SIGKILL else by.name
    assert f"app: interrupted by {cause}, and gave its lock back. Begun: app_web (" in told, told
    assert "The same command finishes it; ansible-playbook playbooks/rollback.yml" in told
    assert """-e '{"services_names": ["app_web"]}' undoes it""" in told
    fake.behave("web:2", runs())
    fake.settle()
    assert start(tmp_path, fake, 2).wait(PATIENCE_SECONDS) == 0, said(tmp_path)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_drain_that_is_interrupted_ends_at_once_and_locks_nobody_out(tmp_path: Path, fake: FakeEngine, by: signal.Signals) -> None:
    assert start(tmp_path, fake, 1).wait(PATIENCE_SECONDS) == 0, said(tmp_path)
    (home,) = {task["NodeID"] for task in fake.tasks("app_web")}
    host = fake.node(home)["Description"]["Hostname"]
    fake.behave("web:1", runs(start=10**6))
    run = start_drain(tmp_path, fake, host)
    wait_for(lambda: fake.node(home)["Spec"]["Availability"] == "drain", "the drain did not begin")
    run.send_signal(by)
    wait_for(lambda: not fake.cluster.configs, "the lock stays")
    assert run.wait(PATIENCE_SECONDS) != 0
    wait_for(lambda: "undoes a drain" in said(tmp_path), "nothing is said")
    told = said(tmp_path)
    assert f"nodes: interrupted by {by.name}, and gave its lock back. {host} is a " in told and ", set to drain. The same command" in told
    fake.behave("web:1", runs())
    fake.settle()
    assert start_drain(tmp_path, fake, host).wait(PATIENCE_SECONDS) == 0, said(tmp_path)
