# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes of a live swarm as hosts of an inventory. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..module_utils._core.cluster.labels import carries
from ..module_utils._core.cluster.node import read_node

_NO_NAME = re.compile(r"[^A-Za-z0-9_]")
# A node names itself. As localhost it would get what plays leave on the controller, and a pattern or a path is no host.
_HOST_NAME = re.compile(r"(?!localhost(\.|$)|127\.|all$|ungrouped$)[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?", re.IGNORECASE)


@dataclass(frozen=True)
class Host:
    """``groups`` are without the prefix that the user chose."""

    name: str
    variables: Mapping[str, Any]
    groups: Sequence[str]


def read_hosts(nodes: Sequence[Mapping[str, Any]]) -> list[Host]:
    """Hosts by name, from the answer of ``/nodes``. Nodes that share a host name get their id appended, but for one that is up."""
    names = Counter(read_node(raw).hostname for raw in nodes)
    alone = {name for name, count in names.items() if count == 1}
    up = Counter(node.hostname for node in map(read_node, nodes) if node.is_up)
    hosts = []
    for raw in nodes:
        node = read_node(raw)
        is_plain = node.hostname in alone or (node.is_up and up[node.hostname] == 1)
        own = node.hostname if _HOST_NAME.fullmatch(node.hostname) else ""
        name = own if is_plain and own else f"{own or 'node'}-{node.node_id}"
        described = raw.get("Description") or {}
        variables = {
            "ansible_host": node.address,
            "swarm_node": {
                **node.as_result(),
                "reachable": node.is_reachable,
                "platform": described.get("Platform") or {},
                "resources": described.get("Resources") or {},
                "engine_labels": (described.get("Engine") or {}).get("Labels") or {},
            },
        }
        labels = [f"label_{label}" for label in sorted(node.labels) if carries(node.labels, label)]
        groups = [f"{node.role}s", f"availability_{node.availability}", f"state_{node.state}", *labels]
        hosts.append(Host(name, variables, [_NO_NAME.sub("_", group) for group in groups]))
    return sorted(hosts, key=lambda host: host.name)
