# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's lab: playbooks with its inventory, and what the engines say, without the collection."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from tests.lab.scenario import ROOT, Finished, Lab

LAB = os.environ.get("FLOTILLA_LAB", "recover")
lab = Lab(LAB)
on = lab.on
ENVIRONMENT = {**os.environ, "FLOTILLA_LAB": LAB, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
MANAGERS, NODES = ("m1", "m2", "m3"), ("m1", "m2", "m3", "w1", "w2")
# Not those of the lab's inventory.
LABELS = {"nodes_labels": {"m1": {"keeper": "yes"}, "w1": {"spare": "yes"}}, "nodes_label_policies": {}}

LOOK = """
import docker, json
api = docker.APIClient(timeout=30)
swarm = api.info()["Swarm"]
seen = {"state": swarm["LocalNodeState"], "cluster": (swarm.get("Cluster") or {}).get("ID", "")}
seen["volumes"] = sorted(v["Name"] for v in api.volumes()["Volumes"] or [])
if swarm["ControlAvailable"] and seen["cluster"]:
    seen["nodes"] = {n["ID"]: [n["Description"].get("Hostname", ""), n["Status"]["State"], n["Spec"]["Availability"],
                     n["Spec"].get("Labels") or {}] for n in api.nodes()}
    for kind in ("services", "secrets", "configs"):
        seen[kind] = {o["ID"]: o["Spec"]["Name"] for o in getattr(api, kind)()}
print(json.dumps(seen))
"""

TASKS = """
import docker, json
client = docker.from_env()
print(json.dumps([c.logs().decode().strip() for c in client.containers.list(filters={"label": "com.docker.swarm.service.name=SERVICE"})]))
"""


def play(playbook: str, *arguments: str, **variables: Any) -> Finished:
    command = ["ansible-playbook", "-i", "inventories/lab", playbook, *arguments, "-e", json.dumps(variables)]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return Finished(done.returncode, done.stdout)


def look(node: str) -> dict[str, Any]:
    return dict(json.loads(on(node, "python3 -", LOOK)))


def logs_of(service: str, node: str) -> list[str]:
    """What the running tasks of a service on a node wrote."""
    return list(json.loads(on(node, "python3 -", TASKS.replace("SERVICE", service)) or "[]"))
