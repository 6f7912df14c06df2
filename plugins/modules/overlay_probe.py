#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: overlay_probe
short_description: Probe what gets through between the nodes of a swarm, as containers would send it
version_added: 0.1.0
description:
  - Run it twice, each time on all hosts. Without O(peers) a host listens for a minute on its ends of the ingress network and of
    encrypted networks, in a process of its own. With O(peers) it sends to the ends of the others, and tells what came back. Both are
    changes, and nothing is left of them on the host a minute later.
  - Small and full packets are tried, over the same network between the nodes that their containers use, with no container and no image.
    So it also finds what only full packets meet, such as a way between two nodes whose MTU is too small.
  - Of encrypted networks it also tells whether what this host sends can be read between the nodes. For that it sends a datagram with a
    random marker, and looks for the marker in what leaves the host.
  - A host has an end of an encrypted network while a task on it uses that network, and for as long as it has one of the ingress network.
  - The role P(flotilla.swarm.health#role) puts the two runs together.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode the host neither listens nor sends. A play that has to know what gets through also then sets
        C(check_mode=false) on both tasks, as the role does.
  idempotent:
    support: none
    details:
      - Each run of the module is a probe.
options:
  peers:
    description: The RV(ends) of the other hosts, by name, as their first runs returned them.
    type: dict
author:
  - Flotilla contributors (@flotilla-swarm)
notes:
  - It needs root, and an engine on the host itself.
seealso:
  - module: flotilla.swarm.port_probe
"""

EXAMPLES = r"""
- name: Listen on every host
  flotilla.swarm.overlay_probe:
  register: listening
  check_mode: false
  changed_when: false

- name: Send to one of the others
  flotilla.swarm.overlay_probe:
    peers:
      w1: "{{ hostvars['w1'].listening.ends }}"
  register: overlay
  check_mode: false
  changed_when: false
"""

RETURN = r"""
ends:
  description:
    - This host's ends of the ingress network, then of encrypted ones. Empty if it has none of the ingress network, as in no swarm.
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
  description: What was tested, for each network of O(peers) in which this host has an endpoint too.
  returned: with O(peers), not in check mode
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
    in_clear:
      description:
        - The hosts to which something was sent that can be read between the nodes, though the network is encrypted. Whether it got through
          is another question, engines refuse such packets.
      type: list
      elements: str
  sample: [{network: ingress, ingress: true, encrypted: false, reached: {w1: open, w2: only small packets}, in_clear: []}]
has_keys:
  description: Whether the kernel of this host holds keys to encrypt packets with (ESP). If not, it lacks what is needed for that.
  returned: with O(peers), not in check mode, where one of RV(networks) is encrypted
  type: bool
"""

import typing as t

from ..module_utils._io.member import Member, member_target
from ..module_utils._io.probe import overlay
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {"peers": {"type": "dict"}}


def observe(member: Member, params: dict[str, t.Any]) -> list[overlay.End]:
    """The ends on which this host could listen; it sends from whichever the others have too."""
    if params["peers"] is not None:
        return []
    seen, _info = member.inspect("")
    return overlay.find_ends(member.require_engine()) if member.is_local and seen.state == "active" else []


def plan(ends: list[overlay.End], params: dict[str, t.Any]) -> Plan:
    peers = params["peers"]
    if peers is not None:
        reason = f"sends to {', '.join(peers) or 'no other host'}"
        return Plan((Change("probe", "paths of overlay networks", "create", reason=reason, payload=peers),))
    reason = f"listens on {', '.join(end['network'] for end in ends)} for a minute"
    listener = Change("probe", "ends of overlay networks", "create", reason=reason)
    return Plan((listener,) if ends else (), result={"ends": ends})


def apply(_member: Member, change: Change, ends: list[overlay.End]) -> dict[str, t.Any] | None:
    if change.payload is not None:
        return overlay.reach(change.payload)
    overlay.listen(ends)
    return None


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_target)


if __name__ == "__main__":
    main()
