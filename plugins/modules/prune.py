#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: prune
short_description: Remove the images of a host that nothing needs any longer
version_added: 0.1.0
description:
  - Removes images of which this host has no container, running or stopped, and that are not in O(keep).
  - C(docker image prune) knows only this host. It takes the image of a service's previous version, which a rollback needs, and
    the images of jobs and of services with no replica.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  keep:
    description:
      - Images of the swarm's services as they are and as they were before their last update, which is what
        M(flotilla.swarm.stack_info) returns as C(images).
    type: list
    elements: str
    required: true
  spare:
    description: Names of further images that stay; V(*) and V(?) are wildcards.
    type: list
    elements: str
    default: []
  older_than:
    description: Remove only images that were made at least so long ago, in seconds or as a duration such as C(24h).
    type: str
    default: 24h
seealso:
  - module: flotilla.swarm.stack_info
"""

EXAMPLES = r"""
- name: Ask which images the swarm needs
  flotilla.swarm.stack_info:
  delegate_to: m1
  run_once: true
  register: swarm

- name: Remove the others
  flotilla.swarm.prune:
    keep: "{{ swarm.images }}"
    spare: ["registry.example.com/base/*"]
"""

RETURN = r"""
images:
  description: Names of the images that are removed, short ids of those without a name.
  returned: success
  type: list
  elements: str
bytes:
  description: Their size together. Layers that other images share stay, so that it may free less.
  returned: success
  type: int
"""

import typing as t

from ansible_collections.flotilla.swarm.plugins.module_utils.engine import Conflict, Engine, NotFound
from ansible_collections.flotilla.swarm.plugins.module_utils.moments import read_time
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change, Plan, PlanError
from ansible_collections.flotilla.swarm.plugins.module_utils.prune import plan_prune
from ansible_collections.flotilla.swarm.plugins.module_utils.runner import run_module
from ansible_collections.flotilla.swarm.plugins.module_utils.stack.canonical import parse_seconds
from ansible_collections.flotilla.swarm.plugins.module_utils.stack.options import texts

ARGUMENTS: dict[str, t.Any] = {
    "keep": {"type": "list", "elements": "str", "required": True},
    "spare": {"type": "list", "elements": "str", "default": []},
    "older_than": {"type": "str", "default": "24h"},
}


def observe(engine: Engine, params: dict[str, t.Any]) -> tuple[list[dict[str, t.Any]], list[dict[str, t.Any]], float]:
    try:
        age = parse_seconds(params["older_than"])
    except PlanError as error:
        raise PlanError(f"older_than: {error} Nothing was removed.") from None
    doing = "listing images and containers"
    now = read_time(engine.get("/info", doing)["SystemTime"])
    return engine.get("/images/json", doing), engine.get("/containers/json", doing, all=True), now - age


def plan(observed: tuple[list[dict[str, t.Any]], list[dict[str, t.Any]], float], params: dict[str, t.Any]) -> Plan:
    images, containers, oldest_kept = observed
    return plan_prune(images, containers, params["keep"], texts(params["spare"]), oldest_kept)


def apply(engine: Engine, change: Change) -> None:
    """An image that came into use meanwhile, or that another one builds on, stays."""
    for name in change.payload:
        try:
            engine.delete(f"/images/{name}", f"removing image {name}")
        except (Conflict, NotFound):
            return


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply)


if __name__ == "__main__":
    main()
