#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: edge_info
short_description: Ask every route of a swarm's edge over HTTPS, and say why one does not answer
version_added: 0.1.0
description:
  - Finds the edges that role P(flotilla.swarm.edge#role) deployed, with the routes that they have of their own and those that labels of
    services ask for, and asks each at every node of the edge, by the name that the certificate must bear.
  - A route is good when its service exists, runs, and shares a network with the edge, the certificate is one that this host trusts, there
    is a router for it, and the service answers. One behind a login is good when it asks for the login.
  - It runs on a manager, and needs five requests to the engine. From there port 443 of the edge's nodes must be reached.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes.info
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Ask the routes
  flotilla.swarm.edge_info:
  register: edge

- name: Fail where one does not answer
  ansible.builtin.assert:
    that: edge.faults | length == 0
    fail_msg: "{{ edge.faults | join(' ') }}"
"""

RETURN = r"""
edges:
  description: The edges of the swarm, by name. Empty without any.
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: Full name of the service.
      type: str
    networks:
      description: The networks that it is on.
      type: list
      elements: str
    nodes:
      description: The nodes with a running task of it, with their addresses.
      type: dict
routes:
  description: The routes, as each edge has them.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: The host that clients ask for.
      type: str
    path:
      description: The path that was asked for.
      type: str
    service:
      description: Full name of the service, empty for the edge's own dashboard.
      type: str
    auth:
      description: Whether it is behind the edge's login.
      type: bool
    status:
      description: The status that came back from the first node; 0 for none.
      type: int
    certificate_days:
      description: Days until the certificate ends. V(null) where it is not known.
      type: float
    state:
      description: V(ok), V(warning) for a certificate that ends soon, or V(failed).
      type: str
    cause:
      description:
        - What is wrong. V(service) is not there, no V(task) of it runs, no V(network) in common, V(connection) to the edge, V(certificate),
          no V(router), the V(backend) does not answer, or no login is asked for (V(auth)). Empty where all is well.
      type: str
    text:
      description: The same in words.
      type: str
    cure:
      description: What to do.
      type: str
faults:
  description: A sentence for each of RV(routes) that failed, with its cure.
  returned: success
  type: list
  elements: str
"""

import base64
import time
import typing as t

from ..module_utils._core.cluster.node import read_node
from ..module_utils._core.stack.edge import EDGE_LABEL, FAILED, TRUST, Edge, Swarm, find_edges, judge_route
from ..module_utils._io.engine import Engine
from ..module_utils._io.probe.https import ask_all
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module


def observe(engine: Engine, _params: dict[str, t.Any]) -> dict[str, t.Any]:
    doing = "looking for the edge of the swarm"
    services = engine.get("/services", doing)
    if not any(EDGE_LABEL in (service["Spec"].get("Labels") or {}) for service in services):
        return {"edges": [], "routes": []}
    nodes = {node.node_id: (node.hostname, node.address) for node in map(read_node, engine.get("/nodes", doing))}
    networks = {each["Id"]: each["Name"] for each in engine.get("/networks", doing, filters={"scope": ["swarm"]})}
    swarm = Swarm(services, engine.get("/tasks", doing), nodes, networks)
    edges = find_edges(swarm)
    wanted = {(address, route.host, route.path) for edge in edges for address in edge.nodes.values() for route in edge.routes}
    answers = ask_all(sorted(wanted), _trusted(engine, doing))
    routes = []
    for edge in edges:
        for route in edge.routes:
            by_node = {node: answers[(address, route.host, route.path)] for node, address in edge.nodes.items()}
            routes.append(judge_route(route, edge, swarm, by_node, time.time()))
    return {"edges": [_shown(edge) for edge in edges], "routes": routes}


def _shown(edge: Edge) -> dict[str, t.Any]:
    return {"service": edge.service, "networks": sorted(edge.networks), "nodes": dict(edge.nodes)}


def _trusted(engine: Engine, doing: str) -> str:
    """Of all edges and versions: what has been replaced is shown by nobody."""
    configs = engine.get("/configs", doing, filters={"label": [f"{EDGE_LABEL}={TRUST}"]})
    return "\n".join(base64.b64decode(config["Spec"].get("Data") or "").decode() for config in configs)


def plan(observed: dict[str, t.Any], _params: dict[str, t.Any]) -> Plan:
    failed = [route for route in observed["routes"] if route["state"] == FAILED]
    faults = [f"{route['host']}: {route['text'].rstrip('.')}. {route['cure'].rstrip('.')}." for route in failed]
    return Plan(result={**observed, "faults": faults})


def main() -> None:
    run_module({}, observe, plan)


if __name__ == "__main__":
    main()
