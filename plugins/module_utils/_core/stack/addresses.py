# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the networks of a stack have addresses for all its tasks. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ...errors import PlanError
from ..schedule.placement import Nodes, task_count
from ..service.spec import Raw, ServiceSpec

NEARLY_FULL = 0.75
_TAKEN_BY_THE_NETWORK = 3
"""Its own address, the gateway, and the broadcast address."""


def lint_addresses(
    specs: t.Iterable[Raw],
    networks: t.Iterable[Raw],
    others: t.Iterable[Raw],
    nodes: Nodes,
) -> t.Iterator[str]:
    """A warning for each network with a known subnet that gets full. Raises PlanError for one that has too few whatever node runs what.

    ``specs`` name networks; ``others`` are the specs of the remaining services, which may refer to networks by ID.
    """
    users = [ServiceSpec(spec) for spec in (*specs, *others)]
    for network in sorted(networks, key=lambda item: str(item["Name"])):
        attached = [spec for spec in users if spec.targets & {network["Name"], network.get("Id")}]
        size = sum(_size(config.get("Subnet", "")) for config in (network.get("IPAM") or {}).get("Config") or [])
        if not attached or not size:
            continue
        tasks = sum(task_count(spec.raw, nodes) for spec in attached)
        virtual = sum(spec.endpoint_mode != "dnsrr" for spec in attached)
        lasting = sum(task_count(spec.raw, nodes) for spec in attached if not spec.is_job)
        least = lasting + virtual + min(lasting, 1)
        if least > size:
            raise PlanError(
                f"network {network['Name']} has {size} addresses, and needs at least {least}: {lasting} tasks, {virtual} virtual "
                "addresses, and one for each node that runs some",
                "Give it a larger subnet, use several networks, or endpoint_mode: dnsrr.",
            )
        needed = tasks + virtual + len(nodes.all)
        if needed > NEARLY_FULL * size:
            yield (
                f"network {network['Name']} has {size} addresses and needs {needed}: {tasks} tasks, {virtual} virtual addresses, "
                f"{len(nodes.all)} nodes; use several networks, or endpoint_mode: dnsrr"
            )


def _size(subnet: str) -> int:
    try:
        network = ipaddress.ip_network(subnet, strict=False)
    except ValueError:
        return 0
    return max(0, network.num_addresses - _TAKEN_BY_THE_NETWORK) if network.version == 4 else 0
