# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as it is after converge, and ways to look at it that share no code with the collection."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml

ROOT = Path(__file__).parents[3]
INVENTORY = "inventories/lab"

# Runs on a manager. It prints what the engine's API says, in the least form that the tests need.
LOOK = """
import docker, json
api = docker.from_env().api
services = {
    s["Spec"]["Name"]: {
        "index": s["Version"]["Index"],
        "spec": s["Spec"],
        "tasks": sorted(t["ID"] for t in api.tasks({"service": s["ID"], "desired-state": "running"})),
        "running": sum(t["Status"]["State"] == "running" for t in api.tasks({"service": s["ID"], "desired-state": "running"})),
        "complete": sum(t["Status"]["State"] == "complete" for t in api.tasks({"service": s["ID"]})),
    }
    for s in api.services()
}
nodes = {
    n["Description"]["Hostname"]: {"state": n["Status"]["State"], "labels": n["Spec"].get("Labels") or {}, "index": n["Version"]["Index"]}
    for n in api.nodes()
}
print(json.dumps({"services": services, "nodes": nodes, "cluster": api.inspect_swarm()["ID"]}))
"""


@dataclass(frozen=True)
class Run:
    """A playbook that ran to its end."""

    rc: int
    out: str

    @property
    def plan(self) -> list[str]:
        """The lines between the head of the last list of changes and its summary."""
        lines = self.out.splitlines()
        start = max((number for number, line in enumerate(lines) if line.startswith(("PLAN ***", "CHANGES ***"))), default=len(lines))
        return [line.rstrip() for line in lines[start + 1 :]]

    @property
    def changed(self) -> dict[str, int]:
        """Node -> number of changed tasks, from the recap."""
        recap = self.out.split("PLAY RECAP", 1)[-1].splitlines()
        rows = [line for line in recap if "changed=" in line and not line.startswith("localhost")]
        return {row.split()[0]: int(row.split("changed=")[1].split()[0]) for row in rows}


@pytest.fixture(scope="session")
def play() -> Callable[..., Run]:
    """Run a playbook of the project: ``play("site.yml", "--check", stacks_present=[...])``; keywords become extra variables.

    ``environ`` is added to the environment.
    """

    def run(playbook: str, *arguments: str, inventory: str = INVENTORY, environ: Mapping[str, str] | None = None, **variables: Any) -> Run:
        command = ["ansible-playbook", "-i", inventory, playbook, *arguments]
        command += ["-e", json.dumps(variables)] if variables else []
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PY_COLORS"))}
        environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", **(environ or {})}
        done = subprocess.run(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return Run(done.returncode, done.stdout)

    return run


def declared(name: str) -> dict[str, Any]:
    """The variables of one file of the lab's inventory, templates as they are written: to be changed and handed to ``play``."""
    return dict(yaml.safe_load((ROOT / INVENTORY / "group_vars/all" / f"{name}.yml").read_text()))


@pytest.fixture(scope="session")
def manager() -> Any:
    """The first manager, by testinfra."""
    return testinfra.get_host("ansible://m1", ansible_inventory=str(ROOT / INVENTORY))


@pytest.fixture
def look(manager: Any) -> Callable[[], dict[str, Any]]:
    """What the engine's API says now: services, nodes and the cluster's id."""

    def run() -> dict[str, Any]:
        said = manager.run("python3 -c %s", LOOK)
        assert said.rc == 0, said.stderr
        return dict(json.loads(said.stdout))

    return run


@pytest.fixture(scope="session")
def lab() -> Callable[..., None]:
    """Run a command of the lab: ``lab("stop", "w2")``."""
    name = os.environ.get("FLOTILLA_LAB", "lab")

    def run(*arguments: str) -> None:
        subprocess.run(["python3", "-m", "tests.lab", *arguments, "--name", name], cwd=ROOT, check=True)

    return run
