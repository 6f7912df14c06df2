#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_check
short_description: Find all that is wrong with an inventory, without asking a host
version_added: 0.1.0
description:
  - Reads the variables of all hosts, fills in their templates, loads the files of all stacks, and prints every fault with the file and
    line where it stands. It runs on the controller alone and contacts no host.
  - It prints the report itself and does not fail on faults. The caller looks at RV(faults).
  - Values are shown only where they stand in the inventory as they are, and never under a name that looks secret.
extends_documentation_fragment:
  - flotilla.swarm.attributes.info
options:
  scope:
    description:
      - V(all) is the whole inventory.
      - V(given) is whether there are managers, whether the variables that came with C(-e) or from a survey are right, and whether those in
        O(needs) were given.
    type: str
    choices: [all, given]
    default: all
  needs:
    description:
      - Variables without which there is nothing to act on, such as V(nodes_target). Of V(services_names or services_stacks) one is enough.
    type: list
    elements: str
    default: []
  own_variables:
    description: Names of variables, with wildcards, that begin like those of a role and are the user's own.
    type: list
    elements: str
    default: []
  report:
    description: V(text) for people, V(json) for programs, V(none) prints nothing.
    type: str
    choices: [text, json, none]
    default: text
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Find all that is wrong with the inventory
  flotilla.swarm.inventory_check:
  register: checked
  run_once: true

- name: Stop where something is
  ansible.builtin.assert:
    that: checked.faults | length == 0
  run_once: true
"""

RETURN = r"""
faults:
  description: What keeps a run from doing what is meant, one line each.
  returned: success
  type: list
  elements: str
  sample:
    - "inventories/prod/group_vars/all/engine.yml:4: engine_package is not a variable of any role. Write engine_packages."
bind_sources:
  description: The paths of hosts that the services of O(flotilla.swarm.stacks#role:main:stacks_present) mount.
  returned: success
  type: list
  elements: str
  sample: ["/srv/models", "/var/run/docker.sock"]
notes:
  description: What may be wrong, and what can't be known before a host is asked.
  returned: success
  type: list
  elements: str
  sample:
    - "stack web needs the network frontend, which nothing here provides. Add it to networks_present, unless the swarm has it already."
"""
