# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a host into a swarm, in it and out of it, as changes. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...errors import PlanError
from ...plan import Change, Field, Plan
from . import addresses, guard, gwbridge
from .answers import describe_cluster
from .meant_cluster import find_meant
from .member_state import MemberState
from .membership import INITIALISE, JOIN, NOTHING, REFUSE, REJOIN, decide
from .node import manager_count_problem
from .settings import change_spec, compare_settings, read_wanted
from .subnets import parse_subnet, refuse_routed

LEAVE, UNLOCK, SETTINGS, ROTATE = "leave", "unlock", "settings", "rotate"
ROTATIONS = ("worker_token", "manager_token", "unlock_key", "ca")
FIXED = ("data_path_port", "default_addr_pool", "subnet_size")

Params = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Situation:
    """``seen`` is this host; ``cluster`` is ``Swarm.Cluster`` of ``/info``; ``addresses`` are the options of that name in the
    form that the engine takes; ``routes`` are those of this host and of others, by host; ``bridge`` is the network docker_gwbridge."""

    seen: MemberState
    cluster: t.Mapping[str, t.Any]
    managers: t.Sequence[MemberState]
    others: t.Sequence[MemberState]
    addresses: t.Mapping[str, str]
    routes: t.Mapping[str, t.Sequence[t.Mapping[str, str]]]
    check_mode: bool
    bridge: t.Mapping[str, t.Any] | None = None

    @property
    def keeps_settings(self) -> bool:
        """Whether this is the one manager that cares for what belongs to the whole swarm: the first that can act."""
        current = [self.seen if each.name == self.seen.name else each for each in self.managers]
        return next((each.name for each in current if each.acting), None) == self.seen.name


class Refused(PlanError):
    """Carries what was seen into the result of the failure, for the hosts that decide later."""

    def __init__(self, message: str, seen: MemberState) -> None:
        super().__init__(message)
        self.result = {"action": REFUSE, **describe(seen)}


def describe(seen: MemberState) -> dict[str, t.Any]:
    """This host as module ``swarm`` returns it."""
    return {
        "host": seen.name,
        "state": seen.state,
        "role": seen.role,
        "cluster_id": seen.cluster_id,
        "node_id": seen.node_id,
        "address": seen.address,
        "acting": seen.acting,
        "ansible_facts": {"flotilla_node_id": seen.node_id} if seen.node_id else {},
    }


def plan_member(situation: Situation, params: Params) -> Plan:
    """What makes this host the member that ``params`` (the options of module ``swarm``) ask for. Raises Refused."""
    seen, role = situation.seen, params["role"]
    if seen.state == "locked" and params["unlock_key"]:
        payload = {"do": UNLOCK, "host": seen.name, "key": params["unlock_key"]}
        change = Change("swarm", seen.name, "update", reason="unlock", payload=payload)
        return Plan((change,), result={"action": UNLOCK, **describe(seen)})
    problem = "" if params["allow_even_managers"] else manager_count_problem(len(situation.managers))
    if problem:
        raise Refused(f"{problem[0].upper()}{problem[1:]}, or set allow_even_managers.", seen)
    decision = decide(seen, role, situation.managers, situation.others, params["members"], params["cluster_id"])
    if decision.reason:
        cure = "" if decision.action == REFUSE else " Run again when it has joined."
        raise Refused(f"Making this host a {role}: {decision.reason.rstrip('.')}.{cure}", seen)
    changes: list[Change] = []
    if decision.action == INITIALISE and INITIALISE in params["allow"]:
        changes += [*_bridge(situation, params), _initialisation(situation, params)]
    elif decision.action == JOIN and JOIN in params["allow"]:
        changes += [*_bridge(situation, params), _joining(situation, params)]
    elif decision.action == REJOIN and JOIN in params["allow"]:
        changes += _rejoining(situation, params)
    elif decision.action == NOTHING and situation.keeps_settings:
        changes += _settings(situation, params)
    routes = list(situation.routes.get(seen.name, ()))
    result = {"action": decision.action, **describe(seen), "routes": routes}
    result["ansible_facts"] = {**result["ansible_facts"], "flotilla_routes": routes}
    return Plan(tuple(changes), _find_drift(situation, params), result)


def plan_leaving(situation: Situation, params: Params) -> Plan:
    """What takes this host out of the swarm that is meant. A manager goes only by ``force``."""
    seen, force = situation.seen, params["force"]
    if seen.state in ("inactive", "no engine"):
        return Plan(result={"action": NOTHING, **describe(seen)})
    if seen.state == "unreachable":
        raise Refused(
            f"Leaving the swarm: it is unknown whether this host is in one: {seen.problem}. "
            "If its engine is gone for good, leave the host out with --limit.",
            seen,
        )
    meant = find_meant(params["cluster_id"], situation.managers)
    if not meant and params["managers"] is not None:
        raise Refused(
            f"Leaving swarm {seen.cluster_id or '(unknown)'}: no manager is in a swarm that could confirm that this is the right one. "
            f"If it is, name it: swarm_cluster_id={seen.cluster_id or 'ID'}.",
            seen,
        )
    guard.refuse_stranger(seen, meant, params["members"])
    if seen.role != "worker" and not force:
        raise Refused(
            f"Leaving swarm {seen.cluster_id}: this host is a {seen.role or 'member'} in state {seen.state}. "
            "Demote it to a worker first, or set force to lose the manager.",
            seen,
        )
    payload = {"do": LEAVE, "host": seen.name, "force": force}
    change = Change("swarm", seen.name or seen.node_id, "remove", reason=f"leave {seen.cluster_id}", payload=payload)
    return Plan((change,), result={"action": LEAVE, **describe(seen)})


def _initialisation(situation: Situation, params: Params) -> Change:
    wanted = read_wanted(params["settings"])
    pools = [parse_subnet("default_addr_pool", text) for text in params["default_addr_pool"] or []]
    refuse_routed("default_addr_pool", pools, situation.routes)
    body = {
        "ListenAddr": situation.addresses["listen_addr"],
        "AdvertiseAddr": situation.addresses["advertise_addr"],
        "DataPathAddr": situation.addresses["data_path_addr"],
        "DataPathPort": params["data_path_port"] or 0,
        "DefaultAddrPool": params["default_addr_pool"] or [],
        "SubnetSize": params["subnet_size"] or 0,
        "AutoLockManagers": bool(wanted.get("autolock")),
        "Spec": {"Labels": {}, **change_spec({}, wanted)},
    }
    named = {**situation.addresses, **{name: params[name] for name in FIXED}}
    fields = tuple(Field(name, None, value) for name, value in named.items() if value)
    fields += compare_settings({}, wanted)
    name = situation.seen.name
    payload = {"do": INITIALISE, "host": name, "body": body}
    return Change("swarm", name, "create", fields, reason="initialise", payload=payload)


def _bridge(situation: Situation, params: Params) -> list[Change]:
    """Before the host joins, since the engine keeps the bridge that it finds, and makes its own if there is none."""
    routes = situation.routes.get(situation.seen.name, ())
    return gwbridge.plan_bridge(situation.seen.name, situation.bridge, params["gwbridge"] or {}, routes)


def _joining(situation: Situation, params: Params) -> Change:
    seen, role = situation.seen, params["role"]
    if not situation.check_mode and not (params["join_token"] and params["remote_addrs"]):
        first = situation.managers[0].name
        raise Refused(
            f"Joining as a {role}: no manager gave a token. "
            f"If there is no swarm yet, {first} creates it; run for that host too, and see its own message.",
            seen,
        )
    body = {
        "ListenAddr": situation.addresses["listen_addr"],
        "AdvertiseAddr": situation.addresses["advertise_addr"],
        "DataPathAddr": situation.addresses["data_path_addr"],
        "RemoteAddrs": params["remote_addrs"],
        "JoinToken": params["join_token"],
    }
    payload = {"do": JOIN, "host": seen.name, "body": body, "role": role}
    return Change("node", seen.name, "create", (Field("role", None, role),), reason="join", payload=payload)


def _rejoining(situation: Situation, params: Params) -> list[Change]:
    """The id is compared once more: another run may have let the host join since it was decided on."""
    seen = situation.seen
    if params["rejoin"] != seen.node_id:
        raise Refused(f"This host is node {seen.node_id} now, no longer {params['rejoin']}. Run again.", seen)
    reason = f"leave {seen.cluster_id}, whose managers no longer list node {seen.node_id}"
    payload = {"do": LEAVE, "host": seen.name, "force": True}
    return [Change("swarm", seen.name, "remove", reason=reason, payload=payload), *_bridge(situation, params), _joining(situation, params)]


def _settings(situation: Situation, params: Params) -> list[Change]:
    wanted = read_wanted(params["settings"])
    fields = compare_settings(situation.cluster.get("Spec") or {}, wanted)
    name, host = situation.seen.cluster_id, situation.seen.name
    changes = []
    if fields:
        payload = {"do": SETTINGS, "host": host, "wanted": wanted}
        changes.append(Change("swarm", name, "update", fields, payload=payload))
    if params["rotate"]:
        reason = f"rotate {', '.join(params['rotate'])}"
        payload = {"do": ROTATE, "host": host, "what": params["rotate"]}
        changes.append(Change("swarm", name, "update", reason=reason, payload=payload))
    return changes


def _find_drift(situation: Situation, params: Params) -> tuple[str, ...]:
    """What is wanted differently but can't be changed in a running swarm."""
    seen, drift = situation.seen, []
    wanted = addresses.as_address(situation.addresses["advertise_addr"])
    if seen.is_member and seen.address and wanted and str(wanted) != seen.address:
        drift.append(f"advertise_addr is {wanted}, but {seen.name} is known as {seen.address}; to change it, leave and join again")
    if seen.is_member and not params["rejoin"]:
        drift += gwbridge.find_drift(seen.name, situation.bridge, params["gwbridge"] or {})
    made = describe_cluster(situation.cluster)
    if made and situation.keeps_settings:
        differing = {name: params[name] for name in FIXED if params[name] and params[name] != made[name]}
        drift += [f"{name} is {value}, but the swarm was created with {made[name]}; it can't change" for name, value in differing.items()]
    return tuple(drift)
