# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine of a node says about itself and, where it is a manager, about its swarm."""

from __future__ import annotations

import json
from typing import Any, TypedDict, cast

# Runs on the node, with the Docker SDK's ``api``. A manager that is locked or has no leader says nothing about the swarm.
LOOK = """
swarm = api.info()["Swarm"]
cluster = (swarm.get("Cluster") or {}).get("ID", "")

def listed(kind, **filters):
    return getattr(api, kind)(**filters) if swarm["ControlAvailable"] and cluster else []

def name(node):
    return (node.get("Description") or {}).get("Hostname", "")

def by_name(objects):
    return {each["Spec"]["Name"]: each["ID"] for each in objects}

nodes = listed("nodes")
names = {node["ID"]: name(node) for node in nodes}
tasks = {}
for task in listed("tasks"):
    if task["DesiredState"] not in ("shutdown", "remove") or task["Status"]["State"] == "complete":
        tasks.setdefault(task["ServiceID"], []).append({
            "id": task["ID"], "index": task["Version"]["Index"], "node": names.get(task.get("NodeID"), ""),
            "state": task["Status"]["State"], "wanted": task["DesiredState"],
        })
print(json.dumps({
    "state": swarm["LocalNodeState"], "id": swarm["NodeID"], "cluster": cluster,
    "leader": next((name(node) for node in nodes if (node.get("ManagerStatus") or {}).get("Leader")), ""),
    "nodes": [
        {
            "id": node["ID"], "index": node["Version"]["Index"], "name": name(node), "role": node["Spec"]["Role"],
            "state": node["Status"]["State"], "availability": node["Spec"]["Availability"],
            "reachability": (node.get("ManagerStatus") or {}).get("Reachability", ""), "labels": node["Spec"].get("Labels") or {},
        }
        for node in nodes
    ],
    "services": {
        service["Spec"]["Name"]: {
            "id": service["ID"], "index": service["Version"]["Index"], "spec": service["Spec"], "previous": service.get("PreviousSpec"),
            "update": (service.get("UpdateStatus") or {}).get("State", ""), "job": (service.get("JobStatus") or {}).get("JobIteration"),
            "tasks": sorted(tasks.get(service["ID"], []), key=lambda task: task["id"]),
        }
        for service in listed("services")
    },
    "configs": by_name(listed("configs")),
    "secrets": by_name(listed("secrets")),
    "networks": {network["Name"]: network["Id"] for network in listed("networks", filters={"scope": "swarm"})},
    "volumes": sorted(volume["Name"] for volume in api.volumes()["Volumes"] or []),
}))
"""


class Task(TypedDict):
    id: str
    index: int
    node: str
    state: str
    wanted: str


class Service(TypedDict):
    id: str
    index: int
    spec: dict[str, Any]
    previous: dict[str, Any] | None
    update: str  # state of the last update, "" before the first
    job: dict[str, Any] | None
    tasks: list[Task]  # those that run, are to run, or have completed


class Node(TypedDict):
    id: str
    index: int
    name: str
    role: str
    state: str
    availability: str
    reachability: str  # of a manager, "" of a worker
    labels: dict[str, str]


class Seen(TypedDict):
    """All but state, id and volumes are empty where the node does not manage a swarm."""

    state: str
    id: str
    cluster: str
    leader: str
    nodes: list[Node]
    services: dict[str, Service]
    configs: dict[str, str]  # name -> ID
    secrets: dict[str, str]
    networks: dict[str, str]
    volumes: list[str]


def parse(said: str) -> Seen:
    return cast(Seen, json.loads(said))


def by_name(seen: Seen) -> dict[str, Node]:
    """The nodes by their host names, which are not always unique: the last one of a name counts."""
    return {node["name"]: node for node in seen["nodes"]}


def running(service: Service) -> dict[str, str]:
    """Task -> node, of the tasks that run and are to go on."""
    return {task["id"]: task["node"] for task in service["tasks"] if task["state"] == task["wanted"] == "running"}
