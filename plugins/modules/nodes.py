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
  - Where O(swarm_name) is given, O(confirm) has to be the same before anything is changed, as in playbooks that take nodes out of the
    swarm.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
  - flotilla.swarm.guard
attributes:
  check_mode:
    support: full
    details:
      - In check mode a host that is no node yet is planned as if it had joined.
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
      - Seconds to wait, after nodes are drained, until no task is left there and their services are whole elsewhere, or as
        whole as they were. V(0) does not wait.
      - It is also how long a drained node that becomes active again may take to run the tasks that it gets of services that ran there
        until the drain, such as global ones.
      - With O(surge) also the seconds that each service may take to move.
    type: int
    default: 300
  surge:
    description:
      - Which services start elsewhere before a node is drained, so that nobody who uses them misses an answer.
        V(none) leaves that to the drain, which stops tasks before it starts others.
      - V(sole) is for services that run on the drained nodes only, V(all) for each that has tasks there. Jobs and global
        services have no other place.
      - Services move one after the other, by an update with a constraint and start-first order that is taken back
        afterwards, also after a failure. What a rollback would go back to is lost by that.
      - A service that writes to mounts moves so only where its own update order is start-first, since two of its tasks
        would write at once. A warning names the others.
      - A service whose last update is not over is refused.
    type: str
    choices: [none, sole, all]
    default: none
  roles:
    description:
      - V(manager) or V(worker) by host.
    type: dict
    default: {}
  replaces:
    description:
      - Nodes that replace others, by host. Each gets the labels, the availability and, from a manager, the role of the node
        that is named by host, host name or node id. A node that has left the swarm gives nothing.
      - To drain the old node in the same call counts on the room that the new one has.
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
  turn:
    description:
      - With V(goes_on) the lock that keeps other runs from changing nodes is kept for the next task of the same playbook, for 15 minutes at
        most. With V(ends) it is given back, whatever else there is to do.
      - Without it the lock is held as long as the task takes.
    type: str
    choices: [goes_on, ends]
  caller:
    description: Who calls, for the lock that others meet. Set by the controller's half of this module; not for playbooks.
    type: dict
    default: {}
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

- name: Drain a node, with every service of it running elsewhere first
  flotilla.swarm.nodes:
    availability: {gpu01: drain}
    surge: all

- name: Let m4 replace m1
  flotilla.swarm.nodes:
    replaces: {m4: m1}
    availability: {m1: drain}
    roles: {m1: worker}

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
from contextlib import suppress
from dataclasses import dataclass, replace

from ..module_utils._core.cluster import guard
from ..module_utils._core.cluster.node import Node, change_spec, read_node, read_quorum
from ..module_utils._core.cluster.nodes import (
    AVAILABILITIES,
    PREVIOUS,
    Wanted,
    before_drains,
    find_drained,
    find_lingering,
    find_returned,
    is_interrupted,
    pause_first,
    plan_nodes,
)
from ..module_utils._core.schedule.capacity import check_capacity
from ..module_utils._core.schedule.drain import count_running, find_stopped
from ..module_utils._core.schedule.surge import plan_surge
from ..module_utils._core.schedule.task_states import has_ended
from ..module_utils._core.stack.session import Session
from ..module_utils._io.deploy.give_up import strand
from ..module_utils._io.deploy.lock import LEASE_SECONDS, NODES, TURN_SECONDS, Locks
from ..module_utils._io.drain import await_drained, await_returned, list_tasks_of, move_service
from ..module_utils._io.engine import Engine, NotFound, Unusable
from ..module_utils._io.member import Member, member_target
from ..module_utils._io.polling import poll, write_in_sequence
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

Raw = t.Mapping[str, t.Any]

DRAINING = "draining nodes"
PATIENCE_SECONDS = 90
JOIN_SECONDS = 30
CHOICES = {"availability": (*AVAILABILITIES, PREVIOUS), "roles": ("manager", "worker")}

ARGUMENTS: dict[str, t.Any] = {
    **guard.ARGUMENTS,
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
    "surge": {"type": "str", "choices": ["none", "sole", "all"], "default": "none"},
    "roles": {"type": "dict", "default": {}},
    "replaces": {"type": "dict", "default": {}},
    "node_ids": {"type": "dict", "default": {}},
    "addresses": {"type": "dict", "default": {}},
    "absent": {"type": "list", "elements": "str", "default": []},
    "remove_ghosts": {"type": "bool", "default": False},
    "turn": {"type": "str", "choices": ["goes_on", "ends"]},
    "caller": {"type": "dict", "default": {}},
}


@dataclass(frozen=True)
class Observed:
    """The nodes as the engine, which is node ``node_id``, lists them; services and tasks only where nodes are going to be drained."""

    nodes: t.Sequence[Raw] = ()
    check_mode: bool = False
    node_id: str = ""
    services: t.Sequence[Raw] = ()
    tasks: t.Sequence[Raw] = ()
    locks: Locks | None = None


@dataclass(frozen=True)
class Move:
    """What moves a service before a drain: a change of ``plan_surge``, how long it may take, and the nodes that were paused for it."""

    change: Change
    seconds: float
    pauses: t.Sequence[Change]


def observe(member: Member, params: dict[str, t.Any]) -> Observed:
    guard.refuse_if_named(params)
    for option, choices in CHOICES.items():
        wrong = {host: value for host, value in params[option].items() if value not in choices}
        if wrong:
            raise PlanError(f"{option}: expected one of {', '.join(choices)}, found {wrong}.")
    seen, _info = member.inspect("")
    if member.is_to_become_manager(seen):
        return Observed(check_mode=True)
    engine = member.require_manager(seen)
    guard.refuse_stranger(seen, params["cluster_id"])
    session = Session.from_result({"holder": "a playbook", **params["caller"]})
    locks = Locks(engine, [NODES], session, time, lease=TURN_SECONDS if params["turn"] else LEASE_SECONDS)
    if session.stop:
        raise _tell_stop(engine, params, session, locks)
    observed = Observed(_list_nodes(engine, params), member.check_mode, seen.node_id, locks=locks)
    nodes = [read_node(node) for node in observed.nodes]
    planned = _plan_nodes(observed, params)
    if find_drained(planned) or any(is_interrupted(node) for node in nodes):
        return replace(observed, services=engine.get("/services", doing=DRAINING), tasks=engine.get("/tasks", doing=DRAINING))
    asked = find_returned(planned) | find_lingering(planned, nodes, params["availability"])
    return replace(observed, tasks=list_tasks_of(engine, asked)) if asked and params["drain_timeout"] else observed


def _list_nodes(engine: Engine, params: dict[str, t.Any]) -> t.Sequence[Raw]:
    """A node that has just joined is ready a little later, and room on it counts from then on."""
    new = {params["node_ids"].get(host) for host in params["replaces"]}

    def look() -> t.Sequence[Raw]:
        return t.cast(t.Sequence[Raw], engine.get("/nodes", doing="listing the nodes"))

    return poll(look, lambda nodes: all(read_node(node).is_up for node in nodes if node["ID"] in new), JOIN_SECONDS)


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    planned = _plan_nodes(observed, params)
    _refuse_own_demotion(observed, planned)
    drained = find_drained(planned)
    coming = {*params["labels"], *params["roles"], *params["replaces"]} - {*planned.result["node_ids"]}
    if params["check_capacity"] and not coming:
        check_capacity(drained, _nodes_after(observed.nodes, planned), observed.services, observed.tasks)
    moves, warnings = _plan_moves(observed, params, planned)
    if drained and coming:
        warnings.append(f"whether the nodes have room is known only when {', '.join(sorted(coming))} joined")
    return Plan(before_drains(planned, moves), tuple(warnings), {**planned.result, "drained": sorted(drained)})


def _plan_nodes(observed: Observed, params: dict[str, t.Any]) -> Plan:
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
        replaces=params["replaces"],
    )
    return plan_nodes([read_node(node) for node in observed.nodes], wanted, joining=observed.check_mode)


def _refuse_own_demotion(observed: Observed, planned: Plan) -> None:
    for change in planned.changes:
        own = change.payload["node"].node_id == observed.node_id
        if own and change.payload["delta"].get("Role") == "worker" and not observed.check_mode:
            raise PlanError(
                f"Demoting {change.name}: this run acts through this manager, and could not finish once it is a worker",
                "Run this on another manager.",
            )


def _nodes_after(nodes: t.Sequence[Raw], planned: Plan) -> list[Raw]:
    deltas = {change.payload["node"].node_id: change.payload["delta"] for change in planned.changes}
    return [{**node, "Spec": change_spec(node["Spec"], deltas.get(node["ID"], {}))} for node in nodes]


def _plan_moves(observed: Observed, params: dict[str, t.Any], planned: Plan) -> tuple[list[Change], list[str]]:
    """What comes before a drain, so that services run elsewhere first."""
    up = find_drained(planned, only_up=True)
    if up and params["surge"] != "none" and not params["drain_timeout"]:
        raise PlanError("surge waits for services to move, found drain_timeout 0", "Give the seconds that a service may take.")
    leaving = {node["ID"]: read_node(node).hostname for node in observed.nodes if node["ID"] in up}
    changes, warnings = plan_surge(params["surge"], leaving, observed.services, observed.tasks)
    pauses = pause_first(planned) if any(change.cost != "nothing" for change in changes) else []
    return [*pauses, *(replace(each, payload=Move(each, params["drain_timeout"], pauses)) for each in changes)], warnings


def apply(member: Member, change: Change, observed: Observed) -> None:
    locks = t.cast(Locks, observed.locks)
    try:
        if change.kind == "service" or change.action == "remove" or change.payload["delta"].keys() - {"Labels"}:
            locks.hold()
        locks.check()
        _apply(member.require_engine(), change, observed, locks)
    except BaseException:
        locks.release()
        raise


def _apply(engine: Engine, change: Change, observed: Observed, locks: Locks) -> None:
    if change.kind != "service":
        _apply_to_node(engine, change)
        return
    move: Move = change.payload
    try:
        move_service(engine, move.change, observed.nodes, move.seconds, locks)
    except BaseException as error:
        with suppress(Unusable):  # what keeps the move from going on keeps this from it, too
            for pause in move.pauses:
                _undo_pause(engine, pause)
        if isinstance(error, FlotillaError):
            failure = FlotillaError(f"Moving services before the drain: {error}\nNo node was drained.")
            failure.result = {name: value for name, value in error.result.items() if name == "stranded"}
            raise failure from None
        raise


def watch(member: Member, params: dict[str, t.Any], planned: Plan, observed: Observed) -> None:
    seconds, locks = params["drain_timeout"], observed.locks
    if not locks:
        return
    if params["turn"] == "goes_on":
        locks.hold()
    try:
        if seconds:
            engine = member.require_engine()
            await_returned(engine, find_stopped(find_returned(planned), observed.tasks), observed.nodes, seconds, locks.check)
            drained = find_drained(planned, only_up=True) | _find_leaving(observed, params, planned)
            await_drained(engine, drained, count_running(observed.tasks), seconds, locks.check)
        locks.check()
    except BaseException:
        with suppress(Unusable):
            locks.release_all()
        raise
    if params["turn"] == "ends" or params["caller"].get("unheard"):
        # What earlier tasks of this run locked, or it itself through a manager that can't act any more.
        locks.release_all()
    elif params["turn"] != "goes_on":
        locks.release()


def _tell_stop(engine: Engine, params: dict[str, t.Any], session: Session, locks: Locks) -> FlotillaError:
    """Give the lock back, and say how far the nodes are. What is still at work finds its lock gone, and ends."""
    locks.release_all()
    nodes = {node.hostname: node for node in map(read_node, engine.get("/nodes", doing="looking how far the nodes are"))}
    wanted = sorted({*params["availability"], *params["roles"]} & nodes.keys())
    states = "; ".join(f"{name} is a {nodes[name].role}, set to {nodes[name].availability}" for name in wanted)
    text = f"interrupted by {session.stop}, and gave its lock back{f'. {states}' if states else ''}"
    error = FlotillaError(text, "The same command finishes it; activate.yml undoes a drain.")
    error.changed = ["what came before the interruption"]
    return error


def _find_leaving(observed: Observed, params: dict[str, t.Any], planned: Plan) -> set[str]:
    """The nodes that were drained before this run and still have tasks."""
    lingering = find_lingering(planned, map(read_node, observed.nodes), params["availability"])
    return lingering & {task.get("NodeID", "") for task in observed.tasks if not has_ended(task)}


def _undo_pause(engine: Engine, change: Change) -> None:
    """Unless another run has gone on with the node meanwhile."""
    node = read_node(engine.get(f"/nodes/{change.payload['node'].node_id}", doing="reading a node that was paused"))
    if node.availability == "pause":
        _update(engine, node, change.payload["undo"])


def _apply_to_node(engine: Engine, change: Change) -> None:
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

    def write(current: Node) -> None:
        engine.post(f"{path}/update", change_spec(current.spec, delta), doing=doing, version=current.version)

    write_in_sequence(node, write, lambda: read_node(engine.get(path, doing=doing)))


def _await_role(engine: Engine, node: Node, role: str) -> None:
    """A node that was up restarts its part in the swarm, and is up again after some seconds."""

    def is_done(current: Node) -> bool:
        has_role = current.is_reachable if role == "manager" else not current.manager_address
        return has_role and (current.is_up or not node.is_up)

    _await_node(engine, node, f"a {role}", is_done)


def _await_node(engine: Engine, node: Node, what: str, is_done: t.Callable[[Node], bool]) -> None:
    doing = f"waiting for {node.hostname} to be {what}"
    current = poll(lambda: read_node(engine.get(f"/nodes/{node.node_id}", doing=doing)), is_done, PATIENCE_SECONDS)
    if not is_done(current):
        raise FlotillaError(
            f"{node.hostname} ({node.node_id}) is not {what} after {PATIENCE_SECONDS} s (state {current.state})",
            "Look at its engine's log (journalctl -u docker), then run again.",
        )


def _remove(engine: Engine, node: Node) -> None:
    try:
        engine.delete(f"/nodes/{node.node_id}", doing=f"removing node {node.hostname}")
    except NotFound:
        pass


def fail(_member: Member, _params: dict[str, t.Any], error: FlotillaError) -> FlotillaError:
    return strand(error)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, watch, target=member_target, give_up=fail)


if __name__ == "__main__":
    main()
