# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes that the contestants act on: a lab, and in front of the first node's engine a proxy that writes down requests."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.state import Paths

from .measure import timed

LAB, NODE = "bench", "m1"
PLAYS = Path(__file__).parent / "plays"
FOLDER = "/root/bench"
ENGINE = "unix:///run/docker.sock"
COUNTED = "unix:///run/bench.sock"


@dataclass(frozen=True)
class Node:
    """``collections`` is where Ansible finds the collections of others."""

    root: Path
    collections: Path

    @classmethod
    def up(cls, root: Path, collections: Path, count: int = 1) -> Node:
        """A lab of so many nodes, of which the first one is reached by ``run``."""
        timed("start the lab", [sys.executable, "-m", "tests.lab", "up", "--name", LAB, "--nodes", str(count)])
        return cls(root, collections)

    def prepare(self) -> None:
        timed("prepare the lab's node", self.play("prepare.yml"), self.environment)

    def down(self) -> None:
        timed("remove the lab", [sys.executable, "-m", "tests.lab", "down", "--name", LAB])

    def start_counting(self) -> None:
        socket, engine = (address.removeprefix("unix://") for address in (COUNTED, ENGINE))
        unit = "systemd-run --quiet --unit bench-proxy --collect"
        self.put("proxy.py", (Path(__file__).parent / "proxy.py").read_text())
        self.run(
            "start the proxy",
            f"systemctl stop bench-proxy 2>/dev/null; rm -f {socket} {FOLDER}/record;"
            f"{unit} python3 {FOLDER}/proxy.py {socket} {engine} {FOLDER}/record;"
            f"timeout 20 sh -c 'until docker --host {COUNTED} version >/dev/null 2>&1; do sleep 0.1; done'",
        )

    def requests(self) -> tuple[str, ...]:
        """What the proxy wrote down since it was asked before."""
        _seconds, text = self.run("read the requests", f"cat {FOLDER}/record; : > {FOLDER}/record")
        return tuple(text.splitlines())

    def put(self, name: str, text: str) -> None:
        self.run(f"write {name}", f"mkdir -p {FOLDER}; cat > {FOLDER}/{name}", text)

    def run(self, doing: str, command: str, data: str = "") -> tuple[float, str]:
        return timed(doing, ["ssh", "-F", str(self._files / "ssh_config"), NODE, command], data=data)

    def play(self, name: str | Path, *more: str, **variables: str) -> list[str]:
        """The command that runs a play of PLAYS, or another one by its path."""
        extra = [f"--extra-vars={key}={value}" for key, value in variables.items()]
        tool = Path(sys.executable).parent / "ansible-playbook"
        return [str(tool), f"--inventory={self._files}/hosts.yml", *more, *extra, str(PLAYS / name)]

    @property
    def environment(self) -> Mapping[str, str]:
        """With the settings of this project and no others."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "DOCKER_"))}
        places = f"{self.collections}:{self.root / 'collections'}"
        settings = {"ANSIBLE_CONFIG": str(self.root / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "default"}
        return {**own, **settings, "ANSIBLE_COLLECTIONS_PATH": places}

    @property
    def _files(self) -> Path:
        return Paths.from_environment().directory(LAB)
