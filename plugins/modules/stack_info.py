#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: stack_info
short_description: Say what runs in a Docker Swarm, and why something does not
version_added: 0.1.0
description:
  - Reports the services of one stack or of the whole swarm, whoever deployed them, with their tasks, the nodes these run on,
    and the cause of what does not run.
  - Needs five requests, whatever the number of services.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes.info
options:
  name:
    description: Name of the stack. If omitted, all services are reported, also those of no stack.
    type: str
  label:
    description: Report services that have all of these labels.
    type: dict
    default: {}
seealso:
  - module: flotilla.swarm.stack
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Look at a stack
  flotilla.swarm.stack_info:
    name: grading
  register: grading
"""

RETURN = r"""
services:
  description: The services, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Full name.
      type: str
    stack:
      description: Name of its stack, empty for none.
      type: str
    mode:
      description: replicated, global, replicated-job or global-job.
      type: str
    image:
      description: The image with its digest.
      type: str
    running:
      description: Tasks that run, also those that an update has yet to replace, or that completed for a job.
      type: int
    desired:
      description: Tasks that should.
      type: int
    state:
      description:
        - V(running), V(completed) for a job that did all it had to do, V(waiting) or V(failed).
        - It is the verdict of M(flotilla.swarm.stack), which waits where this module looks once. A service whose tasks failed again and
          again within the last hour is V(failed), or V(waiting) once they run again, until they have done so for longer than before.
      type: str
    cause:
      description: Why it is not running.
      type: str
    update_state:
      description: The engine's word for the state of the last update, such as V(paused).
      type: str
    update_message:
      description: What the engine says of it.
      type: str
    ports:
      description: Published ports, such as C(*:80->8080/tcp). In host mode with the address of each node.
      type: list
      elements: str
    tasks:
      description: Its tasks, former ones too as far as the swarm keeps them.
      type: list
      elements: dict
images:
  description: The images of the services as they are and as they were before their last update, which M(flotilla.swarm.prune) keeps.
  returned: success
  type: list
  elements: str
stacks:
  description: The names of the stacks, sorted.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ..module_utils._core.schedule.report import report_services
from ..module_utils._core.service.images import image_of
from ..module_utils._core.service.naming import labelled
from ..module_utils._core.timestamps import read_time
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {"name": {"type": "str"}, "label": {"type": "dict", "default": {}}}


def observe(engine: t.Any, params: dict[str, t.Any]) -> dict[str, t.Any]:
    filters = labelled(params["name"] or "", params["label"])
    doing = "reading the services of the swarm"
    services = engine.get("/services", doing, filters=filters)
    tasks, current = (engine.get("/tasks", doing, filters={**filters, **more}) for more in ({}, {"_up-to-date": ["true"]}))
    nodes, now = engine.get("/nodes", doing), read_time(engine.get("/info", doing)["SystemTime"])
    told = report_services(services, tasks, [task["ID"] for task in current], nodes, now)
    images = {image_of(spec) for service in services for spec in (service["Spec"], service.get("PreviousSpec")) if spec}
    stacks = {service["stack"] for service in told if service["stack"]}
    return {"services": told, "images": sorted(images), "stacks": sorted(stacks)}


def plan(observed: dict[str, t.Any], _params: dict[str, t.Any]) -> Plan:
    return Plan(result=observed)


def main() -> None:
    run_module(ARGUMENTS, observe, plan)


if __name__ == "__main__":
    main()
