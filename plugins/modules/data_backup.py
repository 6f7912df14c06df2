#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: data_backup
short_description: Archive named volumes and directories of this host
version_added: 0.1.0
description:
  - Packs volumes that keep their data on this host, and directories such as those that it exports by NFS, with owners, modes, links,
    extended attributes and access lists.
  - Containers of this host that use one of the volumes are paused meanwhile, so that what is packed fits together.
  - A volume whose data is elsewhere, as that of an NFS volume, is not packed but named in RV(elsewhere).
  - The role P(flotilla.swarm.backup#role) runs it on every host that may have one of the volumes.
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
      - Every run makes archives.
options:
  volumes:
    description: Volumes by name; V(*) and V(?) are wildcards. This host need not have them.
    type: list
    elements: str
    default: []
  paths:
    description: Absolute paths of directories. This host need not have them. What is mounted below them is left out.
    type: list
    elements: str
    default: []
  pause:
    description: Whether running containers that use one of the volumes are paused while it is packed.
    type: bool
    default: true
  directory:
    description: Directory on this host in which the archives are made. It needs room for the data.
    type: path
    default: /var/backups/flotilla-swarm
  dest:
    description:
      - Directory of a backup on the controller, to which the archives are brought in parts, below the name of this host; they are then
        removed from this host. Empty leaves them where they are.
    type: str
    default: ""
seealso:
  - module: flotilla.swarm.data_restore
  - module: flotilla.swarm.backup
"""

EXAMPLES = r"""
- name: Archive the databases wherever they are
  flotilla.swarm.data_backup:
    volumes: [grading_database, "*_uploads"]
    dest: backups/txvxoxwyk7oe-20261122T200000Z
    vault_password: "{{ backup_vault_password }}"

- name: Archive what this server exports
  flotilla.swarm.data_backup:
    paths: [/srv/submissions]
"""

RETURN = r"""
archives:
  description:
    - What was archived, with the paths of the parts and their SHA-256 sums, and how many members and bytes it holds. Together the parts are
      one C(tar.gz).
    - With O(dest) the parts are named as they are there.
  returned: when not in check mode
  type: list
  elements: dict
elsewhere:
  description: Chosen volumes whose data is not on this host, and where it is.
  returned: success
  type: list
  elements: str
found:
  description: The volumes and paths that this host has.
  returned: success
  type: list
  elements: str
matched:
  description: What of O(volumes) and O(paths) means something on this host.
  returned: success
  type: list
  elements: str
"""

import contextlib
import os
import typing as t
from dataclasses import asdict, dataclass

from ..module_utils._core.backup.catalog import PART_BYTES, archive_name
from ..module_utils._core.backup.data import Source, check_paths, choose, is_chosen, users_of
from ..module_utils._core.backup.tar_members import PROVEN_RULES
from ..module_utils._core.backup.tar_reader import MOST_BYTES, MOST_MEMBERS, Limits
from ..module_utils._core.host.volumes import existing_volume
from ..module_utils._io.archive import check_file, cut
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "volumes": {"type": "list", "elements": "str", "default": []},
    "paths": {"type": "list", "elements": "str", "default": []},
    "pause": {"type": "bool", "default": True},
    "directory": {"type": "path", "default": "/var/backups/flotilla-swarm"},
    "dest": {"type": "str", "default": ""},
    "vault_password": {"type": "str", "default": "", "no_log": True},
}
PACK = ("--create", "--gzip", "--numeric-owner", "--xattrs", "--acls", "--sparse", "--one-file-system")
DIFFERED = 1  # how tar ends when a file changed while it was read


@dataclass(frozen=True)
class Work:
    """``users`` are names by id of the containers to pause."""

    sources: list[Source]
    users: dict[str, str]
    directory: str


@dataclass(frozen=True)
class Observed:
    sources: list[Source]
    elsewhere: list[str]
    matched: list[str]
    users: dict[str, str]
    size: int
    free: int


def observe(place: MemberHost, params: dict[str, t.Any]) -> Observed:
    check_paths(params["paths"])
    if not os.path.isabs(params["directory"]):
        raise PlanError(f"directory is {params['directory']!r}, expected an absolute path on this host.")
    sources: list[Source] = []
    elsewhere: list[str] = []
    matched: list[str] = []
    users: dict[str, str] = {}
    if params["volumes"]:
        engine = place.local_engine()
        listed = engine.get("/volumes", doing="listing volumes")["Volumes"] or []
        mountpoints = {item["Name"]: item["Mountpoint"] for item in listed}
        sources, elsewhere = choose([existing_volume(item) for item in listed], mountpoints, params["volumes"])
        matched = [pattern for pattern in params["volumes"] if any(is_chosen(name, [pattern]) for name in mountpoints)]
        names = [source.name for source in sources]
        if names and params["pause"]:
            containers = engine.get("/containers/json", doing="listing containers", filters={"volume": names})
            users = users_of(containers, names)
    paths = [path for path in params["paths"] if os.path.isdir(path)]
    sources += [Source("path", path, path, {}) for path in paths]
    size = sum(_size(place, source.directory) for source in sources)
    return Observed(sources, elsewhere, matched + paths, users, size, place.host.space(params["directory"]).free)


def _size(place: MemberHost, directory: str) -> int:
    words = place.host.run(["du", "--summarize", "--block-size=1", "--one-file-system", directory])[1].split()
    return int(words[0]) if words else 0


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    names = [f"{source.kind} {source.name}" for source in observed.sources]
    result = {"found": names, "elsewhere": observed.elsewhere, "matched": observed.matched}
    if not names:
        return Plan(result=result)
    if observed.size > observed.free:
        raise PlanError(
            f"{', '.join(names)} hold {observed.size // 2**20} MiB, and {params['directory']} has room for {observed.free // 2**20} MiB",
            "Give another directory, or archive less at a time.",
        )
    reason = f"{observed.size // 2**20} MiB"
    if observed.users:
        reason += f"; paused meanwhile: {', '.join(sorted(observed.users.values()))}"
    work = Work(observed.sources, observed.users, params["directory"])
    return Plan((Change("archive", ", ".join(names), "create", reason=reason, payload=work),), result=result)


def apply(place: MemberHost, change: Change, _observed: t.Any) -> dict[str, t.Any]:
    work: Work = change.payload
    try:
        os.makedirs(work.directory, mode=0o700, exist_ok=True)
    except OSError as error:
        raise FlotillaError(f"making {work.directory}: {error.strerror}", "Give another directory, or become root.") from None
    made: list[str] = []
    archives: list[dict[str, t.Any]] = []
    try:
        warnings = _pack_all(place, work, made)
        for source, archive in zip(work.sources, list(made)):
            counts = check_file(archive, f"{source.kind} {source.name} as it was packed", PROVEN_RULES, Limits(MOST_MEMBERS, MOST_BYTES))
            parts = cut(archive, PART_BYTES)
            made += [part["path"] for part in parts]
            archives.append({**asdict(source), "parts": parts, "members": counts.members, "bytes": counts.size})
    except FlotillaError:
        for path in made:
            with contextlib.suppress(OSError):
                os.unlink(path)
        raise
    return {"archives": archives, "warnings": warnings}


def _pack_all(place: MemberHost, work: Work, made: list[str]) -> list[str]:
    """Warnings. Adds the archives to ``made`` as they come, also those of a run that fails."""
    paused: dict[str, str] = {}
    warnings: list[str] = []
    problems: list[str] = []
    try:
        for container, name in work.users.items():
            _turn(place, "pause", container, name)
            paused[container] = name
        for source in work.sources:
            made.append(f"{work.directory}/{archive_name(source.kind, source.name)}")
            warnings += _pack(place, source, made[-1])
    except FlotillaError as error:
        problems.append(str(error))
    finally:
        problems += _let_go(place, paused)
    if problems:
        raise FlotillaError(" ".join(problems))
    return warnings


def _turn(place: MemberHost, verb: str, container: str, name: str) -> None:
    place.member.require_engine().post(f"/containers/{container}/{verb}", doing=f"{verb} {name}")


def _let_go(place: MemberHost, paused: t.Mapping[str, str]) -> list[str]:
    """A sentence for each container that is still paused. Each has its turn, since another may have ended or gone meanwhile."""
    problems: dict[str, str] = {}
    for container, name in paused.items():
        try:
            _turn(place, "unpause", container, name)
        except FlotillaError as error:
            problems[container] = str(error)
    if not problems:
        return []
    try:
        listed = place.member.require_engine().get("/containers/json", doing="listing containers")
        still = {str(item["Id"]) for item in listed if item.get("State") == "paused"}
    except FlotillaError:
        still = set(problems)
    return [
        f"Container {paused[container]} is still paused ({problem.rstrip('.')}). Resume it with docker unpause {container[:12]}."
        for container, problem in problems.items()
        if container in still
    ]


def _pack(place: MemberHost, source: Source, archive: str) -> list[str]:
    """Warnings of files that changed meanwhile."""
    try:
        os.close(os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        raise FlotillaError(f"packing {source.kind} {source.name}: writing {archive}: {error.strerror}.") from None
    code, _out, err = place.host.run(["tar", *PACK, f"--file={archive}", f"--directory={source.directory}", "."])
    lines = [line for line in err.strip().splitlines() if "socket ignored" not in line]
    if code > DIFFERED:
        raise FlotillaError(f"packing {source.kind} {source.name}: {lines[-1] if lines else f'tar ended with {code}'}.")
    if code:
        return [f"{source.kind} {source.name} was written to while it was packed: {'; '.join(lines[:3])}."]
    return []


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_host_target)


if __name__ == "__main__":
    main()
