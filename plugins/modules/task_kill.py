#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: task_kill
short_description: Kill a running task of a Docker Swarm, as a fault would
version_added: 0.1.0
description:
  - Sends SIGKILL to the container of a task, to see whether the swarm starts another one in its place. It does not wait for that.
  - It has to run on the host of the node that the task is on. On any other host it does nothing and returns RV(found=false), so
    that a play may run it on all of them. M(flotilla.swarm.task_info) finds the task.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
    details:
      - A task that no longer runs is left alone.
options:
  task:
    description: The id of the task.
    type: str
    required: true
seealso:
  - module: flotilla.swarm.task_info
  - module: flotilla.swarm.service
"""

EXAMPLES = r"""
- name: Find a task of the web service
  flotilla.swarm.task_info:
    service: grading_django
  delegate_to: m1
  run_once: true
  register: web

- name: Kill it where it runs
  flotilla.swarm.task_kill:
    task: "{{ web.tasks[0].id }}"
"""

RETURN = r"""
found:
  description: Whether the task runs on this host.
  returned: success
  type: bool
"""

import typing as t

from ..module_utils._core.schedule.containers import TASK_LABEL, name_of_task
from ..module_utils._io.engine import Engine
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {"task": {"type": "str", "required": True}}


def observe(engine: Engine, params: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    filters = {"label": [f"{TASK_LABEL}={params['task']}"]}
    found: list[dict[str, t.Any]] = engine.get("/containers/json", "looking for the task", filters=filters)
    return found


def plan(observed: list[dict[str, t.Any]], params: dict[str, t.Any]) -> Plan:
    names = [(name_of_task(container, params["task"]), container["Id"]) for container in observed]
    changes = [Change("task", name, "replace", cost="restarts tasks", reason="is killed", payload=identity) for name, identity in names]
    return Plan(tuple(changes), result={"found": bool(changes)})


def apply(engine: Engine, change: Change, _observed: list[dict[str, t.Any]]) -> None:
    engine.post(f"/containers/{change.payload}/kill", doing=f"killing {change.name}", signal="SIGKILL")


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply)


if __name__ == "__main__":
    main()
