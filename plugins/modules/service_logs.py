#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: service_logs
short_description: Read the logs of services of a Docker Swarm, from all nodes
version_added: 0.1.0
description:
  - Reads what the tasks of services wrote, on whichever nodes they run or ran, through one manager, and sorts it by task.
  - Former tasks are included, as long as their containers exist.
  - A name or stack that means no service is refused.
  - What is in a log is not looked at. An application that writes secrets has them in its logs, and then they are in the output and
    the files of this module.
  - The engine reads logs of the drivers C(json-file), C(local) and C(journald), and of others where it keeps a copy.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.selection
  - flotilla.swarm.selection.on_manager
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode logs are read, and no files are written.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Logs grow.
options:
  task:
    description: Only the task with this id, or an id that begins so.
    type: str
    default: ""
  tail:
    description: How many lines of each task, the last ones.
    type: int
    default: 200
  since:
    description: No line before this. How long ago, such as C(10m), or a time such as C(2026-01-31T12:00:00Z).
    type: str
    default: ""
  until:
    description: No line after this, as O(since). O(tail) counts before it is applied.
    type: str
    default: ""
  timestamps:
    description: Begin each line with its time.
    type: bool
    default: false
  max_bytes:
    description: So much of each task is kept, the end of it.
    type: int
    default: 1048576
  dest:
    description:
      - A directory on the controller, made with mode 0700 where it is not there, in which each task gets a file with mode 0600.
        Without it the logs are shown.
    type: path
    default: ""
seealso:
  - module: flotilla.swarm.stack_info
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Show the last lines of a service
  flotilla.swarm.service_logs:
    name: [grading_django]
    tail: 50

- name: Keep an hour of a stack's logs
  flotilla.swarm.service_logs:
    stack: [grading]
    since: 1h
    tail: 100000
    timestamps: true
    dest: logs/
"""

RETURN = r"""
logs:
  description: One entry for each task that wrote something, by service, slot and time of its creation.
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: Full name of the service.
      type: str
    slot:
      description: Number of the task, 0 for one of a global service.
      type: int
    task:
      description: The id of the task.
      type: str
    node:
      description: Host name of its node.
      type: str
    state:
      description: The state of the task.
      type: str
    lines:
      description: How many lines were read.
      type: int
    text:
      description: The lines.
      type: str
      returned: without O(dest)
    file:
      description: The file on the controller.
      type: str
      returned: with O(dest)
"""

import time
import typing as t

from ..module_utils._core.schedule.placement import Nodes
from ..module_utils._core.service.logs import read_moment, sort_by_task
from ..module_utils._core.service.naming import item_name
from ..module_utils._core.service.options import SELECTION, texts
from ..module_utils._core.service.outputs import bounded
from ..module_utils._core.service.streams import engine_words
from ..module_utils._core.stack.verbs import choose
from ..module_utils._io.engine import Engine
from ..module_utils.errors import PlanError
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    **SELECTION,
    "task": {"type": "str", "default": ""},
    "tail": {"type": "int", "default": 200},
    "since": {"type": "str", "default": ""},
    "until": {"type": "str", "default": ""},
    "timestamps": {"type": "bool", "default": False},
    "max_bytes": {"type": "int", "default": 1048576},
    "dest": {"type": "path", "default": ""},
}


def observe(engine: Engine, params: dict[str, t.Any]) -> tuple[list[dict[str, t.Any]], list[str]]:
    now, doing = time.time(), "reading logs"
    since, until = (read_moment(params[option], option, now) for option in ("since", "until"))
    if params["tail"] < 1 or params["max_bytes"] < 1:
        raise PlanError("tail and max_bytes must be 1 or more.")
    names, stacks = texts(params["name"]), texts(params["stack"])
    wanted = params["task"].strip()
    if not (names or stacks or params["label"] or wanted):
        if not params["allow_empty"]:
            raise PlanError("no service is named", "Give name, stack, label or task.")
        return [], []
    services = engine.get("/services", doing)
    chosen = {item["ID"]: item for item in (choose(services, names, stacks, params["label"]) or (services if wanted else []))}
    tasks = [task for task in engine.get("/tasks", doing) if task["ServiceID"] in chosen and task["ID"].startswith(wanted)]
    if wanted and not tasks:
        raise PlanError(f"there is no task {wanted}{' of the selected services' if len(chosen) < len(services) else ''}.")
    nodes = Nodes(engine.get("/nodes", doing)).names
    query = {"stdout": True, "stderr": True, "details": True, "timestamps": True, "tail": params["tail"]}
    if since is not None:
        query["since"] = f"{since:.3f}"
    written: dict[str, bytes] = {}
    complaints: list[str] = []
    paths = [f"/tasks/{task['ID']}" for task in tasks] if wanted else [f"/services/{key}" for key in chosen]
    for path in paths:
        raw = engine.get_raw(f"{path}/logs", doing, **query)
        written.update(sort_by_task(raw, until, params["timestamps"]))
        complaints += engine_words(raw)
    logs = [
        {
            "service": item_name(chosen[task["ServiceID"]]),
            "slot": int(task.get("Slot") or 0),
            "task": task["ID"],
            "node": nodes.get(task.get("NodeID", ""), ""),
            "state": task["Status"]["State"],
            "lines": written[task["ID"]].count(b"\n"),
            "text": bounded(written[task["ID"]], params["max_bytes"]),
        }
        for task in sorted(tasks, key=lambda task: (item_name(chosen[task["ServiceID"]]), task.get("Slot") or 0, task["CreatedAt"]))
        if task["ID"] in written
    ]
    return logs, complaints


def plan(observed: tuple[list[dict[str, t.Any]], list[str]], _params: dict[str, t.Any]) -> Plan:
    logs, complaints = observed
    return Plan(warnings=tuple(complaints), result={"logs": logs})


def main() -> None:
    run_module(ARGUMENTS, observe, plan)


if __name__ == "__main__":
    main()
