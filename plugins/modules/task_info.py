#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: task_info
short_description: Find the running tasks of a service and the nodes they run on
version_added: 0.1.0
description:
  - Says which tasks of a service run now, and where, so that M(flotilla.swarm.task_exec) can be given one.
  - Runs on a manager, and needs three requests.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes.info
options:
  service:
    description: The service, by full name.
    type: str
    required: true
  slot:
    description: Only the task with this number; 0 is any. Tasks of a global service have no number.
    type: int
    default: 0
  node:
    description: Only tasks on the node with this host name. Empty is any.
    type: str
    default: ""
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Find the tasks of the web service
  flotilla.swarm.task_info:
    service: grading_django
  register: found
"""

RETURN = r"""
tasks:
  description: The tasks that run, by slot and host name. There is at least one, or the module fails.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the task.
      type: str
    service:
      description: Full name of the service.
      type: str
    slot:
      description: Number of the task, 0 for one of a global service.
      type: int
    node:
      description: Host name of its node.
      type: str
    node_id:
      description: Id of its node.
      type: str
    address:
      description: The address under which the node is known.
      type: str
"""

import typing as t

from ..module_utils._core.cluster.node import read_node
from ..module_utils._core.service.naming import item_name
from ..module_utils._core.stack.verbs import choose
from ..module_utils._io.engine import Engine
from ..module_utils.errors import PlanError
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "service": {"type": "str", "required": True},
    "slot": {"type": "int", "default": 0},
    "node": {"type": "str", "default": ""},
}


def observe(engine: Engine, params: dict[str, t.Any]) -> dict[str, t.Any]:
    if not params["service"].strip():
        raise PlanError("no service is given", "Give service, its full name.")
    doing = "looking for tasks"
    services = choose(engine.get("/services", doing), [params["service"].strip()], [], {})
    if len(services) > 1:
        names = ", ".join(item_name(service) for service in services)
        raise PlanError(f"service {params['service']} matches {len(services)} services: {names}", "Give the full name of one.")
    filters = {"service": [services[0]["ID"]], "desired-state": ["running"]}
    return {
        "service": item_name(services[0]),
        "tasks": engine.get("/tasks", doing, filters=filters),
        "nodes": {node["ID"]: read_node(node) for node in engine.get("/nodes", doing)},
    }


def plan(observed: dict[str, t.Any], params: dict[str, t.Any]) -> Plan:
    running = [task for task in observed["tasks"] if task["Status"]["State"] == "running" and task.get("NodeID") in observed["nodes"]]
    tasks = [_describe(task, observed) for task in running]
    chosen = [task for task in tasks if params["slot"] in (0, task["slot"]) and params["node"] in ("", task["node"])]
    if not chosen:
        wish = "".join(f", {option} {params[option]}" for option in ("slot", "node") if params[option])
        there = ", ".join(f"{task['slot'] or 'one'} on {task['node']}" for task in tasks)
        raise PlanError(f"no task of {observed['service']}{wish} is running{f'; there is {there}' if there else ''}.")
    return Plan(result={"tasks": sorted(chosen, key=lambda task: (task["slot"], task["node"]))})


def _describe(task: dict[str, t.Any], observed: dict[str, t.Any]) -> dict[str, t.Any]:
    node = observed["nodes"][task["NodeID"]]
    return {
        "id": task["ID"],
        "service": observed["service"],
        "slot": int(task.get("Slot") or 0),
        "node": node.hostname,
        "node_id": node.node_id,
        "address": node.address,
    }


def main() -> None:
    run_module(ARGUMENTS, observe, plan)


if __name__ == "__main__":
    main()
