# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Five real nodes, and ways to look at them that share no code with the collection.

What the engines say is read through the Docker SDK on the nodes.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.lab.scenario import ROOT, Finished, Lab

LAB = os.environ.get("FLOTILLA_LAB", "cluster")
lab = Lab(LAB)
on = lab.on
INVENTORY = "inventories/lab"
MEMBERS = "molecule/cluster/members.yml"
NODES = ("m1", "w1", "w2", "w3", "w4")
ONE, THREE = ["m1"], ["m1", "w1", "w2"]

LOOK = """
import docker, json
api = docker.APIClient(timeout=30)
swarm = api.info()["Swarm"]
nodes = api.nodes() if swarm["ControlAvailable"] and swarm.get("Cluster") else []
print(json.dumps({
    "state": swarm["LocalNodeState"], "id": swarm["NodeID"], "cluster": (swarm.get("Cluster") or {}).get("ID", ""),
    "nodes": [
        [n["Description"]["Hostname"], n["ID"], n["Spec"]["Role"], n["Status"]["State"], n["Spec"].get("Labels") or {}] for n in nodes
    ],
}))
"""


class Run(Finished):
    @property
    def changed(self) -> dict[str, int]:
        """Host -> number of changed tasks."""
        return self.recap


def start(playbook: str, *arguments: str, **variables: Any) -> subprocess.Popen[str]:
    given = {"nodes_labels": {}, "nodes_label_policies": {}, "networks_present": [], "nodes_remove_ghosts": True, **variables}
    command = ["ansible-playbook", "-i", INVENTORY, playbook, *arguments, "-e", json.dumps({"swarm_name": "lab", **given})]
    environment = {**os.environ, "FLOTILLA_LAB": LAB, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str]) -> Run:
    out, _err = process.communicate()
    return Run(process.returncode, out)


def play(*arguments: str, playbook: str = MEMBERS, **variables: Any) -> Run:
    return finish(start(playbook, *arguments, **variables))


def converge(managers: list[str], **variables: Any) -> Run:
    """Run to success for these managers."""
    run = play(swarm_managers=managers, **variables)
    assert run.rc == 0, run.out
    return run


def lab_folder() -> Path:
    """Where the lab keeps its files."""
    state = Path(os.environ.get("FLOTILLA_LAB_STATE", Path.home() / ".local/state/flotilla-lab"))
    return state / LAB


def look(node: str = "m1") -> dict[str, Any]:
    return dict(json.loads(on(node, "python3 -", LOOK)))


def roles(node: str = "m1") -> dict[str, str]:
    """Host name -> role of the nodes that are up; a name that is there twice has both."""
    found: dict[str, str] = {}
    for name, _id, role, state, _labels in look(node)["nodes"]:
        if state == "ready":
            found[name] = f"{found[name]} and {role}" if name in found else role
    return found


def availability(node: str) -> str:
    code = f"import docker; print(docker.APIClient().inspect_node({node!r})['Spec']['Availability'])"
    return on("m1", "python3 -", code).strip()


def wanted(managers: list[str]) -> dict[str, str]:
    return {name: "manager" if name in managers else "worker" for name in NODES}


def settled(managers: list[str], seconds: float = 60) -> bool:
    """Whether all nodes are up in their roles; a node that changed its role may blink for some seconds."""
    until = time.monotonic() + seconds
    while roles() != wanted(managers):
        if time.monotonic() > until:
            return False
        time.sleep(2)
    return True


def leave(node: str) -> None:
    on(node, "python3 -", "import docker; docker.APIClient(timeout=60).leave_swarm(force=True)")


def wipe(node: str) -> None:
    on(node, "systemctl stop docker docker.socket && rm -rf /var/lib/docker/swarm && systemctl start docker")
