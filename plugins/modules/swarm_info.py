#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_info
short_description: Tell what a host is to a Docker Swarm, and how the swarm does
version_added: 0.1.0
description:
  - Tells the state of this host's engine as a member of a swarm and, on a manager, the managers, the quorum, the
    nodes and the
    settings.
  - It does not fail because of what it finds. Without an engine or the Docker SDK, outside a swarm, on a worker, on
    a locked manager and in a
    swarm without a leader it tells that as RV(state), RV(acting) and RV(problem).
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes.info
options:
  hosts:
    description:
      - Hosts of the inventory to ask at once, in place of the one of the task. RV(answers) has what they say, also of those that could
        not be reached, and the task does not fail then.
      - It is for the controller, which asks them.
    type: list
    elements: str
  nodes:
    description:
      - Whether a manager lists the nodes. RV(nodes), RV(managers) and RV(quorum) are empty without it.
    type: bool
    default: true
  containers:
    description:
      - Whether the host names its running containers that are no tasks of the swarm.
    type: bool
    default: false
  tasks:
    description:
      - Whether a manager counts the tasks, and tells which services fail again and again.
    type: bool
    default: false
  tokens:
    description:
      - Whether a manager returns the tokens that let hosts join. Use it with C(no_log) and no C(set_fact).
    type: bool
    default: false
  unlock_key:
    description:
      - Whether a manager returns the key that unlocks managers. Use it with C(no_log) and no C(set_fact).
    type: bool
    default: false
seealso:
  - module: flotilla.swarm.swarm
"""

EXAMPLES = r"""
- name: See how the swarm does
  flotilla.swarm.swarm_info:
  register: swarm

- name: Stop where one more failure would stop the swarm
  ansible.builtin.assert:
    that: swarm.quorum.margin > 0

- name: See what fails again and again
  flotilla.swarm.swarm_info:
    tasks: true
  register: swarm

- name: Ask every manager, also those that may not answer
  flotilla.swarm.swarm_info:
    nodes: false
    hosts: "{{ groups['swarm_managers'] }}"
  run_once: true
  register: seen
"""

RETURN = r"""
answers:
  description: What each of O(hosts) answered, with its name as C(item), or C(failed) or C(unreachable) and C(msg).
  returned: with O(hosts), in place of all other values
  type: list
  elements: dict
state:
  description: V(no engine) (none is installed), V(unreachable) (one is installed, or O(docker_host) names one, and it can't be asked),
      V(inactive) (in no swarm), V(pending), V(active), V(locked) or V(error).
  returned: always
  type: str
  sample: active
problem:
  description: What the engine complains about, or why none answers. Empty where all is well.
  returned: always
  type: str
  sample: ''
role:
  description: V(manager), V(worker), or empty outside a swarm.
  returned: always
  type: str
  sample: manager
acting:
  description: Whether this is a manager that can carry out orders, in a swarm that has a leader.
  returned: always
  type: bool
cluster_id:
  description:
    - The id of the swarm. On workers and locked managers it is read from the node's certificate, when the engine is
      a local one.
  returned: always
  type: str
node_id:
  description: The id of this node.
  returned: always
  type: str
address:
  description: The address under which this node is known in the swarm.
  returned: always
  type: str
  sample: 10.0.0.11
engine_version:
  description: The version of the engine.
  returned: always
  type: str
  sample: 26.1.5
managers:
  description: The managers.
  returned: always
  type: list
  elements: dict
  contains:
    node_id:
      description: The id.
      type: str
    hostname:
      description: The host's own name.
      type: str
    address:
      description: The address under which the others know it, with the port.
      type: str
    reachable:
      description: Whether the others reach it.
      type: bool
    leader:
      description: Whether it leads the managers.
      type: bool
quorum:
  description: The count of the managers. Empty where no manager tells it.
  returned: always
  type: dict
  contains:
    managers:
      description: How many there are.
      type: int
    reachable:
      description: How many are reachable.
      type: int
    needed:
      description: How many are needed.
      type: int
    margin:
      description: How many of them may still fail.
      type: int
  sample: {managers: 3, reachable: 3, needed: 2, margin: 1}
nodes:
  description: Every node, in the order of the host names.
  returned: always
  type: list
  elements: dict
  contains:
    node_id:
      description: The id.
      type: str
    hostname:
      description: The host's own name.
      type: str
    address:
      description: The address under which the node is known.
      type: str
    role:
      description: V(manager) or V(worker).
      type: str
    availability:
      description: V(active), V(pause) or V(drain).
      type: str
    state:
      description: V(ready), V(down), V(disconnected) or V(unknown).
      type: str
    labels:
      description: The labels that managers have set. A value that may be a credential reads V((hidden\)).
      type: dict
    engine_version:
      description: The version of the node's engine.
      type: str
    leader:
      description: Whether the node leads the managers.
      type: bool
    generic_resources:
      description: What the node's engine offers, such as C(gpu=GPU-8932f937), or C(slots=4) for units without names.
      type: list
      elements: str
down:
  description: Host names of the nodes that are down.
  returned: always
  type: list
  elements: str
ghosts:
  description: Ids of nodes that are down and whose host seems to be up under another id, by host name and address.
  returned: always
  type: list
  elements: str
certificate_expires:
  description: When this node's certificate ends, in UTC. The engine renews it long before. Empty with an engine elsewhere.
  returned: always
  type: str
  sample: '2027-02-20T20:51:30Z'
authority:
  description: The swarm's certificate authority. Empty but on an acting manager.
  returned: always
  type: dict
  contains:
    expires:
      description: When its certificate ends, in UTC.
      type: str
    rotating:
      description: Whether it is being replaced, see O(flotilla.swarm.swarm#module:rotate).
      type: bool
    outdated:
      description: Nodes whose certificate is from another authority, with their state, such as V(w1 (down)). Empty without O(nodes).
      type: list
      elements: str
cluster:
  description: What was fixed when the swarm was made (C(data_path_port), C(default_addr_pool), C(subnet_size)), and when.
  returned: always
  type: dict
settings:
  description: The settings by the names of M(flotilla.swarm.swarm). Empty but on an acting manager.
  returned: always
  type: dict
tasks:
  description: What the managers keep of tasks.
  returned: on an acting manager, when O(tasks) is true
  type: dict
  contains:
    count:
      description:
        - How many there are. Ended ones are kept as the setting C(task_history_limit) says, and each costs the managers memory.
      type: int
    failed:
      description: How many of them have failed.
      type: int
    crashing:
      description:
        - Services of which one task has failed three times or more within the last hour, the worst first.
      type: list
      elements: dict
      contains:
        service:
          description: Its full name.
          type: str
        failures:
          description: How often its tasks failed in that time.
          type: int
        error:
          description: Why the last one did.
          type: str
      sample: [{service: grading_django, failures: 5, error: "task: non-zero exit (1)"}]
unmanaged:
  description: Names of the running containers of this host that are no tasks of the swarm. A drain leaves them as they are.
  returned: when an engine answers and O(containers) is true
  type: list
  elements: str
  sample: [node_exporter]
check_mode:
  description: Whether the task ran in check mode. The variable C(ansible_check_mode) does not know when a play turned it on.
  returned: always
  type: bool
tokens:
  description: The tokens C(manager) and C(worker).
  returned: on an acting manager, when O(tokens) is true
  type: dict
unlock_key:
  description: The key that unlocks managers, empty where they are not locked at restarts.
  returned: on an acting manager, when O(unlock_key) is true
  type: str
"""

import time
import typing as t

from ..module_utils._core.cluster.answers import describe_cluster
from ..module_utils._core.cluster.member_state import read_certificate
from ..module_utils._core.cluster.node import Node, find_ghosts, read_node, read_quorum
from ..module_utils._core.cluster.settings import find_old_roots, read_settings, show_settings
from ..module_utils._core.schedule.containers import name_unmanaged
from ..module_utils._core.schedule.task_summary import summarise_tasks
from ..module_utils._io.engine import Engine, EngineError
from ..module_utils._io.member import Member, member_target
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "hosts": {"type": "list", "elements": "str"},
    "nodes": {"type": "bool", "default": True},
    "containers": {"type": "bool", "default": False},
    "tasks": {"type": "bool", "default": False},
    "tokens": {"type": "bool", "default": False, "no_log": False},
    "unlock_key": {"type": "bool", "default": False, "no_log": False},
}


def observe(member: Member, params: dict[str, t.Any]) -> dict[str, t.Any]:
    seen, info = member.inspect("")
    cluster = (info.get("Swarm") or {}).get("Cluster") or {}
    told: dict[str, t.Any] = {
        "state": seen.state,
        "problem": seen.problem,
        "role": seen.role,
        "acting": seen.acting,
        "cluster_id": seen.cluster_id,
        "node_id": seen.node_id,
        "address": seen.address,
        "engine_version": info.get("ServerVersion") or "",
        "certificate_expires": seen.expires,
        "cluster": describe_cluster(cluster),
        "settings": show_settings(read_settings(cluster.get("Spec") or {})) if seen.acting else {},
        "check_mode": member.check_mode,
        "authority": _describe_authority(cluster, []) if seen.acting else {},
        **_describe_nodes([]),
    }
    try:
        if params["containers"] and member.engine:
            told["unmanaged"] = name_unmanaged(member.engine.get("/containers/json", doing="listing the containers"))
        if seen.acting and member.engine:
            for part in _ask_manager(member.engine, cluster, params):
                told.update(part)
    except EngineError as error:
        told.update(acting=False, problem=str(error))
    return told


def _ask_manager(engine: Engine, cluster: t.Mapping[str, t.Any], params: dict[str, t.Any]) -> t.Iterator[dict[str, t.Any]]:
    if params["nodes"]:
        raw = engine.get("/nodes", doing="listing the nodes")
        yield {**_describe_nodes([read_node(node) for node in raw]), "authority": _describe_authority(cluster, raw)}
    if params["tasks"]:
        tasks = engine.get("/tasks", doing="listing the tasks")
        services = engine.get("/services", doing="listing the services")
        yield {"tasks": summarise_tasks(tasks, services, time.time())}
    if params["tokens"]:
        tokens = engine.get("/swarm", doing="reading the tokens")["JoinTokens"]
        yield {"tokens": {"manager": tokens["Manager"], "worker": tokens["Worker"]}}
    if params["unlock_key"]:
        yield {"unlock_key": engine.get("/swarm/unlockkey", doing="reading the unlock key").get("UnlockKey") or ""}


def _describe_authority(cluster: t.Mapping[str, t.Any], nodes: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    return {
        "expires": read_certificate((cluster.get("TLSInfo") or {}).get("TrustRoot") or "")["expires"],
        "rotating": bool(cluster.get("RootRotationInProgress")),
        "outdated": find_old_roots(cluster, nodes),
    }


def _describe_nodes(nodes: list[Node]) -> dict[str, t.Any]:
    nodes = sorted(nodes, key=lambda node: (node.hostname, node.node_id))
    quorum = read_quorum(nodes)
    counts = {name: getattr(quorum, name) for name in ("managers", "reachable", "needed", "margin")}
    managers = [
        {
            "node_id": node.node_id,
            "hostname": node.hostname,
            "address": node.manager_address,
            "reachable": node.is_reachable,
            "leader": node.is_leader,
        }
        for node in nodes
        if node.manager_address
    ]
    return {
        "nodes": [node.as_result() for node in nodes],
        "managers": managers,
        "quorum": counts if nodes else {},
        "down": [node.hostname for node in nodes if node.state == "down"],
        "ghosts": [node.node_id for node in find_ghosts(nodes)],
    }


def plan(observed: dict[str, t.Any], params: dict[str, t.Any]) -> Plan:
    return Plan(result=observed)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, target=member_target)


if __name__ == "__main__":
    main()
