# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of molecule's scenarios share: how a playbook ended, and commands on the nodes of their lab."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # molecule asks for colours, whatever the scenario says


@dataclass(frozen=True)
class Finished:
    """A playbook that ran to its end."""

    rc: int
    out: str

    @property
    def text(self) -> str:
        """The output with its lines joined: messages are wrapped."""
        return " ".join(_COLOUR.sub("", self.out).split())

    @property
    def recap(self) -> dict[str, int]:
        """Host -> number of changed tasks."""
        rows = [line for line in _COLOUR.sub("", self.out).split("PLAY RECAP", 1)[-1].splitlines() if "changed=" in line]
        return {row.split()[0]: int(row.split("changed=")[1].split()[0]) for row in rows}


@dataclass(frozen=True)
class Lab:
    """A lab by its name."""

    name: str

    def __call__(self, command: str, *arguments: str) -> None:
        """Such as ``lab("stop", "--hard", "m1")``."""
        subprocess.run(["python3", "-m", "tests.lab", command, "--name", self.name, *arguments], cwd=ROOT, check=True)

    def on(self, node: str, command: str, stdin: str = "") -> str:
        """What a command on a node wrote to its standard output. It has to succeed."""
        argv = ["python3", "-m", "tests.lab", "ssh", "--name", self.name, node, command]
        done = subprocess.run(argv, cwd=ROOT, input=stdin, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"{node}: {done.stdout}{done.stderr}"
        return done.stdout
