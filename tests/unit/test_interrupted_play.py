# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys by ansible-playbook itself, on a fake engine, that are interrupted in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from fake_engine import FakeEngine, node, runs

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 90


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")])
    fake.behave("web:2", runs(start=10**6))
    return fake


def start(folder: Path, fake: FakeEngine, version: int) -> subprocess.Popen[str]:
    content = f"services: {{web: {{image: 'web:{version}'}}, db: {{image: 'db:1'}}}}"
    stack = {"name": "app", "content": content, "resolve_image": "never", "docker_host": fake.docker_host}
    return begin(folder, {"name": "Deploy", "flotilla.swarm.stack": stack})


def begin(folder: Path, task: dict[str, t.Any]) -> subprocess.Popen[str]:
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    (folder / "play.yml").write_text(json.dumps(play))
    (folder / "ansible.cfg").write_text("[defaults]\n")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
    }
    python = f"localhost ansible_connection=local ansible_python_interpreter={sys.executable},"
    (folder / "hosts").write_text(python.rstrip(","))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "hosts"), str(folder / "play.yml")]
    given: dict[str, t.Any] = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL, "start_new_session": True}
    with (folder / "out").open("w") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True, **given)


def start_drain(folder: Path, fake: FakeEngine, host: str) -> subprocess.Popen[str]:
    nodes = {"availability": {host: "drain"}, "docker_host": fake.docker_host}
    return begin(folder, {"name": "Drain", "flotilla.swarm.nodes": nodes})


def wait_for(condition: t.Callable[[], t.Any], what: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.2)


def is_updating(fake: FakeEngine) -> bool:
    service = next((each for each in fake.cluster.services.values() if each["Spec"]["Name"] == "app_web"), {})
    return (service.get("UpdateStatus") or {}).get("State") == "updating" and bool(fake.cluster.configs)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_deploy_that_is_interrupted_locks_nobody_out(tmp_path: Path, fake: FakeEngine, by: signal.Signals) -> None:
    assert start(tmp_path, fake, 1).wait(PATIENCE_SECONDS) == 0, (tmp_path / "out").read_text()
    run = start(tmp_path, fake, 2)
    wait_for(lambda: is_updating(fake), "the update did not begin")
    run.send_signal(by)
    wait_for(lambda: not fake.cluster.configs, "the lock stays")
    assert run.wait(PATIENCE_SECONDS) != 0
    wait_for(lambda: "undoes it" in (tmp_path / "out").read_text(), "nothing is said")
    said = " ".join((tmp_path / "out").read_text().split())
    cause = "the end of ansible-playbook" if by == signal.SIGKILL else by.name
    assert f"app: interrupted by {cause}, and gave its lock back. Begun: app_web (" in said, said
    assert "The same command finishes it; ansible-playbook playbooks/rollback.yml" in said
    assert """-e '{"services_names": ["app_web"]}' undoes it""" in said
    fake.behave("web:2", runs())
    fake.settle()
    assert start(tmp_path, fake, 2).wait(PATIENCE_SECONDS) == 0, (tmp_path / "out").read_text()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_drain_that_is_interrupted_ends_at_once_and_locks_nobody_out(tmp_path: Path, fake: FakeEngine, by: signal.Signals) -> None:
    assert start(tmp_path, fake, 1).wait(PATIENCE_SECONDS) == 0, (tmp_path / "out").read_text()
    (home,) = {task["NodeID"] for task in fake.tasks("app_web")}
    host = fake.node(home)["Description"]["Hostname"]
    fake.behave("web:1", runs(start=10**6))
    run = start_drain(tmp_path, fake, host)
    wait_for(lambda: fake.node(home)["Spec"]["Availability"] == "drain", "the drain did not begin")
    run.send_signal(by)
    wait_for(lambda: not fake.cluster.configs, "the lock stays")
    assert run.wait(PATIENCE_SECONDS) != 0
    wait_for(lambda: "undoes a drain" in (tmp_path / "out").read_text(), "nothing is said")
    said = " ".join((tmp_path / "out").read_text().split())
    assert f"nodes: interrupted by {by.name}, and gave its lock back. {host} is a " in said and ", set to drain. The same command" in said
    fake.behave("web:1", runs())
    fake.settle()
    assert start_drain(tmp_path, fake, host).wait(PATIENCE_SECONDS) == 0, (tmp_path / "out").read_text()
