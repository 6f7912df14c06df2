#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: path_info
short_description: Say which of some paths a host has
version_added: 0.1.0
description:
  - Looks up many paths in one call, such as the sources of a stack's bind mounts, which the engine does not create.
extends_documentation_fragment:
  - flotilla.swarm.attributes.info
options:
  paths:
    description: Absolute paths of files, directories, sockets or devices. Symbolic links are followed.
    type: list
    elements: str
    required: true
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Look for the bind mounts of a stack
  flotilla.swarm.path_info:
    paths: [/srv/models, /var/run/docker.sock]
  register: bind_sources
"""

RETURN = r"""
present:
  description: The paths that are there, in the order of O(paths).
  returned: success
  type: list
  elements: str
missing:
  description: The paths that are not there, in the order of O(paths).
  returned: success
  type: list
  elements: str
"""

import typing as t

from ..module_utils._io.host import host_target
from ..module_utils.errors import PlanError
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS = {"paths": {"type": "list", "elements": "str", "required": True}}


def observe(host: t.Any, params: dict[str, t.Any]) -> set[str]:
    relative = [path for path in params["paths"] if not path.startswith("/")]
    if relative:
        raise PlanError(f"paths: {', '.join(relative)} must be absolute, such as /srv/data.")
    return {path for path in params["paths"] if host.exists(path)}


def plan(observed: set[str], params: dict[str, t.Any]) -> Plan:
    paths = list(dict.fromkeys(params["paths"]))
    return Plan(
        result={
            "present": [path for path in paths if path in observed],
            "missing": [path for path in paths if path not in observed],
        }
    )


def main() -> None:
    run_module(ARGUMENTS, observe, plan, target=host_target)


if __name__ == "__main__":
    main()
