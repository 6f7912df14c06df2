#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: engine_needs
short_description: Say what role engine has to do on a host
version_added: 0.1.0
description:
  - Compares a host with the variables of role P(flotilla.swarm.engine#role), and reports which parts of the role must act there.
  - Changes nothing. In check mode it returns the changes that the role would make, but for an upgrade.
  - In a play that sets C(preflight_reuse) it answers on the controller, from what role P(flotilla.swarm.preflight#role) saw of the host.
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  host:
    description: The name of this host in messages.
    type: str
    required: true
  source:
    description: Whose packages, those of Docker or those of the distribution.
    type: str
    choices: [docker, distribution]
    required: true
  version:
    description: Version of the engine's package. Empty for any.
    type: str
    default: ""
  client:
    description: Whether the command line client belongs to it.
    type: bool
    default: false
  hold:
    description: Whether the packages should be on hold.
    type: bool
    default: false
  config:
    description: Keys of C(daemon.json), as in M(flotilla.swarm.daemon_config).
    type: dict
    default: {}
  nofile:
    description: Open files that the engine and login sessions may have. V(0) leaves the limits alone.
    type: int
    default: 0
  users:
    description: Users who may use the engine's socket.
    type: list
    elements: str
    default: []
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: See what role engine would do
  flotilla.swarm.engine_needs:
    host: "{{ inventory_hostname }}"
    source: distribution
    config: {live-restore: false}
  check_mode: true
  register: needs
"""

RETURN = r"""
todo:
  description:
    - The parts of the role that have something to do, of V(packages), V(upgrade), V(hold), V(limits), V(config), V(service) and V(users).
    - In check mode V(upgrade) alone, since RV(plan) has the rest.
  returned: success
  type: list
  elements: str
  sample: [config]
needs:
  description:
    - C(to_install) and C(to_upgrade), packages for the package manager, with the version where one is asked for.
    - C(held), what is on hold after an upgrade, and C(to_hold), what is put on hold without one.
    - C(distribution), C(release), C(is_el) and C(el_folder) of the host.
  returned: success
  type: dict
limits:
  description: The files that raise the number of open files, C(path) and C(text). Empty with O(nofile=0).
  returned: success
  type: list
  elements: dict
host:
  description: C(distribution), C(engine) and C(live_restore), as M(flotilla.swarm.host_info) returns them.
  returned: success
  type: dict
packages:
  description: The engine's packages that are installed, with V(version) and V(hold).
  returned: success
  type: dict
units:
  description: The engine's unit, with V(active) and V(enabled), where there is one.
  returned: success
  type: dict
check_mode:
  description: Whether the task ran in check mode.
  returned: success
  type: bool
plan:
  description: In check mode the changes that the role would make, of kind V(package), V(file), V(unit) and V(user).
  returned: success
  type: list
  elements: dict
"""

import typing as t

from ..module_utils._core.host import engine_needs
from ..module_utils._io.host import checked_host_target
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS = {
    "host": {"type": "str", "required": True},
    "source": {"type": "str", "choices": ["docker", "distribution"], "required": True},
    "version": {"type": "str", "default": ""},
    "client": {"type": "bool", "default": False},
    "hold": {"type": "bool", "default": False},
    "config": {"type": "dict", "default": {}},
    "nofile": {"type": "int", "default": 0},
    "users": {"type": "list", "elements": "str", "default": []},
}


def observe(place: tuple[t.Any, bool], params: dict[str, t.Any]) -> engine_needs.Observed:
    host, check_mode = place
    return engine_needs.observe(host, params, check_mode)


def plan(observed: engine_needs.Observed, params: dict[str, t.Any]) -> Plan:
    return engine_needs.plan(observed, params)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, target=checked_host_target)


if __name__ == "__main__":
    main()
