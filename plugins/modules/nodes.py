#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: nodes
short_description: Keep the labels, availability and roles of all nodes of a Docker Swarm
version_added: 0.1.0
description:
  - Keeps what the inventory says about every node in one call on a manager. It lists the nodes once and updates
    those that differ.
  - Label policies are checked before anything else. A broken one changes nothing.
  - Hosts are promoted before others are demoted, the leader is demoted last, and no step is done that would cost the
    quorum.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode a host that is no node yet is planned as if it had joined.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  labels:
    description:
      - Labels by host. Numbers and booleans become text, V(true) becomes C("true"). A label without a value
        (V(null)) is removed.
    type: dict
    default: {}
  labels_mode:
    description:
      - V(merge) leaves labels alone that are not named.
      - V(exact) removes them from the hosts in O(labels).
    type: str
    choices: [merge, exact]
    default: merge
  label_policies:
    description:
      - Rules for the labels of all nodes. A label counts when it is there and neither empty nor V(false).
    type: dict
    default: {}
    suboptions:
      exactly_one:
        description: Labels that exactly one node carries.
        type: list
        elements: str
        default: []
      at_most_one_of:
        description: Groups of labels; a node carries at most one label of each group.
        type: list
        elements: list
        default: []
  availability:
    description:
      - V(active), V(pause), V(drain) or V(previous) by host. V(previous) ends a drain with what the node was before,
        which the label
        C(flotilla.availability) remembers.
    type: dict
    default: {}
  check_capacity:
    description:
      - Before nodes are drained, check that the others have room for their tasks by constraints, platforms,
        reservations, ports of the
        host and C(max_replicas_per_node). Without it tasks that find no room wait.
    type: bool
    default: true
  drain_timeout:
    description:
      - Seconds to wait, after nodes are drained, until no task is left there and their services are whole elsewhere.
        V(0) does not wait.
    type: int
    default: 300
  roles:
    description:
      - V(manager) or V(worker) by host.
    type: dict
    default: {}
  node_ids:
    description:
      - The node id that each host itself told, by host. M(flotilla.swarm.swarm) leaves it in the fact
        C(flotilla_node_id).
      - A host without one is found by its host name or its address in O(addresses), if only one node can be meant.
    type: dict
    default: {}
  addresses:
    description:
      - Addresses by host, to find hosts without a node id.
    type: dict
    default: {}
  absent:
    description:
      - Nodes to remove, by host name or node id. They must be down. A manager is demoted first.
    type: list
    elements: str
    default: []
  remove_ghosts:
    description:
      - Remove nodes that are down and whose host came back under another id. That is proven by O(node_ids), and the
        same host name and
        address.
    type: bool
    default: false
seealso:
  - module: flotilla.swarm.swarm
  - module: flotilla.swarm.swarm_info
"""

EXAMPLES = r"""
- name: Label the nodes
  flotilla.swarm.nodes:
    labels:
      db1: {database: true, registry: true}
      gpu01: {grader: true, slots: 4, old_label: null}
    label_policies:
      exactly_one: [database, registry]
      at_most_one_of: [[grader, tiny_grader]]

- name: Drain a node and make another one a manager
  flotilla.swarm.nodes:
    availability: {gpu01: drain}
    roles: {m3: manager}

- name: Forget a node that is gone
  flotilla.swarm.nodes:
    absent: [gpu09]
"""

RETURN = r"""
node_ids:
  description: The node id of every host that was named, by host.
  returned: always
  type: dict
drained:
  description: The ids of the nodes that this run drained.
  returned: always
  type: list
  elements: str
"""

import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.drain import check_capacity, find_remains
from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.node import (
    Node,
    change_spec,
    read_node,
    read_quorum,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.nodes import (
    PREVIOUS,
    Wanted,
    find_drained,
    plan_nodes,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.engine import (
    Engine,
    NotFound,
    OutOfSequence,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.member import Member, member_world
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change, FlotillaError, Plan, PlanError
from ansible_collections.flotilla.swarm.plugins.module_utils.runner import run_module

Raw = t.Mapping[str, t.Any]

ATTEMPTS = 4
DRAINING = "draining nodes"
PATIENCE_SECONDS = 90
CHOICES = {"availability": ("active", "pause", "drain", PREVIOUS), "roles": ("manager", "worker")}

ARGUMENTS: dict[str, t.Any] = {
    "labels": {"type": "dict", "default": {}},
    "labels_mode": {"type": "str", "choices": ["merge", "exact"], "default": "merge"},
    "label_policies": {
        "type": "dict",
        "default": {},
        "options": {
            "exactly_one": {"type": "list", "elements": "str", "default": []},
            "at_most_one_of": {"type": "list", "elements": "list", "default": []},
        },
    },
    "availability": {"type": "dict", "default": {}},
    "check_capacity": {"type": "bool", "default": True},
    "drain_timeout": {"type": "int", "default": 300},
    "roles": {"type": "dict", "default": {}},
    "node_ids": {"type": "dict", "default": {}},
    "addresses": {"type": "dict", "default": {}},
    "absent": {"type": "list", "elements": "str", "default": []},
    "remove_ghosts": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class Observed:
    """The nodes as the engine lists them; services and tasks only where nodes are going to be drained."""

    nodes: t.Sequence[Raw] = ()
    check_mode: bool = False
    services: t.Sequence[Raw] = ()
    tasks: t.Sequence[Raw] = ()


def observe(member: Member, params: dict[str, t.Any]) -> Observed:
    for option, choices in CHOICES.items():
        wrong = {host: value for host, value in params[option].items() if value not in choices}
        if wrong:
            raise PlanError(f"{option}: expected one of {', '.join(choices)}, found {wrong}.")
    seen, _info = member.look("")
    if member.check_mode and seen.state in ("no engine", "inactive"):
        return Observed(check_mode=True)
    engine = member.require_manager(seen)
    observed = Observed(engine.get("/nodes", doing="listing the nodes"), member.check_mode)
    if not find_drained(plan(observed, params)):
        return observed
    return replace(observed, services=engine.get("/services", doing=DRAINING), tasks=engine.get("/tasks", doing=DRAINING))


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    wanted = Wanted(
        labels=params["labels"],
        exact=params["labels_mode"] == "exact",
        policies=params["label_policies"],
        availability=params["availability"],
        roles=params["roles"],
        node_ids={host: node_id for host, node_id in params["node_ids"].items() if node_id},
        addresses={host: address for host, address in params["addresses"].items() if address},
        absent=params["absent"],
        remove_ghosts=params["remove_ghosts"],
    )
    planned = plan_nodes([read_node(node) for node in observed.nodes], wanted, joining=observed.check_mode)
    drained = find_drained(planned)
    if params["check_capacity"]:
        check_capacity(drained, observed.nodes, observed.services, observed.tasks)
    return replace(planned, result={**planned.result, "drained": sorted(drained)})


def watch(member: Member, params: dict[str, t.Any], planned: Plan) -> None:
    """Wait until nothing is left on the drained nodes and what was there runs elsewhere."""
    drained = find_drained(planned, only_up=True)
    until = time.monotonic() + params["drain_timeout"]
    while drained and params["drain_timeout"]:
        engine = member.require_engine()
        remains = find_remains(drained, engine.get("/services", doing=DRAINING), engine.get("/tasks", doing=DRAINING))
        if not remains:
            return
        if time.monotonic() > until:
            raise FlotillaError(
                f"The nodes are drained, but after {params['drain_timeout']} s {'; '.join(remains)}. "
                "Look at those services; the nodes stay drained."
            )
        time.sleep(1)


def apply(member: Member, change: Change) -> None:
    engine = member.require_engine()
    node: Node = change.payload["node"]
    delta = change.payload["delta"]
    if change.action == "remove":
        _await_node(engine, node, "down", lambda current: current.state == "down")
    if delta.get("Role") == "worker":
        _check_quorum(engine, node)
    if delta:
        _update(engine, node, delta)
    if "Role" in delta:
        _await_role(engine, node, delta["Role"])
    if change.action == "remove":
        _remove(engine, node)


def _check_quorum(engine: Engine, node: Node) -> None:
    """Once more with what is true now: earlier steps and other runs may have changed it since the plan."""
    managers = [read_node(raw) for raw in engine.get("/nodes", doing="reading the managers", filters={"role": ["manager"]})]
    current = next((each for each in managers if each.node_id == node.node_id), None)
    refusal = read_quorum(managers).refusal(current.is_reachable) if current and current.manager_address else ""
    if refusal:
        raise PlanError(f"Demoting {node.hostname}: {refusal}.")


def _update(engine: Engine, node: Node, delta: dict[str, t.Any]) -> None:
    doing, path = f"updating node {node.hostname}", f"/nodes/{node.node_id}"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            engine.post(f"{path}/update", change_spec(node.spec, delta), doing=doing, version=node.version)
            return
        except OutOfSequence:
            if attempt == ATTEMPTS:
                raise
            node = read_node(engine.get(path, doing=doing))


def _await_role(engine: Engine, node: Node, role: str) -> None:
    """A node that was up restarts its part in the swarm, and is up again after some seconds."""

    def is_done(current: Node) -> bool:
        has_role = current.is_reachable if role == "manager" else not current.manager_address
        return has_role and (current.is_up or not node.is_up)

    _await_node(engine, node, f"a {role}", is_done)


def _await_node(engine: Engine, node: Node, what: str, is_done: t.Callable[[Node], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        current = read_node(engine.get(f"/nodes/{node.node_id}", doing=f"waiting for {node.hostname} to be {what}"))
        if is_done(current):
            return
        if time.monotonic() > until:
            raise FlotillaError(
                f"{node.hostname} ({node.node_id}) is not {what} after {PATIENCE_SECONDS} s (state {current.state}). "
                "Look at its engine's log (journalctl -u docker), then run again."
            )
        time.sleep(0.5)


def _remove(engine: Engine, node: Node) -> None:
    try:
        engine.delete(f"/nodes/{node.node_id}", doing=f"removing node {node.hostname}")
    except NotFound:
        pass


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, watch, world=member_world)


if __name__ == "__main__":
    main()
