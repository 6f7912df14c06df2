# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the turns of role engine by Ansible itself, in a swarm that is a JSON file: two modules of the collection are played by a script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# Each host has an interpreter of its own, whose path tells the module where it runs.
STUB = """
import fcntl, json, pathlib, sys
from ansible.module_utils.basic import AnsibleModule
host, folder = pathlib.Path(sys.executable).parent.name, pathlib.Path(@FOLDER@)
module = AnsibleModule(@ARGUMENTS@, supports_check_mode=True)
with open(folder / "lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    state = json.loads((folder / "state.json").read_text())
    result = {"changed": False}
@BODY@
    (folder / "state.json").write_text(json.dumps(state))
(module.fail_json if "msg" in result else module.exit_json)(**result)
"""
INFO = """
    own = state["hosts"][host]
    managers = [name for name, each in state["hosts"].items() if each["role"] == "manager"]
    reachable = [name for name in managers if state["hosts"][name]["state"] == "active"]
    margin = len(reachable) - len(managers) // 2 - 1
    acting = own["role"] == "manager" and own["state"] == "active" and margin >= 0
    result.update(state=own["state"], role=own["role"], node_id=host, acting=acting)
    result.update(settings={"autolock": False}, check_mode=module.check_mode)
    result["quorum"] = {"managers": len(managers), "reachable": len(reachable), "margin": margin}
    result["managers"] = [{"node_id": name, "reachable": name in reachable} for name in managers]
    result["nodes"] = [
        {"node_id": name, "leader": name == state["leader"], "availability": each["availability"], "labels": each["labels"],
          "state": "ready" if each["state"] == "active" else "down"}
        for name, each in state["hosts"].items() if each["role"]
    ]
"""
NODES = """
    wanted = module.params["availability"]
    if module.check_mode:
        if len(wanted) > state["room"]:
            result["msg"] = "no room for " + " and ".join(wanted)
    else:
        state["log"].append([host, wanted])
        for name, value in wanted.items():
            node = state["hosts"][name]
            node["availability"] = node.pop("before", "active") if value == "previous" else value
            for label, text in (module.params["labels"].get(name) or {}).items():
                node["labels"].pop(label, None) if text is None else node["labels"].update({label: text})
        if any(name in state["stuck"] and value == "drain" for name, value in wanted.items()):
            result["msg"] = "tasks are left"
"""
ACT = """
    state["log"].append([host, "acts"])
    if host in state["fails"]:
        result["msg"] = "broken here"
    if state["hosts"][host]["state"] != "active":
        state["hosts"][host]["state"] = "active"
"""
STUBS = {
    "swarm_info": ({"nodes": {"type": "bool", "default": True}}, INFO),
    "nodes": (
        {
            **{name: {"type": "dict", "default": {}} for name in ("availability", "labels", "node_ids")},
            **{name: {"type": "str"} for name in ("drain_timeout", "surge")},
        },
        NODES,
    ),
    "act": ({}, ACT),
}


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
    for name, (arguments, body) in STUBS.items():
        text = STUB.replace("@FOLDER@", repr(str(folder))).replace("@ARGUMENTS@", repr(arguments)).replace("@BODY@", body)
        (collection / f"plugins/modules/{name}.py").write_text(text)
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
