# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs by ansible-playbook itself on two fake managers of one swarm, of which the one that is asked is lost in the middle."""

from __future__ import annotations

import subprocess
import sys
import time
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_engine import FakeEngine, image_missing, node, runs
from playbook_runs import PATIENCE_SECONDS, begin, said, wait_for

CONTENT = "services: {web: {image: 'web:%d', environment: {NODE: '{{.Node.Hostname}}'}}, db: {image: 'db:1'}}"
WAITS = 15
LONG = "2h"
"""By the clock of a run, which is fast."""

Swarm = tuple[FakeEngine, FakeEngine]


@pytest.fixture
def swarm() -> Iterator[Swarm]:
    first = FakeEngine(nodes=[node("m1", role="manager", leader=True), node("w1"), node("w2")])
    with first, FakeEngine(name="m2", addr="10.77.0.2", peers=[first]) as second:
        body = {"RemoteAddrs": [f"{first.host.addr}:2377"], "JoinToken": first.cluster.swarm["JoinTokens"]["Manager"]}
        second._do("POST", "/swarm/join", {**body, "ListenAddr": "0.0.0.0:2377"})
        first.behave("web:2", runs(start=WAITS))
        yield first, second


def start(folder: Path, swarm: Swarm, told: t.Any = "{{ seen.answers }}", **task: t.Any) -> subprocess.Popen[str]:
    """A play that asks which managers can act, as role swarm does, and then does the task through the first."""
    hosts = {}
    for name, fake in zip(("m1", "m2"), swarm, strict=True):
        python = folder / f"python_{name}"
        python.write_text(f'#!/bin/sh\nDOCKER_HOST={fake.docker_host} exec {sys.executable} "$@"\n')
        python.chmod(0o755)
        hosts[name] = {"ansible_connection": "local", "ansible_python_interpreter": str(python)}
    ask: dict[str, t.Any] = {"name": "Ask", "register": "seen", "flotilla.swarm.swarm_info": {"nodes": False, "hosts": ["m1", "m2"]}}
    keep = {"name": "Keep", "ansible.builtin.set_fact": {"swarm_told": told}}
    act = {"name": "Act", "delegate_to": "{{ 'm1' }}", "run_once": True, "register": "done", "loop": ["app"], **task}
    tell = {"name": "Tell", "ansible.builtin.debug": {"msg": "ended: {{ done.results[0].summary | default(done.results[0].changed) }}"}}
    # Losses are noticed by waiting, on the host and on the controller. The swarm has a clock of its own.
    clock = {"PYTHONPATH": str(Path(__file__).parent / "fast_clock"), "FAST_CLOCK_BEGAN": str(time.time())}
    return begin(folder, {"hosts": "m1", "tasks": [ask, keep, act, tell]}, hosts, **clock)


def deploy(folder: Path, swarm: Swarm, version: int, **options: t.Any) -> subprocess.Popen[str]:
    (folder / "stack.yml").write_text(CONTENT % version)
    stack = {"name": "{{ item }}", "files": ["stack.yml"], "resolve_image": "never", "wait_timeout": LONG, **options}
    return start(folder, swarm, **{"flotilla.swarm.stack": stack})


def is_updating(fake: FakeEngine) -> bool:
    service = next((each for each in fake.cluster.services.values() if each["Spec"]["Name"] == "app_web"), {})
    return (service.get("UpdateStatus") or {}).get("State") == "updating"


def demote(first: FakeEngine) -> None:
    first.node("m1")["Spec"]["Role"] = "worker"


def remove(first: FakeEngine) -> None:
    first._do("POST", "/swarm/leave", None, force=1)


def die(first: FakeEngine) -> None:
    first.close()


@pytest.mark.parametrize("lose", [demote, remove, die])
def test_a_deploy_goes_on_through_another_manager(tmp_path: Path, swarm: Swarm, lose: Callable[[FakeEngine], None]) -> None:
    first, second = swarm
    assert deploy(tmp_path, swarm, 1).wait(PATIENCE_SECONDS) == 0, said(tmp_path)
    run = deploy(tmp_path, swarm, 2)
    wait_for(lambda: is_updating(first), "the update did not begin")
    lose(first)
    assert run.wait(PATIENCE_SECONDS) == 0, said(tmp_path)
    assert "app m1 can't act any more, m2 goes on: " in said(tmp_path), said(tmp_path)
    assert "ended: app: 1 service updated, 1 untouched" in said(tmp_path)
    web = second.service("app_web")
    assert web["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "web:2" and web["UpdateStatus"]["State"] == "completed"
    assert web["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] == ["NODE={{.Node.Hostname}}"], "what is no template of Ansible's stays"
    assert not second.cluster.configs, "the lock stays"


def test_a_manager_that_was_lost_before_the_run_began_is_no_obstacle(tmp_path: Path, swarm: Swarm) -> None:
    """It could act when the managers were asked."""
    first, second = swarm
    told = "{{ seen.answers | map('combine', {'role': 'manager', 'state': 'active', 'acting': true}) | list }}"
    demote(first)
    (tmp_path / "stack.yml").write_text(CONTENT % 1)
    stack = {"name": "app", "files": ["stack.yml"], "resolve_image": "never", "wait_timeout": LONG}
    run = start(tmp_path, swarm, told, **{"flotilla.swarm.stack": stack})
    assert run.wait(PATIENCE_SECONDS) == 0, said(tmp_path)
    assert {each["Spec"]["Name"] for each in second.cluster.services.values()} == {"app_web", "app_db"}


@pytest.mark.parametrize("lose", [demote, die])
def test_a_drain_goes_on_through_another_manager(tmp_path: Path, swarm: Swarm, lose: Callable[[FakeEngine], None]) -> None:
    first, second = swarm
    assert deploy(tmp_path, swarm, 1).wait(PATIENCE_SECONDS) == 0, said(tmp_path)
    (home,) = {task["NodeID"] for task in first.tasks("app_web")}
    name = first.node(home)["Description"]["Hostname"]
    first.behave("web:1", runs(start=WAITS))
    run = start(tmp_path, swarm, **{"flotilla.swarm.nodes": {"availability": {name: "drain"}, "drain_timeout": 3600}})
    wait_for(lambda: first.node(home)["Spec"]["Availability"] == "drain", "the drain did not begin")
    lose(first)
    assert run.wait(PATIENCE_SECONDS) == 0, said(tmp_path)
    assert "m2 goes on: " in said(tmp_path) and "ended: True" in said(tmp_path), said(tmp_path)
    assert not second.cluster.configs, "the lock stays"
    assert all(task["NodeID"] != home for task in second.tasks("app_web") if task["DesiredState"] == "running")


def test_the_node_is_asked_why_it_could_not_pull(tmp_path: Path, swarm: Swarm) -> None:
    first, _second = swarm
    for name in ("w1", "w2", "m2"):
        first.node(name)["Spec"]["Availability"] = "drain"
    first.host.images["web:3"] = {"digest": f"sha256:{'3' * 64}"}
    first.behave("web:3", image_missing("web:3"))
    assert deploy(tmp_path, swarm, 3, resolve_image="always").wait(PATIENCE_SECONDS) != 0
    assert "node m1 could not pull that image, which the registry has: " in said(tmp_path), said(tmp_path)
    assert "could not be asked" not in said(tmp_path)
