# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Five nodes and a swarm on them whose members change."""

from __future__ import annotations

import time
from typing import Any

from . import Run, Scenario, by_name

_scenario = Scenario(
    {"swarm_name": "lab", "nodes_labels": {}, "nodes_label_policies": {}, "networks_present": [], "nodes_remove_ghosts": True}
)
lab, look, on, start = _scenario.lab, _scenario.look, _scenario.on, _scenario.start
MEMBERS = "molecule/cluster/members.yml"
NODES = ("m1", "w1", "w2", "w3", "w4")
ONE, THREE = ["m1"], ["m1", "w1", "w2"]


def play(*arguments: str, playbook: str = MEMBERS, **variables: Any) -> Run:
    return _scenario.play(playbook, *arguments, **variables)


def converge(managers: list[str], **variables: Any) -> Run:
    """Run to success for these managers."""
    return _scenario.converge(MEMBERS, swarm_managers=managers, **variables)


def roles(node: str = "m1") -> dict[str, str]:
    """Host name -> role of the nodes that are up; a name that is there twice has both."""
    found: dict[str, str] = {}
    for each in look(node)["nodes"]:
        if each["state"] == "ready":
            name, role = each["name"], each["role"]
            found[name] = f"{found[name]} and {role}" if name in found else role
    return found


def availability(node: str) -> str:
    return by_name(look())[node]["availability"]


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
