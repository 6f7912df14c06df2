#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: backup_store
short_description: List and verify the backups in a directory, and remove the oldest
version_added: 0.1.0
description:
  - Runs on the host that has the backups, which is the controller for most.
  - A backup is a directory that M(flotilla.swarm.backup) made, with the sums of its files in C(SHA256SUMS). Other directories are left
    alone.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  directory:
    description: The directory with the backups. It need not be there.
    type: path
    required: true
  cluster_id:
    description: Id of the swarm of whose backups the oldest are removed.
    type: str
    default: ""
  keep:
    description: How many whole backups of that swarm are kept, the newest; 0 keeps all. Damaged ones do not count.
    type: int
    default: 0
  verify:
    description: Whether every file is read and compared with its sum. Without, a file only has to be there.
    type: bool
    default: true
seealso:
  - module: flotilla.swarm.backup
"""

EXAMPLES = r"""
- name: List and verify the backups
  flotilla.swarm.backup_store:
    directory: backups
  delegate_to: localhost
  run_once: true

- name: Keep the newest seven of a swarm
  flotilla.swarm.backup_store:
    directory: backups
    cluster_id: txvxoxwyk7oeuqm2lhbx0v2ai
    keep: 7
    verify: false
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
backups:
  description: The backups that are left, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The backup's directory.
      type: str
    cluster_id:
      description: How the id of its swarm begins.
      type: str
    archived_at:
      description: When it was made, UTC.
      type: str
      sample: "2026-11-22T20:00:00Z"
    files:
      description: How many files it has.
      type: int
    bytes:
      description: How large these are.
      type: int
    contents:
      description: The volumes and paths in it, each with host, kind, name, and all of it as title.
      type: list
      elements: dict
    faults:
      description: What is missing or damaged.
      type: list
      elements: str
"""

import os
import shutil
import typing as t

from ..module_utils._core.backup.catalog import SUMS, Stored, parse_sums, plan_store, read_name
from ..module_utils._io.archive import sums_of
from ..module_utils._io.host import Host, host_target
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "directory": {"type": "path", "required": True},
    "cluster_id": {"type": "str", "default": ""},
    "keep": {"type": "int", "default": 0},
    "verify": {"type": "bool", "default": True},
}


def observe(host: Host, params: dict[str, t.Any]) -> list[Stored]:
    found = []
    for name in host.list_dir(params["directory"]):
        path = os.path.join(params["directory"], name)
        parts = read_name(name)
        if parts and os.path.isdir(path):
            sums = parse_sums(host.read(os.path.join(path, SUMS)) or "") if _is_own(path, SUMS) else {}
            files = [each for each in sums if _is_own(path, each)]
            actual = sums_of(path) if params["verify"] else dict.fromkeys(files, "")
            size = sum(os.path.getsize(os.path.join(path, each)) for each in files)
            found.append(Stored(path, *parts, sums, {each: actual[each] for each in files}, size))
    return found


def _is_own(directory: str, name: str) -> bool:
    """Whether this is a regular file of the directory, not a link nor behind one."""
    path = os.path.join(os.path.realpath(directory), name)
    return os.path.isfile(path) and os.path.realpath(path) == path


def plan(observed: list[Stored], params: dict[str, t.Any]) -> Plan:
    return plan_store(observed, params["cluster_id"], params["keep"])


def apply(host: Host, change: Change, _observed: t.Any) -> None:
    try:
        shutil.rmtree(change.payload)
    except OSError as error:
        raise FlotillaError(f"removing {change.payload}: {error.strerror}.") from None


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=host_target)


if __name__ == "__main__":
    main()
