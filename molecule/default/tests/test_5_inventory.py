# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live swarm as an inventory, by ssh, from a node without a Docker client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.scenario import ROOT, Scenario, Seen


def test_the_live_swarm_by_ssh(look: Callable[[], Seen], manager: Any, tmp_path: Path) -> None:
    config = Scenario().folder / "ssh_config"
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    program.chmod(0o755)
    source = tmp_path / "swarm.yml"
    source.write_text("plugin: flotilla.swarm.swarm\ndocker_host: ssh://m1\n")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    command = ["ansible-inventory", "-i", str(source), "--list"]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout, object_hook=lambda each: each.get("__ansible_unsafe", each))
    assert sorted(found["swarm_workers"]["hosts"]) == ["w1", "w2"]
    assert found["swarm_label_grader"]["hosts"] == ["w2"]
    labels = {name: each["swarm_node"]["labels"] for name, each in found["_meta"]["hostvars"].items()}
    assert labels == {node["name"]: node["labels"] for node in look()["nodes"]}
    own = manager.check_output("python3 -c \"import docker; print(docker.APIClient().info()['Swarm']['NodeAddr'])\"")
    assert found["_meta"]["hostvars"]["m1"]["ansible_host"] == own
