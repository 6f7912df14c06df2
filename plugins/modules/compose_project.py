#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: compose_project
short_description: Look at what docker compose runs on a host, stop it and start it again
version_added: 0.1.0
description:
  - Knows the containers and volumes of a project by the labels that docker compose puts on them; the files are not needed.
  - It is there to move a project into a swarm. Containers and volumes are never removed.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
options:
  project:
    description: Name of the project.
    type: str
    required: true
  state:
    description:
      - V(stopped) stops containers that run, those that depend on others first.
      - V(started) starts containers that are stopped, those that depend on others last. What C(docker compose run) has run is left alone.
      - V(any) only looks.
    type: str
    choices: [any, stopped, started]
    default: any
  stop_timeout:
    description: Seconds that a container has to end by itself.
    type: int
    default: 30
seealso:
  - module: flotilla.swarm.stack
"""

EXAMPLES = r"""
- name: See what there is
  flotilla.swarm.compose_project:
    project: media
  register: media

- name: Stop it
  flotilla.swarm.compose_project:
    project: media
    state: stopped
"""

RETURN = r"""
services:
  description: The services by name, each with C(image), how many containers are C(running), and the C(volumes) that it mounts by key.
  returned: success
  type: dict
volumes:
  description: Names of the project's volumes on this host, by their key in the file.
  returned: success
  type: dict
  sample: {data: media_data}
overlay:
  description:
    - A stack file to merge over the project's own. It gives volumes the names that they have, and keeps the services that mount them on
      this node. The networks get names that end with V(_swarm), since an engine takes a network of its own before the swarm's of that
      name. Empty outside a swarm.
  returned: success
  type: dict
"""

import typing as t
from dataclasses import dataclass

from ..module_utils._core.compose_project import PROJECT, STARTED, STOPPED, Act, Raw, overlay, plan_project
from ..module_utils._io.engine import Engine
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "project": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["any", STOPPED, STARTED], "default": "any"},
    "stop_timeout": {"type": "int", "default": 30},
}


@dataclass(frozen=True)
class Observed:
    """What Docker labelled as the project's; ``node_id`` is empty outside a swarm."""

    containers: t.Sequence[Raw]
    volumes: t.Sequence[Raw]
    networks: t.Sequence[Raw]
    node_id: str


def observe(engine: Engine, params: dict[str, t.Any]) -> Observed:
    doing, filters = f"reading the project {params['project']}", {"label": [f"{PROJECT}={params['project']}"]}
    containers = engine.get("/containers/json", doing, all=True, filters=filters)
    volumes = engine.get("/volumes", doing, filters=filters).get("Volumes") or []
    networks = engine.get("/networks", doing, filters={**filters, "scope": ["local"]})
    return Observed(containers, volumes, networks, (engine.get("/info", doing).get("Swarm") or {}).get("NodeID") or "")


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    decided = plan_project(params["project"], observed.containers, observed.volumes, params["state"], params["stop_timeout"])
    merged = overlay(decided.result, observed.networks, observed.node_id) if observed.node_id else {}
    return Plan(decided.changes, result={**decided.result, "overlay": merged})


def apply(engine: Engine, change: Change, _observed: Observed) -> None:
    act: Act = change.payload
    doing = f"{'stopping' if act.verb == 'stop' else 'starting'} container {change.name}"
    engine.post(f"/containers/{act.container_id}/{act.verb}", doing=doing, **act.query)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply)


if __name__ == "__main__":
    main()
