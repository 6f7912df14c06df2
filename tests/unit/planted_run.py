# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook with everything that could tell a secret switched on: the highest verbosity, diffs, a log, a fact cache, a plan file, a
journal; and what it left in each of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from planted import Planted, argument_specs
from planted_world import Json, Target, Task

ROOT = Path(__file__).parents[2]
# What tells which processes are ours.
SIGN = "FLOTILLA_PLANTED"
# The connection to the same host, which tells what SSH tells at -vvv: all that a module prints.
CONNECTION = """
from ansible.plugins.connection import local
from ansible.utils.display import Display

DOCUMENTATION = local.DOCUMENTATION.replace("name: local", "name: told")


class Connection(local.Connection):
    transport = "told"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        answer = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        Display().vvv("censored" if self._play_context.no_log else str(answer), host="told")
        return answer
"""
# The node's journal, as Ansible's modules write to it.
JOURNAL = """
def send(**fields):
    with open({path!r}, "a") as stream:
        stream.write(f"{{fields}}\\n")


sendv = send
"""


class Run:
    """``leaks`` has the places of planted values by where they were found: output, log, fact cache, ..., and each file by its name."""

    def __init__(self, directory: Path, pipelining: bool) -> None:
        self.planted, self.target, self._pipelining = Planted(), Target(directory), pipelining
        self._given, self._work, self._specs = self.target.given, self.target.work, argument_specs()
        self._arguments: dict[str, Json] = {}
        self._processes: set[bytes] = set()
        try:
            self.output = self._play()
        finally:
            self.target.close()
        self.leaks = self._search()

    def failed(self) -> list[str]:
        """Names of the tasks that failed in some play after the first, which finds nothing done yet."""
        play, title, found = "", "", set()
        for line in self.output.splitlines():
            if line.startswith("PLAY ["):
                play = line.removeprefix("PLAY [").split("]")[0]
            elif line.startswith("TASK ["):
                title = line.removeprefix("TASK [").split("]")[0]
            elif line.startswith("fatal: ") and play != "plan":
                found.add(title)
        return sorted(found)

    def expected_failures(self) -> list[str]:
        return sorted(task.name for task in self.target.tasks() if task.fails)

    def _play(self) -> str:
        self._write("connection/told.py", CONNECTION)
        self._write("python/systemd/__init__.py", "")
        self._write("python/systemd/daemon.py", "def booted():\n    return True\n")
        self._write("python/systemd/journal.py", JOURNAL.format(path=str(self._work / "journal")))
        tasks, rollback = self.target.tasks(), self.target.rollback()
        plays = [
            self._as_play("plan", tasks, check=True),
            self._as_play("run", [task for task in tasks if not task.checked], check=False),
            self._as_play("second plan", tasks, check=True),
            self._as_play("look", self.target.looks(), check=False),
            self._as_play("plan of the rollback", rollback, check=True),
            self._as_play("rollback", rollback, check=False),
        ]
        self._write("play.yml", json.dumps(plays))
        self._write("vars.json", json.dumps({"planted": self._arguments, "plan_file": str(self._work / "plan.json")}))
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-vvvv", "--diff", "-i", "localhost,", "-c", "told"]
        process = subprocess.Popen(
            [*command, "-e", f"@{self._given / 'vars.json'}", str(self._given / "play.yml")],
            cwd=ROOT,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        watch = threading.Thread(target=self._watch, args=(process,), daemon=True)
        watch.start()
        output, _none = process.communicate()
        watch.join()
        return output

    def _write(self, name: str, text: str) -> None:
        path = self._given / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _environment(self) -> dict[str, str]:
        places = {"LOG_PATH": "log", "CACHE_PLUGIN_CONNECTION": "facts", "LOCAL_TEMP": "local", "REMOTE_TMP": "remote"}
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "DOCKER_"))},
            **{f"ANSIBLE_{name}": str(self._work / place) for name, place in places.items()},
            "ANSIBLE_PIPELINING": str(self._pipelining),
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CALLBACKS_ENABLED": "flotilla.swarm.plan",
            "ANSIBLE_CONNECTION_PLUGINS": str(self._given / "connection"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "TMPDIR": str(self._work),
            "PATH": f"{self._given / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self._given / "python"),
            SIGN: "1",
        }

    def _as_play(self, name: str, tasks: list[Task], check: bool) -> Json:
        """Values come from variables, for Ansible shows the lines of a task that fails."""
        return {
            "name": name,
            "hosts": "localhost",
            "gather_facts": name == "plan",
            "gather_subset": ["!all"],
            "check_mode": check,
            "ignore_errors": True,
            "tasks": [self._as_task(task) for task in tasks],
        }

    def _as_task(self, task: Task) -> Json:
        if task.name not in self._arguments:
            spec = self._specs[task.module]
            filled = task.options if task.bare else self.planted.fill(spec, task.options, task.module)
            reached = {"docker_host": self.target.docker_host(task.engine)} if task.engine else {}
            self._arguments[task.name] = {**filled, **reached}
        options = {name: f"{{{{ planted['{task.name}']['{name}'] }}}}" for name in self._arguments[task.name]}
        return {"name": task.name, f"flotilla.swarm.{task.module}": options}

    def _watch(self, process: subprocess.Popen[str]) -> None:
        """What every user of a host sees of its processes, and what root sees."""
        sign, pause, others = f"{SIGN}=".encode(), threading.Event(), set()
        while process.poll() is None:
            for number in os.listdir("/proc"):
                if not number.isdigit() or number in others:
                    continue
                try:
                    environment = Path(f"/proc/{number}/environ").read_bytes()
                    if sign in environment:
                        self._processes.add(Path(f"/proc/{number}/cmdline").read_bytes() + b"\0" + environment)
                    else:
                        others.add(number)
                except OSError:
                    continue
            pause.wait(0.05)

    def _search(self) -> dict[str, set[str]]:
        seen = b"\n".join(self._processes).decode(errors="replace")
        found = {"output": self.planted.found_in(self.output), "processes": self.planted.found_in(seen)}
        for path in sorted(self._work.rglob("*")):
            if path.is_file():
                found[str(path.relative_to(self._work))] = self.planted.found_in(path.read_bytes().decode(errors="replace"))
        return {place: leaks for place, leaks in found.items() if leaks}
