# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What swarm_info tells of a swarm, and what it told of a host. Pure."""

from __future__ import annotations

import typing as t

from .member_state import MemberState


def read_result(result: t.Mapping[str, t.Any]) -> MemberState:
    """One item of a registered loop over ``swarm_info``; a host that did not answer has ``unreachable`` set."""
    name = str(result.get("host") or result.get("item") or "(unnamed)")
    if "state" not in result:
        reason = str(result.get("msg") or "").strip()
        return MemberState(name, "unreachable", problem="" if result.get("unreachable") else reason)
    text = {key: str(result.get(key) or "") for key in ("state", "role", "cluster_id", "node_id", "address", "problem")}
    return MemberState(name, acting=result.get("acting") is True, **text)


def describe_cluster(cluster: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What was fixed when the swarm was made, from ``Swarm.Cluster`` of ``/info``; empty if there is none."""
    if not cluster.get("ID"):
        return {}
    return {
        "created_at": cluster.get("CreatedAt") or "",
        "data_path_port": cluster.get("DataPathPort") or 4789,
        "default_addr_pool": cluster.get("DefaultAddrPool") or [],
        "subnet_size": cluster.get("SubnetSize") or 24,
    }
