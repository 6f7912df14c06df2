#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: task_stats
short_description: Say what the tasks of a Docker Swarm use on this host
version_added: 0.1.0
description:
  - Tells processor, memory and network of each task that runs on this host, with one request for each container, several at a
    time. It takes about two seconds, because processor time is the difference of two samples.
  - An engine knows its own containers only, so that a play runs this on every host.
  - Without O(name) and O(stack) it tells of all tasks of this host.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.selection
  - flotilla.swarm.attributes.info
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: See what the graders use
  flotilla.swarm.task_stats:
    name: ["grading_*grader"]
  register: usage
"""

RETURN = r"""
node:
  description: Host name of this node.
  returned: success
  type: str
tasks:
  description: The tasks that run here, by service and slot.
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
      description: Host name of this node.
      type: str
    cpu_percent:
      description: Percent of one processor, so that 200 is two of them.
      type: float
    memory_bytes:
      description: Memory in use, without files that were only read.
      type: int
    memory_limit_bytes:
      description: What it may use at most, that is the host's memory where it has no limit.
      type: int
    received_bytes:
      description: Received over all networks since the task began.
      type: int
    sent_bytes:
      description: Sent over all networks since the task began.
      type: int
    pids:
      description: Processes and threads.
      type: int
"""

import platform
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..module_utils._core.schedule.containers import TASK_LABEL, is_chosen, read_usage
from ..module_utils._core.service.options import SELECTION, texts
from ..module_utils._io.engine import Engine, NotFound
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {name: SELECTION[name] for name in ("name", "stack")}
AT_ONCE = 16


@dataclass(frozen=True)
class Observed:
    """The host name of this node, and what its tasks use."""

    node: str
    records: list[dict[str, t.Any]]


def observe(engine: Engine, params: dict[str, t.Any]) -> Observed:
    names, stacks = texts(params["name"]), texts(params["stack"])
    containers = engine.get("/containers/json", "listing tasks", filters={"label": [TASK_LABEL]})
    chosen = [container for container in containers if is_chosen(container, names, stacks)]

    def read(container: dict[str, t.Any]) -> dict[str, t.Any] | None:
        try:
            return read_usage(container, engine.get(f"/containers/{container['Id']}/stats", "reading what tasks use", stream=False))
        except NotFound:  # it ended meanwhile
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Observed(platform.node(), [record for record in pool.map(read, chosen) if record])


def plan(observed: Observed, _params: dict[str, t.Any]) -> Plan:
    records = sorted(observed.records, key=lambda record: (record["service"], record["slot"]))
    return Plan(result={"node": observed.node, "tasks": [{**record, "node": observed.node} for record in records]})


def main() -> None:
    run_module(ARGUMENTS, observe, plan)


if __name__ == "__main__":
    main()
