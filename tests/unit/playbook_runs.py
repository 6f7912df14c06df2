# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many runs of ansible-playbook in one process that has loaded Ansible, on hosts that only note that something wanted to run there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

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
