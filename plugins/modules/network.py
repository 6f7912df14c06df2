#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Keep the overlay networks of a Docker Swarm
version_added: 0.1.0
description:
  - Keeps any number of overlay networks in one call on a manager, the ingress network among them.
  - The engine can't change a network. One that differs from what is wanted is an error that says how, unless it may
    be recreated.
  - A network that services use is neither removed nor recreated; the error names the services.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode a host without an engine, or outside a swarm, counts as a manager of a swarm without networks.
options:
  networks:
    description:
      - The networks that must exist. Others are left alone.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name.
        type: str
        required: true
      subnet:
        description: The subnet, such as V(10.10.0.0/24). Without it the swarm takes one from its pools.
        type: str
      gateway:
        description: The gateway in O(networks[].subnet).
        type: str
      attachable:
        description: Whether containers outside services may join.
        type: bool
      internal:
        description: Whether the network has no way out.
        type: bool
      encrypted:
        description:
          - Whether traffic between nodes is encrypted. Engines before 20.10.24 and 23.0.3 may send it in clear all the same
            (CVE-2023-28840 to 28842); a warning names the nodes that have one.
        type: bool
      mtu:
        description: The largest packet. VXLAN takes 50 bytes from the network below, encryption about 50 more.
        type: int
      options:
        description: More options of the driver.
        type: dict
      labels:
        description: Labels of the network.
        type: dict
      ingress:
        description: Whether this is the network behind published ports. There is one only, C(ingress) at first.
        type: bool
      recreate:
        description: Recreate the network if it differs and no service uses it.
        type: bool
        default: false
      allow_public_subnet:
        description: Accept a subnet that belongs to someone on the Internet.
        type: bool
        default: false
  absent:
    description:
      - Names of networks to remove.
    type: list
    elements: str
    default: []
  routes:
    description:
      - What each host reaches by itself, as C(network) and C(via), by host. M(flotilla.swarm.swarm) leaves it in the fact
        C(flotilla_routes). A new subnet that overlaps is refused.
    type: dict
    default: {}
seealso:
  - module: flotilla.swarm.swarm
"""

EXAMPLES = r"""
- name: Keep two networks, and no third
  flotilla.swarm.network:
    networks:
      - {name: frontend, attachable: true}
      - {name: backend, subnet: 10.20.0.0/24, encrypted: true, mtu: 1400}
    absent: [old]

- name: Give the ingress network another subnet, while nothing publishes ports
  flotilla.swarm.network:
    networks:
      - {name: ingress, ingress: true, subnet: 10.11.0.0/16, recreate: true}
"""

RETURN = r"""
networks:
  description: The names of the networks that must exist.
  returned: always
  type: list
  elements: str
"""

import typing as t
from dataclasses import dataclass, field

from ..module_utils._core.cluster.networks import needs_users, plan_networks, read_network, wants_encryption
from ..module_utils._core.cluster.node import read_node
from ..module_utils._io.engine import Conflict, Engine, NotFound
from ..module_utils._io.member import Member, member_target
from ..module_utils._io.polling import poll
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

PATIENCE_SECONDS = 60

ARGUMENTS: dict[str, t.Any] = {
    "networks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "subnet": {"type": "str"},
            "gateway": {"type": "str"},
            "attachable": {"type": "bool"},
            "internal": {"type": "bool"},
            "encrypted": {"type": "bool"},
            "mtu": {"type": "int"},
            "options": {"type": "dict"},
            "labels": {"type": "dict"},
            "ingress": {"type": "bool"},
            "recreate": {"type": "bool", "default": False},
            "allow_public_subnet": {"type": "bool", "default": False},
        },
    },
    "absent": {"type": "list", "elements": "str", "default": []},
    "routes": {"type": "dict", "default": {}},
}


@dataclass(frozen=True)
class Observed:
    networks: t.Sequence[t.Mapping[str, t.Any]]
    services: t.Sequence[t.Mapping[str, t.Any]]
    engines: t.Mapping[str, str] = field(default_factory=dict)


def observe(member: Member, params: dict[str, t.Any]) -> Observed:
    seen, _info = member.inspect("")
    if member.is_to_become_manager(seen):
        return Observed([], [])
    engine = member.require_manager(seen)
    raw = engine.get("/networks", doing="listing the networks", filters={"scope": ["swarm"]})
    networks = [read_network(each) for each in raw]
    used = needs_users(networks, params["networks"], params["absent"])
    services = engine.get("/services", doing="listing the services") if used else []
    nodes = engine.get("/nodes", doing="listing the nodes") if wants_encryption(params["networks"]) else []
    return Observed(networks, services, {node.hostname: node.engine_version for node in map(read_node, nodes)})


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    return plan_networks(observed.networks, params["networks"], params["absent"], observed.services, params["routes"], observed.engines)


def apply(member: Member, change: Change, _observed: t.Any) -> None:
    engine = member.require_engine()
    if "id" in change.payload:
        _remove(engine, change)
    if "body" in change.payload:
        _create(engine, change)


def _remove(engine: Engine, change: Change) -> None:
    """Managers take the network off the nodes one by one, so that it stays for a while."""
    path, doing = f"/networks/{change.payload['id']}", f"removing network {change.name}"

    def is_gone(ask: t.Callable[..., t.Any]) -> bool:
        try:
            ask(path, doing=doing)
        except NotFound:
            return True
        return False

    if not is_gone(engine.delete) and not poll(lambda: is_gone(engine.get), bool, PATIENCE_SECONDS):
        raise FlotillaError(f"{doing}: it is still there after {PATIENCE_SECONDS} s", "Look for containers that are attached to it.")


def _create(engine: Engine, change: Change) -> None:
    """Where one of its name was just removed, managers may still know that."""

    def create() -> Conflict | None:
        try:
            engine.post("/networks/create", change.payload["body"], doing=f"creating network {change.name}")
        except Conflict as error:
            return error
        return None

    conflict = poll(create, lambda conflict: not conflict, PATIENCE_SECONDS if change.action == "replace" else 0)
    if conflict:
        raise conflict


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_target)


if __name__ == "__main__":
    main()
