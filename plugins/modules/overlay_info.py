#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: overlay_info
short_description: See what gets through between the nodes of a swarm, as containers would send it
version_added: 0.1.0
description:
  - Run it twice, each time on all hosts. Without O(peers) a host listens for a minute on its end of the ingress
    network, in a process of its own. With O(peers) it sends to the ends of the others, and tells what came back.
  - Small and full packets are tried, over the same network between the nodes that their containers use, with no container and no image.
    So it also finds what only full packets meet, such as a way between two nodes whose MTU is too small.
  - The role P(flotilla.swarm.health#role) puts the two runs together.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
  - flotilla.swarm.attributes.info
options:
  peers:
    description: Addresses of the other hosts, by name, as their first runs returned them.
    type: dict
author:
  - Flotilla contributors (@flotilla-swarm)
notes:
  - It needs root, and an engine on the host itself.
seealso:
  - module: flotilla.swarm.ports_info
"""

EXAMPLES = r"""
- name: Listen on every host
  flotilla.swarm.overlay_info:
  register: listening

- name: Send to one of the others
  flotilla.swarm.overlay_info:
    peers:
      w1: "{{ hostvars['w1'].listening.address }}"
  register: overlay
"""

RETURN = r"""
address:
  description: The address of this host on the ingress network. Empty where it has none, as a host in no swarm.
  returned: without O(peers)
  type: str
  sample: 10.0.0.3
reached:
  description:
    - What came back from each host of O(peers). V(open), V(only small packets), V(no answer), or the system's words.
  returned: with O(peers)
  type: dict
  sample: {w1: open, w2: only small packets}
"""

import typing as t

from ansible_collections.flotilla.swarm.plugins.module_utils import overlay_probe
from ansible_collections.flotilla.swarm.plugins.module_utils.member import Member, member_world
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Plan
from ansible_collections.flotilla.swarm.plugins.module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {"peers": {"type": "dict"}}


def observe(member: Member, params: dict[str, t.Any]) -> dict[str, t.Any]:
    if params["peers"] is not None:
        return {"reached": overlay_probe.reach({name: str(address) for name, address in params["peers"].items()})}
    seen, _info = member.look("")
    address = overlay_probe.find_end(member.require_engine()) if member.is_local and seen.state == "active" else ""
    if address:
        overlay_probe.listen(address)
    return {"address": address}


def plan(observed: dict[str, t.Any], _params: dict[str, t.Any]) -> Plan:
    return Plan(result=observed)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, world=member_world)


if __name__ == "__main__":
    main()
