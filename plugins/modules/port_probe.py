#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: port_probe
short_description: Probe which ports of a swarm are open between hosts, from both ends
version_added: 0.1.0
description:
  - Run it twice, each time on all hosts. With O(collect=false) every host begins to send to all others and to listen
    to them, in a process of its own. With O(collect=true) it tells what got through, and that process ends. Both are changes, and
    nothing is left of them on the host.
  - TCP ports are tried by a connection, which ends at once. Where nothing listens yet, that process does.
  - UDP ports are tried by small datagrams that neither the engine nor VXLAN takes for theirs. They count as arrived
    when they are through the packet filter of the host, also on ports that the engine or the kernel holds.
  - It works before there is an engine and in a running swarm. It needs neither the engine nor the Docker SDK. In a
    running swarm the engine's log has a line or two for each other host.
  - The role P(flotilla.swarm.preflight#role) puts the two runs together.
extends_documentation_fragment:
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode nothing is begun and nothing is collected. A play that has to know what gets through also then sets
        C(check_mode=false) on both tasks, as the role does.
  idempotent:
    support: none
    details:
      - Each run of the module begins, or ends, a probe.
options:
  run:
    description: What these two runs have in common, on all hosts, and no others have.
    type: str
    required: true
  host:
    description: The name of this host in O(peers).
    type: str
    required: true
  collect:
    description: Whether to end what was begun, and tell what it saw.
    type: bool
    default: false
  peers:
    description:
      - Addresses of all hosts, by name. The address of O(host) is not used.
    type: dict
    default: {}
  data_path_peers:
    description: Addresses for the traffic between containers by name, of the hosts that have others for it than in O(peers).
    type: dict
    default: {}
  managers:
    description: The names in O(peers) to test on O(manager_port) too.
    type: list
    elements: str
    default: []
  manager_port:
    description: TCP port of the managers.
    type: int
    default: 2377
  data_path_port:
    description: UDP port for the traffic between containers.
    type: int
    default: 4789
author:
  - Flotilla contributors (@flotilla-swarm)
notes:
  - UDP can be seen by root only.
  - The process ends by itself half a minute (and a second for each host) after it began, when nobody collects.
"""

EXAMPLES = r"""
- name: Begin on every host
  flotilla.swarm.port_probe:
    run: a1b2
    host: "{{ inventory_hostname }}"
    peers: {m1: 10.0.0.11, w1: 10.0.0.21}
    managers: [m1]
  check_mode: false
  changed_when: false

- name: Collect what got through
  flotilla.swarm.port_probe:
    run: a1b2
    host: "{{ inventory_hostname }}"
    collect: true
  register: ports
  check_mode: false
  changed_when: false
"""

RETURN = r"""
tcp:
  description: How each TCP port of each peer answered, V(open), V(refused), V(no answer), or the system's words.
  returned: when O(collect=true), not in check mode
  type: dict
  sample: {m1: {"2377": open, "7946": no answer}}
udp:
  description: Whether datagrams of each peer came to each UDP port of this host. V(null) if that can't be seen.
  returned: when O(collect=true), not in check mode
  type: dict
  sample: {m1: {"4789": false, "7946": true}}
"""

import typing as t

from ..module_utils._core.host.port_probe import Job, read_job
from ..module_utils._io.probe.ports import Ports, ports_target
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "run": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "collect": {"type": "bool", "default": False},
    "peers": {"type": "dict", "default": {}},
    "data_path_peers": {"type": "dict", "default": {}},
    "managers": {"type": "list", "elements": "str", "default": []},
    "manager_port": {"type": "int", "default": 2377},
    "data_path_port": {"type": "int", "default": 4789},
}


def observe(_ports: Ports, _params: dict[str, t.Any]) -> None:
    """Whether a probe runs is known to its process alone, which tells it when it is collected."""


def plan(_observed: None, params: dict[str, t.Any]) -> Plan:
    action, reason = ("remove", "says what got through, and ends") if params["collect"] else ("create", "sends to the others, and listens")
    return Plan((Change("probe", f"ports of {params['host']}", action, reason=reason, payload=read_job(params)),))


def apply(ports: Ports, change: Change, _observed: None) -> dict[str, t.Any] | None:
    job: Job = change.payload
    if change.action == "remove":
        return ports.collect(job.run, job.host)
    ports.begin(job)
    return None


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=ports_target)


if __name__ == "__main__":
    main()
