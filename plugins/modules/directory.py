#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: directory
short_description: Have directories on a host, all in one call
version_added: 0.1.0
description:
  - Creates the directories that tasks of a swarm mount, and corrects their owner, group and mode. The engine does not make the source of a
    bind
    mount, and rejects the task where it is absent.
  - Nothing is removed, and nothing below a directory is touched.
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  directories:
    description: The directories.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path. Directories above it that are absent are made with mode V(0755). A link counts as what it leads to.
        type: str
        required: true
      owner:
        description: Name or number of the user that owns it. Without one it stays as it is, and is V(root) where the directory is new.
        type: str
      group:
        description: Name or number of its group. Without one it stays as it is, and is V(root) where the directory is new.
        type: str
      mode:
        description: Octal digits in quotes, such as V("0750"). Without them it stays as it is, and is V(0755) where the directory is new.
        type: str
      labels:
        description: The directory is for hosts that have all of these among O(labels). Without any it is for every host.
        type: dict
  labels:
    description: The labels of this host's node, as the inventory has them.
    type: dict
    default: {}
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Have the directories that tasks mount
  flotilla.swarm.directory:
    directories:
      - path: /srv/models
      - path: /srv/submissions
        owner: "1000"
        mode: "0750"
        labels: {grader: true}
    labels: "{{ nodes_labels[inventory_hostname] | default({}) }}"
"""

RETURN = r"""
plan:
  description: What was changed, or in check mode would be, changes of kind V(directory).
  returned: success
  type: list
  elements: dict
"""

import os
import typing as t

from ..module_utils._core.host.directories import Found, Wanted, as_found, check, choose, plan_directories
from ..module_utils._io.host import Host, host_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "directories": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "str"},
            "labels": {"type": "dict"},
        },
    },
    "labels": {"type": "dict", "default": {}},
}
Observed = tuple[list[Wanted], dict[str, Found]]


def observe(host: Host, params: dict[str, t.Any]) -> Observed:
    check(params["directories"])
    chosen = choose(params["directories"], params["labels"])
    wanted = [
        Wanted(
            item["path"],
            _find(host.user_id, "user", item["owner"]),
            _find(host.group_id, "group", item["group"]),
            int(item["mode"], 8) if item["mode"] else None,
        )
        for item in chosen
    ]
    return wanted, {item.path: as_found(host.stat(item.path)) for item in wanted}


def _find(find: t.Callable[[str], int | None], what: str, name: str | None) -> int | None:
    """The number of a user or group of this host."""
    if not name or name.isdecimal():
        return int(name) if name else None
    number = find(name)
    if number is None:
        raise PlanError(f"this host has no {what} {name}", f"Create it first, or give the number of the {what} in the image.")
    return number


def plan(observed: Observed, _params: dict[str, t.Any]) -> Plan:
    return plan_directories(*observed)


def apply(_host: Host, change: Change, _observed: Observed) -> None:
    wanted: Wanted = change.payload
    try:
        if change.action == "create":
            os.makedirs(wanted.path, mode=0o755)
            os.chmod(wanted.path, 0o755)
        if wanted.uid is not None or wanted.gid is not None:
            os.chown(wanted.path, -1 if wanted.uid is None else wanted.uid, -1 if wanted.gid is None else wanted.gid)
        if wanted.mode is not None:  # after the owner, whose change takes set-group-id away
            os.chmod(wanted.path, wanted.mode)
    except OSError as error:
        cure = "Check the path and that Ansible becomes root (become: true)."
        raise FlotillaError(f"directory {wanted.path}: {error.strerror}", cure) from None


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=host_target)


if __name__ == "__main__":
    main()
