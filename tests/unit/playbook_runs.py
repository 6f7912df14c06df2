# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-playbook: one on this machine, one that goes on meanwhile, and many on hosts that only note what wanted to run there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_engine import FakeEngine

ROOT = Path(__file__).parents[2]
COMMAND = str(Path(sys.executable).with_name("ansible-playbook"))
PATIENCE_SECONDS = 120

CONNECTION = """
import os
import time
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = "{name: noting, short_description: notes, description: [notes], author: x, options: {}}"


class Connection(ConnectionBase):
    transport = "noting"
    has_pipelining = True

    def _connect(self):
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        begun = time.monotonic()
        time.sleep(float(os.environ.get("NOTING_SECONDS", "0")))
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(f"{begun} {time.monotonic()}\\n")
        if os.environ.get("NOTING_LOST"):
            raise AnsibleConnectionFailure("nobody is there")
        return 1, b"", b"nothing runs here"

    def put_file(self, in_path, out_path):
        self.exec_command("")

    def fetch_file(self, in_path, out_path):
        self.exec_command("")

    def close(self):
        pass
"""
RUNNER = """
import json, os, sys
from ansible.cli.playbook import PlaybookCLI

for number, arguments in enumerate(json.load(sys.stdin)):
    child = os.fork()
    if child == 0:
        os.environ["NOTES"] = f"{number}.notes"
        os.dup2(os.open(f"{number}.said", os.O_CREAT | os.O_WRONLY), 1)
        os.dup2(1, 2)
        try:
            PlaybookCLI.cli_executor(["ansible-playbook", *arguments])
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code or 0)
    with open(f"{number}.rc", "w") as stream:
        stream.write(str(os.waitpid(child, 0)[1] >> 8))
"""
# A run that starts at the first task of a play gathers facts whatever the play says, so that there are none to gather.
SHARED = {"swarm_name": "lab", "ansible_connection": "noting", "ansible_python_interpreter": sys.executable, "ansible_facts_modules": []}
INVENTORY = {
    "all": {
        "vars": SHARED,
        "hosts": {"localhost": {}, "x1": {}},
        "children": {
            "swarm_managers": {"hosts": {"m1": {}}},
            "swarm_workers": {"hosts": {"w1": {}, "w2": {}}},
            "nfs_servers": {"hosts": {"n1": {}}},
        },
    }
}


@dataclass(frozen=True)
class Ran:
    """``reached`` is whether anything wanted to run on a host."""

    rc: int
    said: str
    reached: bool

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", self.said)


def run_all(folder: Path, playbook: Path, cases: list[tuple[list[str], dict[str, Any]]]) -> list[Ran]:
    """Run a playbook once for each case of arguments and variables."""
    (folder / "hosts.json").write_text(json.dumps(INVENTORY))
    given = [["-i", str(folder / "hosts.json"), str(playbook), "-e", json.dumps(variables), *more] for more, variables in cases]
    return run_each(folder, given)


def run_each(folder: Path, commands: list[list[str]]) -> list[Ran]:
    """Run ansible-playbook with the arguments of each command. Relative paths start at the folder."""
    plugins = folder / "connections"
    plugins.mkdir()
    (plugins / "noting.py").write_text(CONNECTION)
    (folder / "ansible.cfg").write_text("[defaults]\n")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_CONNECTION_PLUGINS": str(plugins),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [sys.executable, "-c", RUNNER]
    subprocess.run(command, cwd=folder, env=environment, input=json.dumps(commands), text=True, check=True)
    return [
        Ran(int((folder / f"{number}.rc").read_text()), (folder / f"{number}.said").read_text(), (folder / f"{number}.notes").exists())
        for number in range(len(commands))
    ]


def play_on(fake: FakeEngine, inventory: Path, playbook: str | Path, *arguments: str, **variables: Any) -> str:
    """Run a playbook, with the settings of the project, on hosts whose engine is the fake one. It shows every task.

    What was printed, its lines joined; the exit code stands at its end.
    """
    given = inventory.with_name("given.json")  # at -vvvv Ansible shows its command line
    given.write_text(json.dumps(variables))
    # The packet filter of this machine is not that of the fake engine: with rules or without, it says nothing of it.
    programs = inventory.with_name("programs")
    programs.mkdir(exist_ok=True)
    (programs / "iptables").write_text("#!/bin/sh\nexit 4\n")
    (programs / "iptables").chmod(0o755)
    settings = {
        "DOCKER_HOST": fake.docker_host,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_NOCOLOR": "1",
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    command = [COMMAND, "-i", str(inventory), str(playbook), "-e", f"@{given}", *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    return f"{' '.join((done.stdout + done.stderr).split())} rc={done.returncode}"


def play_in(folder: Path, playbook: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook of a project of its own, on this machine."""
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
    }
    environment = {**os.environ, **settings, **environ}
    return subprocess.run([COMMAND, playbook, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def begin(folder: Path, play: dict[str, Any], hosts: dict[str, Any], **environ: str) -> subprocess.Popen[str]:
    """Start a play on hosts of an inventory, and go on meanwhile. ``said`` has what it prints."""
    (folder / "play.yml").write_text(json.dumps([{"gather_facts": False, **play}]))
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (folder / "ansible.cfg").write_text("[defaults]\n")
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
    }
    given: dict[str, Any] = {"cwd": folder, "env": {**os.environ, **settings, **environ}, "stdin": subprocess.DEVNULL}
    with (folder / "out").open("w") as out:
        command = [COMMAND, "-i", "hosts.json", "play.yml"]
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True, start_new_session=True, **given)


def said(folder: Path) -> str:
    """What the play that was begun there has printed, its lines joined."""
    return " ".join((folder / "out").read_text().split())


def wait_for(condition: Callable[[], Any], what: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.2)
