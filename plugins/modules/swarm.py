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
  - It needs to know what M(flotilla.swarm.swarm_info) says on every host that shall be a manager (O(managers)). A
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
attributes:
  check_mode:
    support: full
    details:
      - In check mode a host without an engine counts as one that is in no swarm, so that bare hosts can be planned.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) makes this host a member.
      - V(absent) lets it leave the swarm. Its entry stays in the list of nodes until M(flotilla.swarm.nodes) removes
        it.
    type: str
    choices: [present, absent]
    default: present
  host:
    description:
      - The name of this host in the inventory, as it stands in O(managers). It is required when O(state=present).
    type: str
  role:
    description:
      - What this host shall be.
    type: str
    choices: [manager, worker]
    default: worker
  managers:
    description:
      - What M(flotilla.swarm.swarm_info) returned on each host that shall be a manager, in the order of the
        inventory. This is the
        C(results) of a registered loop over their names; C(item) is the name. Hosts that did not answer must be in it.
      - It is required when O(state=present).
    type: list
    elements: dict
  others:
    description:
      - What is known of other hosts, in the same form. One that is in a swarm forbids the creation of a new one.
    type: list
    elements: dict
    default: []
  may:
    description:
      - What the module may do. Anything else is only told as RV(action).
    type: list
    elements: str
    choices: [initialise, join]
    default: [initialise, join]
  any_manager_count:
    description:
      - Accept an even number of managers, and more than seven.
    type: bool
    default: false
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
      labels:
        description: Labels of the swarm. A label without a value (V(null)) is removed, labels that are not named stay.
        type: dict
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
- name: Ask every host that shall be a manager
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
    may: [initialise]
    settings:
      task_history_limit: 3
      node_cert_expiry: 60d
  register: member

- name: Leave the swarm
  flotilla.swarm.swarm:
    state: absent
"""

RETURN = r"""
action:
  description:
    - What was decided for this host, V(initialise), V(join), V(promote), V(demote), V(leave) or V(nothing).
      V(promote) and V(demote) are left to
      M(flotilla.swarm.nodes), and so is whatever O(may) does not name to a later task.
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
ansible_facts:
  description: C(flotilla_node_id), by which M(flotilla.swarm.nodes) knows the host.
  returned: always
  type: dict
"""

import typing as t
from dataclasses import dataclass

from ansible_collections.flotilla.swarm.plugins.module_utils.cluster import addresses
from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.membership import (
    INITIALISE,
    JOIN,
    NOTHING,
    REFUSE,
    WAIT,
    Decision,
    as_if_installed,
    decide,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.quorum import manager_count_problem
from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.seen import Seen, describe_cluster, read_result
from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.settings import (
    change_spec,
    compare_settings,
    read_wanted,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.engine import EngineError, OutOfSequence
from ansible_collections.flotilla.swarm.plugins.module_utils.member import Member, member_world
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change, Field, Plan, PlanError
from ansible_collections.flotilla.swarm.plugins.module_utils.runner import run_module

PATIENCE_SECONDS = 90
LEAVE = "leave"
FIXED = ("data_path_port", "default_addr_pool", "subnet_size")

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "host": {"type": "str"},
    "role": {"type": "str", "choices": ["manager", "worker"], "default": "worker"},
    "managers": {"type": "list", "elements": "dict"},
    "others": {"type": "list", "elements": "dict", "default": []},
    "may": {"type": "list", "elements": "str", "choices": [INITIALISE, JOIN], "default": [INITIALISE, JOIN]},
    "any_manager_count": {"type": "bool", "default": False},
    "join_token": {"type": "str", "no_log": True},
    "remote_addrs": {"type": "list", "elements": "str", "default": []},
    "advertise_addr": {"type": "str"},
    "listen_addr": {"type": "str", "default": "0.0.0.0:2377"},
    "data_path_addr": {"type": "str"},
    "peers": {"type": "list", "elements": "str", "default": []},
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
            "labels": {"type": "dict"},
        },
    },
    "force": {"type": "bool", "default": False},
}


class Refused(PlanError):
    """Carries what was seen into the result of the failure, for the hosts that decide later."""

    def __init__(self, message: str, seen: Seen) -> None:
        super().__init__(message)
        self.result = {"action": REFUSE, **_describe(seen)}


@dataclass(frozen=True)
class Observed:
    """``seen`` is this host; ``addresses`` are the options of that name in the form that the engine takes."""

    seen: Seen
    cluster: t.Mapping[str, t.Any]
    managers: t.Sequence[Seen]
    others: t.Sequence[Seen]
    addresses: t.Mapping[str, str]
    check_mode: bool


def observe(member: Member, params: dict[str, t.Any]) -> Observed:
    name = params["host"] or ""
    seen, info = member.look(name)
    if seen.state == "pending":
        member.await_state(name, lambda each: each.state != "pending", PATIENCE_SECONDS)
        seen, info = member.look(name)
    managers = [read_result(result) for result in params["managers"] or []]
    others = [read_result(result) for result in params["others"]]
    if member.check_mode:
        seen, managers = as_if_installed(seen), [as_if_installed(each) for each in managers]
    cluster = (info.get("Swarm") or {}).get("Cluster") or {}
    return Observed(seen, cluster, managers, others, _read_addresses(member, params, seen), member.check_mode)


def _read_addresses(member: Member, params: dict[str, t.Any], seen: Seen) -> dict[str, str]:
    """A bare host in check mode may lack the interfaces and addresses that it will have; nothing is resolved there."""
    found = {name: params[name] or "" for name in ("advertise_addr", "listen_addr", "data_path_addr")}
    if params["state"] == "absent" or (member.check_mode and not member.engine):
        return found
    for option, text in found.items():
        network = addresses.as_network(text)
        if network:
            found[option] = addresses.pick_in_network(option, text, member.source_address(addresses.probe(network)))
        if option != "listen_addr":
            addresses.refuse_loopback(option, found[option], params["peers"])
    found["listen_addr"] = addresses.with_port(found["listen_addr"])
    if not found["advertise_addr"] and not seen.is_member:
        own = [member.source_address(peer) for peer in params["peers"]]
        found["advertise_addr"] = addresses.choose_advertised(own, params["peers"])
    return found


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    if params["state"] == "absent":
        return _plan_leaving(observed.seen, params["force"])
    seen, role = observed.seen, params["role"]
    problem = "" if params["any_manager_count"] else manager_count_problem(len(observed.managers))
    if problem:
        raise Refused(f"{problem[0].upper()}{problem[1:]}, or set any_manager_count.", seen)
    decision = decide(seen, role, observed.managers, observed.others)
    if decision.action in (REFUSE, WAIT):
        raise Refused(_explain(decision, role), seen)
    changes: list[Change] = []
    if decision.action == INITIALISE and INITIALISE in params["may"]:
        changes.append(_initialisation(observed, params))
    elif decision.action == JOIN and JOIN in params["may"]:
        changes.append(_joining(observed, params))
    elif decision.action == NOTHING and _keeps_settings(observed):
        changes += _plan_settings(observed, params)
    return Plan(tuple(changes), _find_drift(observed, params), {"action": decision.action, **_describe(seen)})


def _explain(decision: Decision, role: str) -> str:
    cure = {
        WAIT: "Run again when it has joined",
        REFUSE: "Nothing was changed on this host",
    }[decision.action]
    reason = decision.reason.rstrip(".")
    return f"Making this host a {role}: {reason}. {cure}."


def _describe(seen: Seen) -> dict[str, t.Any]:
    facts = {"flotilla_node_id": seen.node_id} if seen.node_id else {}
    return {
        "host": seen.name,
        "state": seen.state,
        "role": seen.role,
        "cluster_id": seen.cluster_id,
        "node_id": seen.node_id,
        "address": seen.address,
        "acting": seen.acting,
        "ansible_facts": facts,
    }


def _initialisation(observed: Observed, params: dict[str, t.Any]) -> Change:
    spec = change_spec({}, read_wanted(params["settings"]))
    body = {
        "ListenAddr": observed.addresses["listen_addr"],
        "AdvertiseAddr": observed.addresses["advertise_addr"],
        "DataPathAddr": observed.addresses["data_path_addr"],
        "DataPathPort": params["data_path_port"] or 0,
        "DefaultAddrPool": params["default_addr_pool"] or [],
        "SubnetSize": params["subnet_size"] or 0,
        "Spec": {"Labels": {}, **spec},
    }
    named = {**observed.addresses, **{name: params[name] for name in FIXED}}
    fields = tuple(Field(name, None, value) for name, value in named.items() if value)
    fields += compare_settings({}, read_wanted(params["settings"]))
    name = observed.seen.name
    return Change("swarm", name, "create", fields, reason="initialise", payload={"do": INITIALISE, "host": name, "body": body})


def _joining(observed: Observed, params: dict[str, t.Any]) -> Change:
    seen, role = observed.seen, params["role"]
    if not observed.check_mode and not (params["join_token"] and params["remote_addrs"]):
        first = observed.managers[0].name
        raise Refused(
            f"Joining as a {role}: no manager gave a token. "
            f"If there is no swarm yet, {first} creates it; run for that host too, and see its own message.",
            seen,
        )
    body = {
        "ListenAddr": observed.addresses["listen_addr"],
        "AdvertiseAddr": observed.addresses["advertise_addr"],
        "DataPathAddr": observed.addresses["data_path_addr"],
        "RemoteAddrs": params["remote_addrs"],
        "JoinToken": params["join_token"],
    }
    fields = (Field("role", None, role),)
    payload = {"do": JOIN, "host": seen.name, "body": body, "role": role}
    return Change("node", seen.name, "create", fields, reason="join", payload=payload)


def _keeps_settings(observed: Observed) -> bool:
    """One manager does it: the first that can act."""
    current = [observed.seen if each.name == observed.seen.name else each for each in observed.managers]
    return next((each.name for each in current if each.acting), None) == observed.seen.name


def _plan_settings(observed: Observed, params: dict[str, t.Any]) -> list[Change]:
    wanted = read_wanted(params["settings"])
    fields = compare_settings(observed.cluster.get("Spec") or {}, wanted)
    if not fields:
        return []
    payload = {"do": "settings", "host": observed.seen.name, "wanted": wanted}
    return [Change("swarm", observed.seen.cluster_id, "update", fields, payload=payload)]


def _find_drift(observed: Observed, params: dict[str, t.Any]) -> tuple[str, ...]:
    """What is wanted differently but can't be changed in a running swarm."""
    seen, drift = observed.seen, []
    wanted = addresses.as_address(observed.addresses["advertise_addr"])
    if seen.is_member and seen.address and wanted and str(wanted) != seen.address:
        drift.append(f"advertise_addr is {wanted}, but {seen.name} is known as {seen.address}; it changes by leaving and joining")
    made = describe_cluster(observed.cluster)
    if made and _keeps_settings(observed):
        differing = {name: params[name] for name in FIXED if params[name] and params[name] != made[name]}
        drift += [
            f"{name} is {value}, but the swarm was made with {made[name]}; it can't change" for name, value in differing.items()
        ]
    return tuple(drift)


def _plan_leaving(seen: Seen, force: bool) -> Plan:
    if seen.state in ("inactive", "no engine"):
        return Plan(result={"action": NOTHING, **_describe(seen)})
    if seen.role != "worker" and not force:
        raise Refused(
            f"Leaving swarm {seen.cluster_id}: this host is a {seen.role or 'member'} in state {seen.state}. "
            "Demote it to a worker first, or set force to lose the manager.",
            seen,
        )
    payload = {"do": LEAVE, "host": seen.name, "force": force}
    change = Change("swarm", seen.name or seen.node_id, "remove", reason=f"leave {seen.cluster_id}", payload=payload)
    return Plan((change,), result={"action": LEAVE, **_describe(seen)})


def apply(member: Member, change: Change) -> dict[str, t.Any]:
    payload = change.payload
    {INITIALISE: _initialise, JOIN: _join, LEAVE: _leave, "settings": _write_settings}[payload["do"]](member, payload)
    seen, _info = member.look(payload["host"])
    return _describe(seen)


def _initialise(member: Member, payload: dict[str, t.Any]) -> None:
    try:
        member.require_engine().post("/swarm/init", payload["body"], doing="creating the swarm")
    except EngineError as error:
        if "already part of a swarm" not in error.problem:
            raise
    _await(member, payload["host"], lambda seen: seen.acting, "creating the swarm")


def _join(member: Member, payload: dict[str, t.Any]) -> None:
    doing = f"joining as a {payload['role']} through {', '.join(payload['body']['RemoteAddrs'])}"
    try:
        member.require_engine().post("/swarm/join", payload["body"], doing=doing)
    except EngineError as error:
        if "Timeout was reached" not in error.problem:
            raise
    is_manager = payload["role"] == "manager"
    _await(member, payload["host"], lambda seen: seen.acting if is_manager else seen.state == "active", doing)


def _await(member: Member, host: str, is_done: t.Callable[[Seen], bool], doing: str) -> None:
    seen = member.await_state(host, is_done, PATIENCE_SECONDS)
    if not is_done(seen):
        raise EngineError(doing, f"after {PATIENCE_SECONDS} s {seen.story}", "Look at the engine's log (journalctl -u docker).")


def _leave(member: Member, payload: dict[str, t.Any]) -> None:
    member.require_engine().post("/swarm/leave", doing="leaving the swarm", force=payload["force"])
    _await(member, payload["host"], lambda seen: seen.state == "inactive", "leaving the swarm")


def _write_settings(member: Member, payload: dict[str, t.Any]) -> None:
    """The engine takes the whole specification and resets what is missing, so that it is read right before."""
    for attempts_left in (2, 1, 0):
        swarm = member.require_engine().get("/swarm", doing="reading the settings of the swarm")
        spec = change_spec(swarm["Spec"], payload["wanted"])
        try:
            member.require_engine().post("/swarm/update", spec, doing="changing the settings", version=swarm["Version"]["Index"])
            return
        except OutOfSequence:
            if not attempts_left:
                raise


def main() -> None:
    run_module(
        ARGUMENTS,
        observe,
        plan,
        apply,
        world=member_world,
        required_if=[("state", "present", ("host", "managers"))],
    )


if __name__ == "__main__":
    main()
