# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has to do to be the member of the swarm that the inventory wants. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ...errors import PlanError
from .member_state import MemberState

NOTHING, INITIALISE, JOIN, REJOIN, PROMOTE, DEMOTE, WAIT, REFUSE = (
    "nothing",
    "initialise",
    "join",
    "rejoin",
    "promote",
    "demote",
    "wait",
    "refuse",
)


@dataclass(frozen=True)
class Decision:
    """``action`` is one of the names above; ``reason`` says why, as a sentence without a full stop."""

    action: str
    reason: str = ""


def decide(
    me: MemberState,
    role: str,
    managers: t.Sequence[MemberState],
    others: t.Sequence[MemberState] = (),
    members: t.Collection[str] = (),
    cluster_id: str = "",
) -> Decision:
    """Decide for one host.

    ``role`` is the wanted role, ``manager`` or ``worker``. ``managers`` is every host that must be a
    manager, in the order
    of the inventory, also those that did not answer; the first of them is the only one that ever creates a swarm.
    ``others``
    are hosts known otherwise; one that is in a swarm forbids a new one. ``members`` are the node ids that the first of
    ``managers`` that can act lists, empty if it was not asked. ``cluster_id`` is the only swarm that will do, if it is given;
    then none is created.
    """
    if not managers:
        return Decision(REFUSE, "no host is listed as a manager")
    managers = [me if seen.name == me.name else seen for seen in managers]
    if me.state in ("unreachable", "no engine", "locked", "error"):
        return Decision(REFUSE, me.story)
    strangers = [seen for seen in (me, *managers) if cluster_id and seen.is_member and seen.cluster_id not in ("", cluster_id)]
    if strangers:
        return Decision(REFUSE, f"{strangers[0].name} is in swarm {strangers[0].cluster_id}, but swarm {cluster_id} is wanted")
    if is_forgotten(me, managers, members):
        return Decision(REJOIN)
    if me.state == "pending":
        return Decision(WAIT, me.story)
    swarms = {seen.cluster_id: seen for seen in reversed(managers) if seen.is_member and seen.cluster_id}
    is_wrong = me.state != "active" or me.role != role
    if len(swarms) > 1 and (is_wrong or me.name in {seen.name for seen in managers}):
        return Decision(REFUSE, f"the managers are in different swarms: {_tell(managers)}")
    if me.state == "active":
        return _decide_member(me, role, managers, swarms)
    decision = _decide_newcomer(me, managers, swarms, others)
    if cluster_id and not any(seen.acting for seen in managers) and decision.action != REFUSE:
        return Decision(REFUSE, f"swarm {cluster_id} is wanted, and no manager is in it: {_tell(managers)}")
    return decision


def is_forgotten(me: MemberState, managers: t.Sequence[MemberState], members: t.Collection[str]) -> bool:
    """Whether the swarm of this host has removed it, which the host itself never notices.

    Proven only where the manager that was asked, the first that can act, is of the very swarm that the host's own certificate names,
    and does not list it any more.
    """
    asked = next((seen for seen in managers if seen.acting), None)
    removed = bool(members) and bool(me.node_id) and me.node_id not in members
    same = asked is not None and bool(me.cluster_id) and asked.cluster_id == me.cluster_id
    return removed and same and not me.acting and me.state in ("active", "pending")


def _decide_member(me: MemberState, role: str, managers: t.Sequence[MemberState], swarms: t.Mapping[str, MemberState]) -> Decision:
    if swarms and me.cluster_id and me.cluster_id not in swarms:
        theirs, witness = next(iter(swarms.items()))
        return Decision(REFUSE, f"{me.name} is in swarm {me.cluster_id}, but {witness.name} is in swarm {theirs}")
    if not swarms and all(seen.state == "inactive" for seen in managers):
        return Decision(REFUSE, f"{me.story}, but {_tell(managers)}")
    if me.role == role:
        return Decision(NOTHING)
    if not any(_acts_for(seen, me) for seen in managers):
        return Decision(REFUSE, f"{me.name} is a {me.role} and must become a {role}, but no manager can act: {_tell(managers)}")
    return Decision(PROMOTE if role == "manager" else DEMOTE)


def _decide_newcomer(
    me: MemberState, managers: t.Sequence[MemberState], swarms: t.Mapping[str, MemberState], others: t.Sequence[MemberState]
) -> Decision:
    if any(seen.acting for seen in managers):
        return Decision(JOIN)
    if swarms:
        return Decision(REFUSE, f"no manager of swarm {next(iter(swarms))} can act: {_tell(managers)}")
    unsure = [seen for seen in managers if seen.state != "inactive"]
    if unsure:
        return Decision(REFUSE, f"it is unknown whether a swarm exists: {_tell(unsure)}")
    elsewhere = [seen for seen in others if seen.is_member]
    if elsewhere:
        return Decision(REFUSE, f"no manager is in a swarm, but {_tell(elsewhere)}")
    return Decision(INITIALISE if me.name == managers[0].name else JOIN)


def _acts_for(manager: MemberState, member: MemberState) -> bool:
    same = not member.cluster_id or manager.cluster_id == member.cluster_id
    return manager.acting and same and manager.name != member.name


def _tell(hosts: t.Sequence[MemberState]) -> str:
    return "; ".join(seen.story for seen in hosts)


def as_if_installed(seen: MemberState) -> MemberState:
    """For check mode on bare hosts: a host whose engine is still to be installed counts as one that is in no swarm."""
    return replace(seen, state="inactive", problem="") if seen.state == "no engine" else seen


def refuse_rootless(name: str, info: t.Mapping[str, t.Any]) -> None:
    """Raise PlanError for an engine that can't be a node, by its answer to ``/info``."""
    if "name=rootless" in (info.get("SecurityOptions") or ()):
        raise PlanError(
            f"the engine of {name or 'this host'} is rootless, and the overlay networks of a swarm need one that runs as root",
            "Install it with role engine, and point docker_host or DOCKER_HOST at its socket, unix:///var/run/docker.sock.",
        )
