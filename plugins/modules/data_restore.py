#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: data_restore
short_description: Put archived volumes and directories back on this host
version_added: 0.1.0
description:
  - Puts back what M(flotilla.swarm.data_backup) archived on the host of this name.
  - A volume or directory is put back only where it is absent or empty, and no container uses it. Nothing is ever written over. What is
    not put back is named with the reason.
  - Of a backup that O(vault_password) does not authenticate, files with rights of their own (set-user-id, set-group-id, sticky,
    capabilities), devices, pipes, and links out of the volume or path are refused, and a path must stand in full in O(names).
  - An archive is read to its end before a volume or directory is made for it. One with a member that leads out of the directory or lies
    behind a link, or with more than the backup says, is refused.
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
    support: full
    details:
      - What was put back holds data, and is left alone.
options:
  src:
    description: Directory of the backup on the controller.
    type: str
    required: true
  host:
    description: Name of the host whose archives are put back, as the inventory had it when they were made.
    type: str
    required: true
  names:
    description: Volumes by name, and paths, that are put back of those in the backup; V(*) and V(?) are wildcards.
    type: list
    elements: str
    default: ["*"]
  archives:
    description: What the backup has of the host, with the parts on this host. The controller gives it; leave it alone.
    type: list
    elements: dict
    default: []
seealso:
  - module: flotilla.swarm.data_backup
"""

EXAMPLES = r"""
- name: Put back what the backup has of this host
  flotilla.swarm.data_restore:
    src: backups/txvxoxwyk7oe-20261122T200000Z
    host: "{{ inventory_hostname }}"
    vault_password: "{{ backup_vault_password }}"
    confirm: "{{ confirm }}"
    swarm_name: "{{ swarm_name }}"
"""

RETURN = r"""
restored:
  description: What was put back, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [volume grading_database of m1]
lost:
  description: What was not put back, and why.
  returned: success
  type: list
  elements: str
  sample: ["volume grading_database of m1: it holds data"]
"""

import os
import typing as t
from dataclasses import dataclass

from ..module_utils._core.backup.data import Target, is_chosen, read_target, users_of, volume_problem
from ..module_utils._core.cluster import guard
from ..module_utils._core.host.volumes import existing_volume
from ..module_utils._io.archive import check_file, join
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    **guard.ARGUMENTS,
    "src": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "vault_password": {"type": "str", "default": "", "no_log": True},
    "accept_unauthenticated": {"type": "bool", "default": False},
    "names": {"type": "list", "elements": "str", "default": ["*"]},
    "archives": {"type": "list", "elements": "dict", "default": []},
}
UNPACK = ("--extract", "--gzip", "--numeric-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*", "--acls")


@dataclass(frozen=True)
class Work:
    target: Target
    is_new: bool


def observe(place: MemberHost, params: dict[str, t.Any]) -> list[Work]:
    guard.refuse_unconfirmed(params["confirm"], params["swarm_name"])
    guard.refuse_stranger(place.member.inspect("")[0], params["cluster_id"])
    given = [item for item in params["archives"] if is_chosen(item["name"], params["names"])]
    names = [item["name"] for item in given if item["kind"] == "volume"]
    volumes: dict[str, dict[str, t.Any]] = {}
    containers: list[dict[str, t.Any]] = []
    if names:
        engine = place.local_engine()
        volumes = {item["Name"]: item for item in engine.get("/volumes", doing="listing volumes")["Volumes"] or []}
        containers = engine.get("/containers/json", doing="listing containers", filters={"volume": names})
    works = []
    for item in given:
        name, problem, is_new = item["name"], "", True
        if item["kind"] == "path":
            is_new = not os.path.exists(name)
            problem = "" if is_new or (os.path.isdir(name) and _is_empty(place, name)) else "it holds data"
        elif name in volumes:
            is_new = False
            is_empty = _is_empty(place, volumes[name]["Mountpoint"])
            problem = volume_problem(existing_volume(volumes[name]), is_empty, sorted(users_of(containers, [name]).values()))
        works.append(Work(read_target(item, params["names"], problem), is_new))
    return works


def _is_empty(place: MemberHost, directory: str) -> bool:
    return not [name for name in place.host.list_dir(directory) if name != "lost+found"]


def plan(works: list[Work], params: dict[str, t.Any]) -> Plan:
    good = [work for work in works if not work.target.problem]
    lost = [f"{work.target} of {params['host']}: {work.target.problem}" for work in works if work.target.problem]
    reason = f"as {params['host']} had it"
    acts = [(work, "create" if work.is_new else "update") for work in good]
    changes = tuple(Change(work.target.kind, work.target.name, act, reason=reason, payload=work) for work, act in acts)
    return Plan(changes, result={"restored": [f"{work.target} of {params['host']}" for work in good], "lost": lost})


def apply(place: MemberHost, change: Change, _observed: t.Any) -> None:
    work: Work = change.payload
    target = work.target
    archive = f"{os.path.dirname(target.parts[0])}/joined.tar.gz"
    join(target.parts, archive)
    try:
        counts = check_file(archive, f"the archive of {target}", target.rules, target.limits)
        directory = _make(place, target)
        problem = _unpack(place, archive, directory, counts.size)
    finally:
        os.unlink(archive)
    if problem:
        _undo(place, work, directory)
        raise FlotillaError(f"unpacking {target}: {problem}", "It is as it was before.")


def _make(place: MemberHost, target: Target) -> str:
    """The directory to unpack into."""
    if target.kind == "volume":
        body = {"Name": target.name, "Driver": "local", "DriverOpts": {}, "Labels": dict(target.labels)}
        return str(place.member.require_engine().post("/volumes/create", body, doing=f"creating volume {target.name}")["Mountpoint"])
    try:
        os.makedirs(target.name, exist_ok=True)
    except OSError as error:
        raise FlotillaError(f"making {target.name}: {error.strerror}.") from None
    return target.name


def _unpack(place: MemberHost, archive: str, directory: str, size: int) -> str:
    """Why it did not come back; empty if it did."""
    free = place.host.space(directory).free
    if size > free:
        return f"it holds {size // 2**20} MiB, and {directory} has room for {free // 2**20} MiB"
    code, _out, err = place.host.run(["tar", *UNPACK, f"--file={archive}", f"--directory={directory}"])
    lines = err.strip().splitlines()
    return (lines[-1] if lines else f"tar ended with {code}") if code else ""


def _undo(place: MemberHost, work: Work, directory: str) -> None:
    """It was absent or empty."""
    place.host.run(["find", directory, "-mindepth", "1", "-delete"])
    if work.is_new and work.target.kind == "volume":
        place.member.require_engine().delete(f"/volumes/{work.target.name}", doing=f"removing volume {work.target.name}")
    elif work.is_new:
        os.rmdir(directory)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_host_target)


if __name__ == "__main__":
    main()
