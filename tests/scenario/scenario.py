# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scenario's lab: playbooks that run on it, and commands on its nodes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tests.lab.state import Paths

from .look import LOOK, Seen, parse
from .run import Run

ROOT = Path(__file__).parents[2]
INVENTORY = "inventories/lab"
PYTHON = "import docker, json, os, sys; api = docker.APIClient(timeout=60)\n"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Scenario:
    """The lab that FLOTILLA_LAB names; ``given`` are variables of all its runs, ``inventory`` is that of the system on it."""

    given: Mapping[str, Any] = field(default_factory=dict)
    name: str = field(default_factory=lambda: os.environ.get("FLOTILLA_LAB", "lab"))
    inventory: str = INVENTORY

    def start(
        self,
        playbook: str,
        *arguments: str,
        inventory: str = "",
        environ: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> subprocess.Popen[str]:
        """Begin a run with these arguments and variables; ``environ`` is added to the environment. ``finish`` ends it."""
        # In a file: at -vvvv Ansible shows what is on its command line.
        handle, path = tempfile.mkstemp(suffix=".json", dir=_folder_of_variables().name)
        with open(handle, "w") as stream:
            json.dump({**self.given, **variables}, stream)
        # As from a shell: molecule has settings of its own.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PY_COLORS"))}
        # What is asserted of a run is in the output that shows every task.
        shown = {"ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_NOCOLOR": "1"}
        environment |= {"FLOTILLA_LAB": self.name, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **shown, **(environ or {})}
        return subprocess.Popen(
            ["ansible-playbook", "-i", inventory or self.inventory, playbook, *arguments, "-e", f"@{path}"],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that it can be killed with the processes that it forks for its tasks
        )

    def play(self, playbook: str, *arguments: str, **variables: Any) -> Run:
        """Run a playbook to its end, as ``start`` begins it."""
        return finish(self.start(playbook, *arguments, **variables))

    def converge(self, playbook: str, *arguments: str, **variables: Any) -> Run:
        """The same for a run that has to succeed."""
        run = self.play(playbook, *arguments, **variables)
        assert run.rc == 0, run.out[-6000:]
        return run

    def done(self, verb: str, *arguments: str, **variables: Any) -> Run:
        """Run a verb that has to succeed."""
        return self.converge(f"playbooks/{verb}.yml", *arguments, **variables)

    def lab(self, command: str, *arguments: str) -> None:
        """Such as ``lab("stop", "--hard", "m1")``."""
        subprocess.run(["python3", "-m", "tests.lab", command, "--name", self.name, *arguments], cwd=ROOT, check=True)

    def on(self, node: str, command: str, stdin: str = "") -> str:
        """What a command on a node wrote to its standard output. It has to succeed."""
        argv = ["python3", "-m", "tests.lab", "ssh", "--name", self.name, node, command]
        done = subprocess.run(argv, cwd=ROOT, input=stdin, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"{node}: {done.stdout}{done.stderr}"
        return done.stdout

    def sdk(self, node: str, code: str) -> str:
        """What Python on a node printed; the Docker SDK's client of its engine is ``api``."""
        return self.on(node, "python3 -", PYTHON + code)

    def look(self, node: str = "m1") -> Seen:
        return parse(self.sdk(node, LOOK))

    @property
    def folder(self) -> Path:
        """Where the lab keeps its files."""
        return Paths.from_environment().directory(self.name)

    def declared(self, name: str) -> dict[str, Any]:
        """The variables of one file of the inventory, templates as they are written: to be changed and handed to ``play``."""
        return dict(yaml.safe_load((ROOT / self.inventory / "group_vars/all" / f"{name}.yml").read_text()))

    def secret(self, name: str) -> str:
        """One that role secrets made in the first run."""
        return str(yaml.safe_load((self.folder / "generated_secrets.yml").read_text())[name])

    def addresses(self) -> dict[str, str]:
        """Node -> its address, of all nodes."""
        lab = Paths.from_environment().load(self.name)
        assert lab, f"lab {self.name} is not up"
        return {node.name: node.address for node in lab.nodes}

    def address(self, node: str) -> str:
        return self.addresses()[node]


def declared(name: str) -> dict[str, Any]:
    """Those of the lab's own inventory, as ``Scenario.declared`` has them."""
    return Scenario().declared(name)


@cache
def _folder_of_variables() -> tempfile.TemporaryDirectory[str]:
    """It goes when the tests end."""
    return tempfile.TemporaryDirectory(prefix="flotilla-variables-")


def finish(process: subprocess.Popen[str]) -> Run:
    try:
        out, _err = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Run(process.returncode, out)


def kill(process: subprocess.Popen[str]) -> None:
    """End a run with all that descends from it: Ansible's workers have sessions of their own, and would go on by themselves."""
    for pid in _family(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def _family(pid: int) -> list[int]:
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [pid, *(each for child in children for each in _family(int(child)))]


def until(found: Callable[[], _T | None], what: str = "it", seconds: float = 180) -> _T:
    """The first result that is true. What it does not get, or is not as asserted, counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if result := found():
                return result
            problem = f"{result!r}"
        except (AssertionError, OSError, json.JSONDecodeError) as error:
            problem = str(error)
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s: {problem}"
        time.sleep(0.5)
