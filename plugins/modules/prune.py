#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: prune
short_description: Remove what a host has and nothing needs any longer
version_added: 0.1.0
description:
  - Removes images that no container of this host uses, running or stopped, and that are not in O(keep).
  - Removes stopped containers of tasks that it ran when it was another node, before it was wiped or joined again. The swarm removes
    those of its own nodes, and knows nothing of these.
  - Removes the parts of the build cache that no build uses, with an engine 23.0 or later. Volumes, networks and other containers stay.
  - C(docker image prune) knows only this host. It takes the image of a service's previous version, which a rollback needs, and
    the images of jobs and of services with no replica.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
  - flotilla.swarm.guard
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
    description:
      - Remove only what was created at least this long ago, in seconds or as a duration such as C(24h). Of the build cache it
        counts when it was
        last used.
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
    confirm: "{{ confirm }}"
    swarm_name: "{{ swarm_name }}"
"""

RETURN = r"""
containers:
  description: Names of the containers that are removed.
  returned: success
  type: list
  elements: str
images:
  description: Names of the images that are removed, short ids of those without a name.
  returned: success
  type: list
  elements: str
bytes:
  description: The size of images and build cache together. Layers that other images share stay, so that it may free less.
  returned: success
  type: int
"""

import typing as t

from ..module_utils._core.cluster import guard
from ..module_utils._core.prune import HostInventory, plan_prune
from ..module_utils._core.service.options import texts
from ..module_utils._core.timestamps import parse_seconds, read_time
from ..module_utils._io.engine import Conflict, Engine, NotFound
from ..module_utils._io.member import Member, member_target
from ..module_utils.errors import PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    **guard.ARGUMENTS,
    "keep": {"type": "list", "elements": "str", "required": True},
    "spare": {"type": "list", "elements": "str", "default": []},
    "older_than": {"type": "str", "default": "24h"},
}


# From then on the engine counts only what it is asked for, which is quick.
DISK_USAGE_BY_TYPE = (1, 42)


def observe(member: Member, params: dict[str, t.Any]) -> HostInventory:
    guard.refuse_unconfirmed(params["confirm"], params["swarm_name"])
    try:
        age = parse_seconds(params["older_than"])
    except PlanError as error:
        raise PlanError(f"older_than: {error}") from None
    doing = "listing images and containers"
    engine = member.require_engine()
    seen, info = member.inspect("")
    guard.refuse_stranger(seen, params["cluster_id"])
    swarm = info["Swarm"]
    return HostInventory(
        images=engine.get("/images/json", doing),
        containers=engine.get("/containers/json", doing, all=True),
        cache=_read_cache(engine),
        node_id=swarm["NodeID"] if swarm["LocalNodeState"] in ("active", "inactive") else None,
        now=read_time(info["SystemTime"]),
        age=age,
    )


def _read_cache(engine: Engine) -> list[dict[str, t.Any]]:
    """From API 1.52 on the parts are elsewhere in the answer, and come by request only."""
    if engine.api_version < DISK_USAGE_BY_TYPE:
        return []
    used = engine.get("/system/df", "reading the build cache", type="build-cache", verbose=True)
    return (used.get("BuildCacheUsage") or {}).get("Items") or used.get("BuildCache") or []


def plan(observed: HostInventory, params: dict[str, t.Any]) -> Plan:
    return plan_prune(observed, params["keep"], texts(params["spare"]))


def apply(member: Member, change: Change, _observed: t.Any) -> None:
    """What came into use meanwhile stays, and so does an image that another one builds on."""
    engine = member.require_engine()
    if change.kind == "cache":
        engine.post("/build/prune", doing="removing the build cache", all=True, filters={"until": [f"{change.payload:.0f}s"]})
        return
    paths = [f"/containers/{change.payload}"] if change.kind == "container" else [f"/images/{name}" for name in change.payload]
    for path in paths:
        try:
            engine.delete(path, f"removing {change.kind} {change.name}")
        except (Conflict, NotFound):
            return


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_target)


if __name__ == "__main__":
    main()
