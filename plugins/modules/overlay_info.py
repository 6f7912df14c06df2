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
  - Run it twice, each time on all hosts. Without O(peers) a host listens for a minute on its ends of the ingress network and of
    encrypted networks, in a process of its own. With O(peers) it sends to the ends of the others, and tells what came back.
  - Small and full packets are tried, over the same network between the nodes that their containers use, with no container and no image.
    So it also finds what only full packets meet, such as a way between two nodes whose MTU is too small.
  - Of encrypted networks it also tells whether what this host sends can be read between the nodes. For that it sends a datagram with a
    random marker, and looks for the marker in what leaves the host.
  - A host has an end of an encrypted network while a task on it uses that network, and for as long as it has one of the ingress network.
  - The role P(flotilla.swarm.health#role) puts the two runs together.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
  - flotilla.swarm.attributes.info
options:
  peers:
    description: The RV(ends) of the other hosts, by name, as their first runs returned them.
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
      w1: "{{ hostvars['w1'].listening.ends }}"
  register: overlay
"""

RETURN = r"""
ends:
  description:
    - This host's ends of the ingress network, then of encrypted ones. Empty where it has none of the ingress network, as in no swarm.
  returned: without O(peers)
  type: list
  elements: dict
  contains:
    network:
      description: The network's name.
      type: str
    namespace:
      description: The name of the end's network namespace, the same on all hosts.
      type: str
    address:
      description: The address of this host on the network.
      type: str
    encrypted:
      description: Whether the network is an encrypted one.
      type: bool
  sample: [{network: ingress, namespace: ingress_sbox, address: 10.0.0.3, encrypted: false}]
networks:
  description: What was tried, for each network of O(peers) of which this host has an end too.
  returned: with O(peers)
  type: list
  elements: dict
  contains:
    network:
      description: The network's name.
      type: str
    ingress:
      description: Whether it is the ingress network.
      type: bool
    encrypted:
      description: Whether it is an encrypted one.
      type: bool
    reached:
      description:
        - What came back from each of the other hosts. V(open), V(only small packets), V(no answer), or the system's words.
      type: dict
    clear:
      description:
        - The hosts to which something was sent that can be read between the nodes, though the network is encrypted. Whether it got through
          is another question, engines refuse such packets.
      type: list
      elements: str
  sample: [{network: ingress, ingress: true, encrypted: false, reached: {w1: open, w2: only small packets}, clear: []}]
has_keys:
  description: Whether the kernel of this host holds keys to encrypt packets with (ESP). If not, it lacks what is needed for that.
  returned: with O(peers), where one of RV(networks) is encrypted
  type: bool
"""

import typing as t

from ..module_utils._io.member import Member, member_target
from ..module_utils._io.probe import overlay as overlay_probe
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {"peers": {"type": "dict"}}


def observe(member: Member, params: dict[str, t.Any]) -> dict[str, t.Any]:
    if params["peers"] is not None:
        return overlay_probe.reach(params["peers"])
    seen, _info = member.inspect("")
    ends = overlay_probe.find_ends(member.require_engine()) if member.is_local and seen.state == "active" else []
    if ends:
        overlay_probe.listen(ends)
    return {"ends": ends}


def plan(observed: dict[str, t.Any], _params: dict[str, t.Any]) -> Plan:
    return Plan(result=observed)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, target=member_target)


if __name__ == "__main__":
    main()
