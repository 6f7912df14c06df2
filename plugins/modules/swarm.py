#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: swarm
short_description: Make this host a member of a Docker Swarm, and keep the swarm's settings
version_added: 0.1.0
description:
  - Decides what this host has to do to be the member of the swarm that the inventory wants, and does it.
  - It needs to know what M(flotilla.swarm.swarm_info) says on every host that should be a manager (O(managers)). A
    swarm is created only on
    the first of them, and only if each of them answered and none is in a swarm. In any other case hosts join the
    swarm that is there.
  - A host that is in another swarm is refused, and so is every step that can't be known to be safe.
  - A node never leaves to change its role. RV(action) then is V(promote) or V(demote), which M(flotilla.swarm.nodes)
    does on a manager.
  - The role P(flotilla.swarm.swarm#role) puts these steps together.
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
      - In check mode a host without an engine counts as one that is in no swarm, so that bare hosts can be planned.
options:
  state:
    description:
      - V(present) makes this host a member.
      - V(absent) lets it leave the swarm. Its entry stays in the list of nodes until M(flotilla.swarm.nodes) removes
        it. It needs O(confirm) and O(swarm_name).
      - A host leaves only the swarm that is meant, which is O(cluster_id), or without it the one that O(managers) are in. Where O(managers)
        are given and none of them is in a swarm, a member is refused. Without either, any swarm will do.
    type: str
    choices: [present, absent]
    default: present
  host:
    description:
      - The name of this host in the inventory, as it stands in O(managers). It is required when O(state=present).
    type: str
  role:
    description:
      - The role of this host.
    type: str
    choices: [manager, worker]
    default: worker
  managers:
    description:
      - What M(flotilla.swarm.swarm_info) returned on each host that should be a manager, in the order of the
        inventory. This is the
        C(results) of a registered loop over their names; C(item) is the name. Hosts that did not answer must be in it.
      - It is required when O(state=present).
    type: list
    elements: dict
  others:
    description:
      - What this module returned on other hosts. One that is in a swarm forbids the creation of a new one, and so does one that has a
        route into O(default_addr_pool).
    type: list
    elements: dict
    default: []
  allow:
    description:
      - What the module may do. Anything else is only told as RV(action).
    type: list
    elements: str
    choices: [initialise, join]
    default: [initialise, join]
  cluster_id:
    description:
      - The id of the only swarm that will do, as RV(cluster_id) tells it. A host or manager of another one is refused, and no swarm is
        created. With O(state=absent) a host leaves no other.
    type: str
    default: ""
  allow_even_managers:
    description:
      - Accept an even number of managers, and more than seven.
    type: bool
    default: false
  members:
    description:
      - The node ids that the first of O(managers) that can act lists, from M(flotilla.swarm.swarm_info).
      - A host that is in the swarm by its own account but not in this list was removed behind its back, which it never notices by
        itself. RV(action) is then V(rejoin).
      - With O(state=absent) a host that can't tell its swarm, such as a worker over TCP, is known by its node id in this list.
    type: list
    elements: str
    default: []
  rejoin:
    description:
      - Make the host, whose swarm no longer lists it under this node id, leave and join again. O(allow) must allow C(join).
    type: str
  join_token:
    description:
      - The token for O(role), from M(flotilla.swarm.swarm_info) with C(tokens=true) at the moment of joining.
    type: str
  remote_addrs:
    description:
      - Addresses of managers to join, with their ports.
    type: list
    elements: str
    default: []
  advertise_addr:
    description:
      - The address under which other nodes reach this one, as an address with or without a port, an interface, or a
        network in which this
        host has an address (such as V(10.0.0.0/24)).
      - Without it the address from which this host reaches O(peers) is taken.
    type: str
  listen_addr:
    description:
      - Where a manager listens, in the same forms.
    type: str
    default: 0.0.0.0:2377
  data_path_addr:
    description:
      - The address for the traffic between containers, in the same forms. Without it O(advertise_addr) is used.
    type: str
  peers:
    description:
      - Addresses or names of other hosts of the swarm, to choose O(advertise_addr). Without any the engine chooses.
    type: list
    elements: str
    default: []
  gwbridge:
    description:
      - Settings of the network C(docker_gwbridge) of this host. It is made before the host joins a swarm. On a member it can't be
        changed, and a warning tells what differs.
    type: dict
    suboptions:
      subnet:
        description: Its subnet, such as V(172.30.0.0/24). Public ranges, and those into which the host has a route, are refused.
        type: str
      mtu:
        description: The largest packet, in bytes.
        type: int
  data_path_port:
    description:
      - The UDP port for the traffic between containers. It can't be changed once the swarm is made.
    type: int
  default_addr_pool:
    description:
      - Networks from which overlay networks get their subnets. They can't be changed once the swarm is made.
    type: list
    elements: str
  subnet_size:
    description:
      - The prefix length of subnets from O(default_addr_pool). It can't be changed once the swarm is made.
    type: int
  settings:
    description:
      - Settings of the whole swarm. The first manager that can act keeps them. What is not named stays as it is.
    type: dict
    default: {}
    suboptions:
      task_history_limit:
        description: How many finished tasks are kept for each slot.
        type: int
      snapshot_interval:
        description: Log entries between snapshots of the managers' state.
        type: int
      keep_old_snapshots:
        description: How many snapshots are kept beside the current one.
        type: int
      log_entries_for_slow_followers:
        description: Log entries that are kept for slow managers after a snapshot.
        type: int
      heartbeat_tick:
        description: Ticks between heartbeats of the leader.
        type: int
      election_tick:
        description: Ticks without a leader before an election.
        type: int
      dispatcher_heartbeat:
        description: How often nodes report, such as V(5s).
        type: str
      node_cert_expiry:
        description: How long a node's certificate is valid, such as V(90d).
        type: str
      autolock:
        description:
          - Whether a manager that restarts stays locked until it gets the unlock key, which M(flotilla.swarm.swarm_info) tells.
        type: bool
      labels:
        description:
          - Labels of the swarm. Numbers and booleans become text. A label without a value (V(null)) is removed, labels that are not named
            stay.
        type: dict
  rotate:
    description:
      - What to replace by something new. The first manager that can act does it, in every run that names it.
      - After V(ca) it waits until every node has a certificate from the new authority. It needs O(confirm) and O(swarm_name).
    type: list
    elements: str
    choices: [worker_token, manager_token, unlock_key, ca]
    default: []
  unlock_key:
    description:
      - The key to unlock this host with if it is a locked manager.
    type: str
  force:
    description:
      - Let a manager leave with O(state=absent). The swarm loses it at once, and with the last manager it ends.
    type: bool
    default: false
seealso:
  - module: flotilla.swarm.swarm_info
  - module: flotilla.swarm.nodes
"""

EXAMPLES = r"""
- name: Query every host that should be a manager
  flotilla.swarm.swarm_info:
    nodes: false
  loop: "{{ groups['swarm_managers'] }}"
  delegate_to: "{{ item }}"
  ignore_unreachable: true
  run_once: true
  register: seen

- name: Create the swarm where that is safe, or say why it isn't
  flotilla.swarm.swarm:
    host: "{{ inventory_hostname }}"
    role: "{{ 'manager' if inventory_hostname in groups['swarm_managers'] else 'worker' }}"
    managers: "{{ seen.results }}"
    allow: [initialise]
    settings:
      task_history_limit: 3
      node_cert_expiry: 60d
  register: member

- name: Leave the swarm
  flotilla.swarm.swarm:
    state: absent
    confirm: "{{ confirm }}"
    swarm_name: "{{ swarm_name }}"
    managers: "{{ seen.results }}"
"""

RETURN = r"""
action:
  description:
    - What was decided for this host, V(initialise), V(join), V(promote), V(demote), V(unlock), V(leave) or V(nothing).
      V(promote) and V(demote) are left to
      M(flotilla.swarm.nodes), and so is whatever O(allow) does not name to a later task.
  returned: always
  type: str
  sample: join
state:
  description: V(inactive), V(active) and so on, as in M(flotilla.swarm.swarm_info).
  returned: always
  type: str
role:
  description: V(manager), V(worker), or empty outside a swarm.
  returned: always
  type: str
cluster_id:
  description: The id of the swarm.
  returned: always
  type: str
node_id:
  description: The id of this node.
  returned: always
  type: str
address:
  description: The address under which this node is known.
  returned: always
  type: str
acting:
  description: Whether this is a manager that can carry out orders.
  returned: always
  type: bool
host:
  description: O(host).
  returned: when O(state=present)
  type: str
routes:
  description: The networks that this host reaches by itself, and its resolvers.
  returned: when O(state=present)
  type: list
  elements: dict
  contains:
    network:
      description: The network, or the address of a resolver with C(/32).
      type: str
    via:
      description: The interface, or V(resolver).
      type: str
  sample: [{network: 10.0.0.0/24, via: eth0}]
ansible_facts:
  description:
    - C(flotilla_node_id), by which M(flotilla.swarm.nodes) knows the host, and C(flotilla_routes), which
      M(flotilla.swarm.network) keeps clear of.
  returned: always
  type: dict
  contains:
    flotilla_node_id:
      description: RV(node_id).
      returned: on a member
      type: str
    flotilla_routes:
      description: RV(routes).
      returned: when O(state=present)
      type: list
      elements: dict
      contains:
        network:
          description: As in RV(routes).
          type: str
        via:
          description: As in RV(routes).
          type: str
"""

import typing as t

from ..module_utils._core.cluster import addresses, guard, gwbridge
from ..module_utils._core.cluster.answers import read_result
from ..module_utils._core.cluster.member_state import MemberState
from ..module_utils._core.cluster.membership import INITIALISE, JOIN, as_if_installed, is_forgotten, refuse_rootless
from ..module_utils._core.cluster.settings import change_spec, count_ca_rotation, find_old_roots
from ..module_utils._core.cluster.steps import LEAVE, ROTATE, ROTATIONS, SETTINGS, UNLOCK, Situation, describe, plan_leaving, plan_member
from ..module_utils._io.engine import EngineError, NotFound
from ..module_utils._io.member import Member, member_target
from ..module_utils._io.polling import poll, write_in_sequence
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

PATIENCE_SECONDS = 90
CA_PATIENCE_SECONDS = 600
# The engine's words for: another run was faster, and for: the attempt goes on in the background.
_OTHER_RUN = "already part of a swarm"
_GOES_ON = "Timeout was reached"

ARGUMENTS: dict[str, t.Any] = {
    **guard.ARGUMENTS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "host": {"type": "str"},
    "role": {"type": "str", "choices": ["manager", "worker"], "default": "worker"},
    "managers": {"type": "list", "elements": "dict"},
    "others": {"type": "list", "elements": "dict", "default": []},
    "allow": {"type": "list", "elements": "str", "choices": [INITIALISE, JOIN], "default": [INITIALISE, JOIN]},
    "allow_even_managers": {"type": "bool", "default": False},
    "members": {"type": "list", "elements": "str", "default": []},
    "rejoin": {"type": "str"},
    "join_token": {"type": "str", "no_log": True},
    "remote_addrs": {"type": "list", "elements": "str", "default": []},
    "advertise_addr": {"type": "str"},
    "listen_addr": {"type": "str", "default": "0.0.0.0:2377"},
    "data_path_addr": {"type": "str"},
    "peers": {"type": "list", "elements": "str", "default": []},
    "gwbridge": {"type": "dict", "options": {"subnet": {"type": "str"}, "mtu": {"type": "int"}}},
    "data_path_port": {"type": "int"},
    "default_addr_pool": {"type": "list", "elements": "str"},
    "subnet_size": {"type": "int"},
    "settings": {
        "type": "dict",
        "default": {},
        "options": {
            "task_history_limit": {"type": "int"},
            "snapshot_interval": {"type": "int"},
            "keep_old_snapshots": {"type": "int"},
            "log_entries_for_slow_followers": {"type": "int"},
            "heartbeat_tick": {"type": "int"},
            "election_tick": {"type": "int"},
            "dispatcher_heartbeat": {"type": "str"},
            "node_cert_expiry": {"type": "str"},
            "autolock": {"type": "bool"},
            "labels": {"type": "dict"},
        },
    },
    "rotate": {"type": "list", "elements": "str", "choices": list(ROTATIONS), "default": [], "no_log": False},
    "unlock_key": {"type": "str", "no_log": True},
    "force": {"type": "bool", "default": False},
}


def observe(member: Member, params: dict[str, t.Any]) -> Situation:
    if params["state"] == "absent" or "ca" in params["rotate"]:
        guard.refuse_unconfirmed(params["confirm"], params["swarm_name"])
    name = params["host"] or ""
    seen, info = member.inspect(name)
    if params["state"] == "present":
        refuse_rootless(name, info)
    managers = [read_result(result) for result in params["managers"] or []]
    if seen.state == "pending" and not is_forgotten(seen, managers, params["members"]):
        member.await_state(name, lambda each: each.state != "pending", PATIENCE_SECONDS)
        seen, info = member.inspect(name)
    others = [read_result(result) for result in params["others"]]
    if member.check_mode:
        seen, managers = as_if_installed(seen), [as_if_installed(each) for each in managers]
    cluster = (info.get("Swarm") or {}).get("Cluster") or {}
    routes = {name: member.routes(), **{each["host"]: each["routes"] for each in params["others"] if each.get("routes")}}
    found = _read_addresses(member, params, seen)
    return Situation(seen, cluster, managers, others, found, routes, member.check_mode, _read_bridge(member, params))


def _read_bridge(member: Member, params: dict[str, t.Any]) -> t.Mapping[str, t.Any] | None:
    if not any((params["gwbridge"] or {}).values()) or not member.engine:
        return None
    try:
        bridge: dict[str, t.Any] = member.engine.get(f"/networks/{gwbridge.NAME}", doing=f"reading {gwbridge.NAME}")
    except NotFound:
        return None
    return bridge


def _read_addresses(member: Member, params: dict[str, t.Any], seen: MemberState) -> dict[str, str]:
    """A bare host in check mode may lack the interfaces and addresses that it will have; nothing is resolved there."""
    found = {name: params[name] or "" for name in ("advertise_addr", "listen_addr", "data_path_addr")}
    if params["state"] == "absent" or member.is_to_be_installed:
        return found
    for option, text in found.items():
        network = addresses.as_network(text)
        if network:
            found[option] = addresses.pick_in_network(option, text, member.source_address(addresses.probe(network)))
        if option != "listen_addr":
            addresses.refuse_loopback(option, found[option], params["peers"])
    found["listen_addr"] = addresses.with_port(found["listen_addr"])
    if not found["advertise_addr"] and (params["rejoin"] or not seen.is_member):
        own = [member.source_address(peer) for peer in params["peers"]]
        found["advertise_addr"] = addresses.choose_advertised(own, params["peers"])
    return found


def plan(situation: Situation, params: dict[str, t.Any]) -> Plan:
    if params["state"] == "absent":
        return plan_leaving(situation, params)
    return plan_member(situation, params)


def apply(member: Member, change: Change, _observed: t.Any) -> dict[str, t.Any]:
    STEPS[change.payload["do"]](member, change.payload)
    seen, _info = member.inspect(change.payload["host"])
    told = describe(seen)
    return {**told, "ansible_facts": {**told["ansible_facts"], "flotilla_routes": member.routes()}}


def _initialise(member: Member, payload: dict[str, t.Any]) -> None:
    try:
        member.require_engine().post("/swarm/init", payload["body"], doing="creating the swarm")
    except EngineError as error:
        if _OTHER_RUN not in error.problem:
            raise
    _await(member, payload["host"], lambda seen: seen.acting, "creating the swarm")


def _join(member: Member, payload: dict[str, t.Any]) -> None:
    doing = f"joining as a {payload['role']} through {', '.join(payload['body']['RemoteAddrs'])}"
    try:
        member.require_engine().post("/swarm/join", payload["body"], doing=doing)
    except EngineError as error:
        if _OTHER_RUN not in error.problem and _GOES_ON not in error.problem:
            raise
    is_manager = payload["role"] == "manager"
    _await(member, payload["host"], lambda seen: seen.acting if is_manager else seen.state == "active", doing)


def _make_bridge(member: Member, payload: dict[str, t.Any]) -> None:
    engine, doing = member.require_engine(), f"making {gwbridge.NAME}"
    if payload["release"]:
        engine.post(f"/networks/{payload['id']}/disconnect", {"Container": gwbridge.SANDBOX, "Force": True}, doing=doing)
    if payload["id"]:
        engine.delete(f"/networks/{payload['id']}", doing=doing)
    engine.post("/networks/create", payload["body"], doing=doing)


def _leave(member: Member, payload: dict[str, t.Any]) -> None:
    member.require_engine().post("/swarm/leave", doing="leaving the swarm", force=payload["force"])
    _await(member, payload["host"], lambda seen: seen.state == "inactive", "leaving the swarm")


def _unlock(member: Member, payload: dict[str, t.Any]) -> None:
    member.require_engine().post("/swarm/unlock", {"UnlockKey": payload["key"]}, doing="unlocking this manager")
    _await(member, payload["host"], lambda seen: seen.acting, "unlocking this manager")


def _await(member: Member, host: str, is_done: t.Callable[[MemberState], bool], doing: str) -> None:
    seen = member.await_state(host, is_done, PATIENCE_SECONDS)
    if not is_done(seen):
        raise EngineError(doing, f"after {PATIENCE_SECONDS} s {seen.story}", "Look at the engine's log (journalctl -u docker).")


def _write_settings(member: Member, payload: dict[str, t.Any]) -> None:
    _update(member, lambda spec: change_spec(spec, payload["wanted"]), "changing the settings of the swarm")


def _rotate(member: Member, payload: dict[str, t.Any]) -> None:
    what, doing = payload["what"], f"rotating {', '.join(payload['what'])}"
    flags: dict[str, t.Any] = {
        "rotateWorkerToken": "worker_token" in what,
        "rotateManagerToken": "manager_token" in what,
        "rotateManagerUnlockKey": "unlock_key" in what,
    }
    _update(member, lambda spec: count_ca_rotation(spec) if "ca" in what else spec, doing, **flags)
    if "ca" in what:
        _await_ca(member, doing)


def _update(member: Member, change: t.Callable[[dict[str, t.Any]], dict[str, t.Any]], doing: str, **flags: t.Any) -> None:
    """The engine takes the whole specification and resets what is missing, so that it is read right before."""
    engine = member.require_engine()

    def read() -> dict[str, t.Any]:
        return t.cast(dict[str, t.Any], engine.get("/swarm", doing=doing))

    def write(swarm: dict[str, t.Any]) -> None:
        engine.post("/swarm/update", change(swarm["Spec"]), doing=doing, version=swarm["Version"]["Index"], **flags)

    write_in_sequence(read(), write, read)


def _await_ca(member: Member, doing: str) -> None:
    """Every node gets a certificate from the new authority; one that is down holds up the end."""
    engine = member.require_engine()

    def is_done(swarm: dict[str, t.Any]) -> bool:
        return not swarm.get("RootRotationInProgress")

    swarm = poll(lambda: engine.get("/swarm", doing=doing), is_done, CA_PATIENCE_SECONDS, pause=1)
    if not is_done(swarm):
        told = ", ".join(find_old_roots(swarm, engine.get("/nodes", doing=doing))) or "none that the managers know of"
        problem = f"after {CA_PATIENCE_SECONDS} s these nodes have no certificate from the new authority: {told}"
        raise EngineError(doing, problem, "Start them or remove them; the rotation then ends by itself.")


STEPS: dict[str, t.Callable[[Member, dict[str, t.Any]], None]] = {
    INITIALISE: _initialise,
    JOIN: _join,
    LEAVE: _leave,
    gwbridge.MAKE: _make_bridge,
    UNLOCK: _unlock,
    SETTINGS: _write_settings,
    ROTATE: _rotate,
}


def main() -> None:
    run_module(
        ARGUMENTS,
        observe,
        plan,
        apply,
        target=member_target,
        required_if=[("state", "present", ("host", "managers"))],
    )


if __name__ == "__main__":
    main()
