#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: recover
short_description: Bring a Docker Swarm back on one host, from an archive or after its majority was lost
version_added: 0.1.0
description:
  - With O(archive) it puts the state that M(flotilla.swarm.backup) archived onto a host that is in no swarm, and makes it the only
    manager of that swarm.
  - Without, it makes this manager the only one of its swarm, when too few of the others are left to decide anything.
  - It refuses while any of O(managers) can act, in whichever swarm, so that no second swarm comes to be beside one that lives. It
    refuses where O(cluster_id) is given and the archive, or the state of this host, is of another swarm.
  - The archive is read to its end and unpacked beside the state before the engine stops. One that is not authenticated, or has a file that
    is no part of a state, is refused.
  - State that was on the host before is kept beside the new one, and brought back when the engine does not take the new one.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.vault
  - flotilla.swarm.vault.restore
  - flotilla.swarm.attributes
  - flotilla.swarm.guard
attributes:
  idempotent:
    support: none
    details:
      - A swarm that lives is refused, also one that was just recovered.
options:
  archive:
    description:
      - The backup on the controller, its directory or the archive of the state in it, relative to where Ansible was started. Empty uses
        the state that this manager has.
    type: str
    default: ""
  unlock_key:
    description:
      - The unlock key of a swarm whose managers are locked, as it was when the state was written.
      - An engine can't make a locked manager the only one, so that the controller opens the manager's key file with it. That takes
        PyNaCl and cryptography there.
    type: str
    default: ""
  node_key:
    description: The manager's key file, opened. The controller gives it; leave it alone.
    type: str
    default: ""
  managers:
    description:
      - What M(flotilla.swarm.swarm_info) returned on the hosts that are, were or should be managers, as the C(results) of a
        registered loop. Hosts that did not answer may be in it.
    type: list
    elements: dict
    default: []
  advertise_addr:
    description:
      - Address under which the other nodes reach this host, where that is none of its own, as behind a translation of addresses.
      - An engine keeps the address of the archived manager in any case, so this must be that one, and a host that has another
        is refused.
    type: str
    default: ""
seealso:
  - module: flotilla.swarm.backup
"""

EXAMPLES = r"""
- name: Make this manager the only one, after the others are lost
  flotilla.swarm.recover:
    managers: "{{ seen.results }}"
    confirm: "{{ confirm }}"
    swarm_name: "{{ swarm_name }}"

- name: Bring the swarm back from an archive
  flotilla.swarm.recover:
    archive: backups/txvxoxwyk7oe-20261122T200000Z
    vault_password: "{{ backup_vault_password }}"
    managers: "{{ seen.results }}"
    confirm: "{{ confirm }}"
    swarm_name: "{{ swarm_name }}"
    cluster_id: txvxoxwyk7oe4wzsuy2pl1ryt
"""

RETURN = r"""
cluster_id:
  description: Id of the swarm.
  returned: success
  type: str
node_id:
  description: Id under which this host is a node.
  returned: success
  type: str
counts:
  description: How many services, secrets, configs, networks and nodes the swarm holds now.
  returned: when not in check mode
  type: dict
lost:
  description: What the archive listed and the swarm does not hold, such as C(secret db_password).
  returned: when O(archive) is given, and not in check mode
  type: list
  elements: str
opened:
  description: Whether a locked manager's key file was opened.
  returned: success
  type: bool
kept:
  description: Where the state is that was on this host before. Empty if there was none.
  returned: when O(archive) is given, and not in check mode
  type: str
"""

import time
import typing as t
from dataclasses import dataclass, field

from ..module_utils._core.backup.manifest import (
    KEY_FILE,
    START_FILE,
    Manifest,
    check_recovery,
    find_lost,
    foreign_address,
    is_locked,
    name_objects,
    read_bound,
    warn_of_version,
)
from ..module_utils._core.cluster import guard
from ..module_utils._core.cluster.answers import read_result
from ..module_utils._core.cluster.member_state import MemberState
from ..module_utils._io.archive import discard, list_objects, put_back, put_in_place, read_file, set_aside, unpack
from ..module_utils._io.member import is_own_address
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

DOING = "making this host the only manager of the swarm"

ARGUMENTS: dict[str, t.Any] = {
    **guard.ARGUMENTS,
    "archive": {"type": "str", "default": ""},
    "vault_password": {"type": "str", "default": "", "no_log": True},
    "accept_unauthenticated": {"type": "bool", "default": False},
    "unlock_key": {"type": "str", "default": "", "no_log": True},
    "node_key": {"type": "str", "default": "", "no_log": True},
    "managers": {"type": "list", "elements": "dict", "default": []},
    "advertise_addr": {"type": "str", "default": ""},
}


class LockedError(PlanError):
    """``result`` tells the controller what has to be opened."""

    def __init__(self, locked_key: str) -> None:
        super().__init__("the managers of this swarm are locked, and there is no unlock_key.")
        self.result = {"locked_key": locked_key}


@dataclass(frozen=True)
class Work:
    """``directory`` is where the engine keeps its state, ``key`` the manager's key file, and ``opened`` that file without a lock."""

    own: MemberState
    directory: str
    archive: str
    manifest: Manifest | None
    engine_version: str
    address: str
    has_address: bool
    key: str = field(repr=False)
    opened: str = field(repr=False)


def observe(place: MemberHost, params: dict[str, t.Any]) -> Work:
    guard.refuse_unconfirmed(params["confirm"], params["swarm_name"])
    own, info = place.member.inspect("this host")
    place.member.require_engine()
    directory = place.state_directory(info)
    manifest: Manifest | None
    if params["archive"]:
        manifest, key = read_file(params["archive"], directory, place.host.space(directory).free)
    else:
        manifest, key = None, place.host.read(f"{directory}/{KEY_FILE}") or ""
    address = manifest.address if manifest else own.address
    has_address = manifest is None or params["advertise_addr"] == address or is_own_address(address)
    return Work(own, directory, params["archive"], manifest, info.get("ServerVersion") or "", address, has_address, key, params["node_key"])


def plan(work: Work, params: dict[str, t.Any]) -> Plan:
    check_recovery(work.manifest, work.own, [read_result(result) for result in params["managers"]], params["cluster_id"])
    if work.manifest and not work.has_address:
        raise foreign_address(work.manifest)
    if is_locked(work.key) and not work.opened:
        raise LockedError(work.key)
    if work.manifest:
        action, cluster_id, node_id, reason = "create", work.manifest.cluster_id, work.manifest.node_id, work.manifest.story
    else:
        action, cluster_id, node_id = "update", work.own.cluster_id, work.own.node_id
        reason = "this manager becomes the only one"
    result = {"cluster_id": cluster_id, "node_id": node_id, "opened": bool(work.opened)}
    warnings = warn_of_version(work.manifest, work.engine_version)
    return Plan((Change("swarm", cluster_id, action, (), "restarts tasks", reason, work),), warnings, result)


def apply(place: MemberHost, change: Change, _observed: t.Any) -> dict[str, t.Any]:
    work: Work = change.payload
    kept, stamp = "", time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    fresh = f"{work.directory}.new-{stamp}"
    if work.manifest:  # all of it is on the disk before the engine stops
        unpack(work.archive, work.manifest, fresh)
    if work.manifest or work.opened:
        _stop(place, fresh)
    try:
        if work.manifest:
            kept = set_aside(work.directory, stamp)
            put_in_place(fresh, work.directory)
        if work.opened:
            place.host.write(f"{work.directory}/{KEY_FILE}", work.opened, 0o600)
        if work.manifest or work.opened:
            place.start_engine()
            place.await_member(lambda seen: seen.role == "manager", "waiting for the engine with the swarm's state")
        bound = read_bound(place.host.read(f"{work.directory}/{START_FILE}") or "")
        body = {**bound, "AdvertiseAddr": work.address, "ForceNewCluster": True}
        place.member.require_engine().post("/swarm/init", body, doing=DOING)
        place.await_member(lambda seen: seen.acting, DOING)
    except FlotillaError:
        _go_back(place, work, kept, stamp)
        raise
    present = name_objects(list_objects(place.member.require_engine()))
    told: dict[str, t.Any] = {"counts": {kind: len(items) for kind, items in present.items()}}
    return {**told, "lost": find_lost(work.manifest, present), "kept": kept} if work.manifest else told


def _stop(place: MemberHost, fresh: str) -> None:
    try:
        place.stop_engine()
    except FlotillaError:
        discard(fresh)
        raise


def _go_back(place: MemberHost, work: Work, kept: str, stamp: str) -> None:
    """The state that the host had before, with its lock."""
    if not work.manifest and not work.opened:
        return
    place.stop_engine()
    if work.manifest:
        put_back(work.directory, kept, stamp)
    else:
        place.host.write(f"{work.directory}/{KEY_FILE}", work.key, 0o600)
    place.start_engine()


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_host_target)


if __name__ == "__main__":
    main()
