# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A socket or the Docker SDK that is missing is what a verb ends with, and the first line of that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playbook_runs import ROOT, play_in

VERBS: dict[str, dict[str, str]] = {
    "status": {},
    "backup": {"backup_directory": "backups"},
    "rotate": {"swarm_rotate": "worker_token"},
    "drain": {"nodes_target": "w1"},
    "logs": {"services_service": "web"},
}
NO_SOCKET = "connecting to the engine at unix:///nonexistent/docker.sock: No such file or directory. Check that the engine runs"
NO_SDK = "the Docker SDK for Python can't be imported (No module named 'docker'). Install python3-docker"


@pytest.mark.parametrize(("verb", "cause"), [*((verb, NO_SOCKET) for verb in VERBS), ("status", NO_SDK), ("backup", NO_SDK)])
def test_the_cause_is_the_first_line(verb: str, cause: str, tmp_path: Path) -> None:
    shared = {"swarm_name": "lab", "ansible_connection": "local"}
    hosts: dict[str, Any] = {"swarm_managers": {"hosts": {"m1": {}, "m2": {}}}, "swarm_workers": {"hosts": {"w1": {}}}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"vars": shared, "children": hosts}}))
    (tmp_path / "given.json").write_text(json.dumps(VERBS[verb]))
    environ = {"ANSIBLE_STDOUT_CALLBACK": "flotilla.swarm.glance", "DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    if cause == NO_SDK:
        (tmp_path / "docker.py").write_text("raise ModuleNotFoundError(\"No module named 'docker'\")\n")
        environ["PYTHONPATH"] = str(tmp_path)
    done = play_in(tmp_path, str(ROOT / f"playbooks/{verb}.yml"), "-i", "hosts.json", "-e", "@given.json", **environ)
    before, _verdict, end = done.stdout.partition("The run failed, in ")
    assert done.returncode == 2 and not done.stderr, done.stdout + done.stderr
    _took, _empty, _task, first, *_more = end.splitlines()
    assert cause in first, done.stdout
    assert "Error" not in before and "fatal" not in before, before
