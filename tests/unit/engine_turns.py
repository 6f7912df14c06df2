# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the turns of role engine by Ansible itself, in a swarm that is a JSON file: played_module.py and
played_action.py stand for two modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """``log`` has what happened: [host, what it did or the availabilities that it set]."""

    rc: int
    out: str
    state: dict[str, Any]

    @property
    def text(self) -> str:
        return " ".join(self.out.split())

    @property
    def acted(self) -> list[str]:
        return [host for host, what in self.state["log"] if what == "acts"]


def member(role: str = "worker", state: str = "active", **more: Any) -> dict[str, Any]:
    return {"role": role, "state": state, "availability": "active", "labels": {}, **more}


def take_turns(folder: Path, hosts: dict[str, dict[str, Any]], act: str = "act.yml", due: list[str] | None = None, **more: Any) -> Ran:
    """Let the hosts in ``due`` (all) do something for which their engine restarts."""
    state = {"hosts": hosts, "leader": "m1", "log": [], "fails": [], "stuck": [], "room": 1, **more.pop("state", {})}
    collection = folder / "collections/ansible_collections/flotilla/swarm"
    (collection / "plugins/modules").mkdir(parents=True)
    for part in ("filter", "module_utils", "plugin_utils"):
        (collection / "plugins" / part).symlink_to(ROOT / "plugins" / part)
    for name in ("swarm_info", "nodes", "act"):
        (collection / f"plugins/modules/{name}.py").write_text((ROOT / "tests/unit/played_module.py").read_text())
    (collection / "plugins/action").mkdir()
    (collection / "plugins/action/swarm_info.py").symlink_to(ROOT / "tests/unit/played_action.py")
    tasks = collection / "roles/engine/tasks"
    tasks.mkdir(parents=True)
    for file in (ROOT / "roles/engine/tasks").iterdir():
        (tasks / file.name).symlink_to(file)
    for part in ("vars", "defaults"):
        (tasks.parent / part).symlink_to(ROOT / "roles/engine" / part)
    for name in {act, "act.yml"}:
        (tasks / name).unlink(missing_ok=True)
        (tasks / name).write_text(json.dumps([{"name": "Act", "flotilla.swarm.act": {}}]))
    (folder / "state.json").write_text(json.dumps(state))
    include = {"name": "flotilla.swarm.engine", "tasks_from": "turns"}
    task = {
        "name": "Take turns",
        "ansible.builtin.include_role": include,
        "vars": {"__engine_act": act},
        "when": "inventory_hostname in due",
    }
    play = [{"hosts": "all", "gather_facts": False, "tasks": [task, {"name": "After", "ansible.builtin.debug": {"msg": "went on"}}]}]
    (folder / "ansible.cfg").write_text("[defaults]\n")
    (folder / "play.yml").write_text(json.dumps(play))
    own = {}
    for name in hosts:
        (folder / name).mkdir()
        (folder / name / "python").symlink_to(sys.executable)
        own[name] = {"ansible_python_interpreter": str(folder / name / "python")}
    shared = {
        "ansible_connection": "local",
        "engine_managers": [name for name in hosts if name[0] == "m"],
        "due": due or list(hosts),
        **more,
    }
    (folder / "hosts.json").write_text(json.dumps({"all": {"vars": shared, "hosts": own}}))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.json", "play.yml", "-f", "10"]
    done = subprocess.run(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return Ran(done.returncode, done.stdout, json.loads((folder / "state.json").read_text()))
