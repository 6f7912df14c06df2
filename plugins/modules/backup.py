#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Archive the state of a Docker Swarm on one of its managers
version_added: 0.1.0
description:
  - Stops the engine of this manager, packs its swarm state with sums and a list of what the swarm holds, and starts it again. Only a
    stopped engine has a state on disk that fits together.
  - Where managers are locked at restarts, it unlocks this one again.
  - It refuses the leader, and a manager without which the others would lose their quorum.
  - The archive holds every secret of the swarm, and the keys of its certificate authority. Only root can read it. The contents of
    configs stand in it once more, in files of their own, for those who want to read them without a swarm.
  - The role P(flotilla.swarm.backup#role) drains the node first, and fetches and encrypts the archive.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.vault
  - flotilla.swarm.attributes
attributes:
  idempotent:
    support: none
    details:
      - Every run makes an archive.
options:
  directory:
    description: Directory on this host in which the archive is made.
    type: path
    default: /var/backups/flotilla-swarm
  dest:
    description:
      - Directory on the controller for backups. This one becomes a directory in it, to which the archive is brought; it is then removed
        from this host. Empty leaves it where it is.
    type: str
    default: ""
  stacks:
    description:
      - Stacks with the options of M(flotilla.swarm.stack), whose files and env_files on the controller are packed beside the archive in
        O(dest).
    type: list
    elements: dict
    default: []
  single:
    description: Do it on the only manager of a swarm too, which nobody manages meanwhile.
    type: bool
    default: false
seealso:
  - module: flotilla.swarm.recover
  - module: flotilla.swarm.data_backup
  - module: flotilla.swarm.backup_store
"""

EXAMPLES = r"""
- name: Archive the state on a manager that does not lead
  flotilla.swarm.backup:
  delegate_to: m2
  run_once: true
  register: archive

- name: Bring it to the controller, encrypted
  flotilla.swarm.backup:
    dest: backups
    vault_password: "{{ backup_vault_password }}"
  delegate_to: m2
  run_once: true
"""

RETURN = r"""
archive:
  description: Path of the archive, on the controller where O(dest) is given.
  returned: success
  type: str
  sample: backups/txvxoxwyk7oe-20261122T200000Z/swarm.tar.gz.vault
directory:
  description: Directory of this backup on the controller.
  returned: when O(dest) is given
  type: str
  sample: backups/txvxoxwyk7oe-20261122T200000Z
sha256:
  description: SHA-256 sum of the archive, before it is encrypted.
  returned: when not in check mode
  type: str
cluster_id:
  description: Id of the swarm.
  returned: success
  type: str
node_id:
  description: Id of this node.
  returned: success
  type: str
engine_version:
  description: Version of the engine that wrote the state.
  returned: success
  type: str
autolock:
  description: Whether the state can be used only with the swarm's unlock key, which is not in the archive.
  returned: success
  type: bool
counts:
  description: How many services, secrets, configs, networks and nodes the swarm holds.
  returned: success
  type: dict
"""

import base64
import typing as t
from dataclasses import dataclass, field, replace

from ..module_utils._core.backup.manifest import Manifest, check_backup, name_objects
from ..module_utils._core.cluster.node import read_node
from ..module_utils._io.archive import list_objects, sums_of, write_archive
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "directory": {"type": "path", "default": "/var/backups/flotilla-swarm"},
    "dest": {"type": "str", "default": ""},
    "vault_password": {"type": "str", "default": "", "no_log": True},
    "stacks": {"type": "list", "elements": "dict", "default": []},
    "single": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class Work:
    """``unlock_key`` is empty where managers are not locked at restarts."""

    state: str
    archive: str
    manifest: Manifest
    unlock_key: str = field(repr=False)
    configs: dict[str, bytes] = field(repr=False)


def observe(place: MemberHost, params: dict[str, t.Any]) -> tuple[Work, list[t.Any]]:
    seen, info = place.member.inspect("this host")
    engine = place.member.require_manager(seen)
    stamp = f"{info['SystemTime'][:19]}Z"
    archive = f"{params['directory']}/{seen.cluster_id[:12]}-{stamp.replace('-', '').replace(':', '')}.tar.gz"
    present = list_objects(engine)
    unlock_key = engine.get("/swarm/unlockkey", "reading the unlock key").get("UnlockKey") or ""
    manifest = Manifest(
        cluster_id=seen.cluster_id,
        node_id=seen.node_id,
        hostname=info.get("Name") or "",
        address=seen.address,
        engine_version=info.get("ServerVersion") or "",
        autolock=bool(unlock_key),
        archived_at=stamp,
        objects=name_objects(present),
        files={},
    )
    nodes = [read_node(node) for node in present["nodes"]]
    configs = {item["Spec"]["Name"]: base64.b64decode(item["Spec"].get("Data") or "") for item in present["configs"]}
    return Work(place.state_directory(info), archive, manifest, unlock_key, configs), nodes


def plan(observed: tuple[Work, list[t.Any]], params: dict[str, t.Any]) -> Plan:
    work, nodes = observed
    manifest = work.manifest
    reason = f"{manifest.hostname}: {check_backup(manifest.node_id, nodes, params['single'])}"
    result = {
        "archive": work.archive,
        "cluster_id": manifest.cluster_id,
        "node_id": manifest.node_id,
        "engine_version": manifest.engine_version,
        "autolock": manifest.autolock,
        "counts": manifest.counts(),
    }
    return Plan((Change("archive", work.archive, "create", (), "restarts engine", reason, work),), result=result)


def apply(place: MemberHost, change: Change, _observed: t.Any) -> dict[str, t.Any]:
    work: Work = change.payload
    place.stop_engine()
    try:
        manifest = replace(work.manifest, files=sums_of(work.state))
        digest = write_archive(work.archive, work.state, manifest, work.configs)
    finally:
        place.start_engine()
    doing = "waiting for this manager after the backup"
    if work.unlock_key:
        place.await_member(lambda seen: seen.state == "locked", doing)
        place.member.require_engine().post("/swarm/unlock", {"UnlockKey": work.unlock_key}, doing="unlocking this manager")
    place.await_member(lambda seen: seen.acting, doing)
    return {"sha256": digest}


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_host_target)


if __name__ == "__main__":
    main()
