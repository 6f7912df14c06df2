# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a stack that are in the way of others, and options that no overlay knows. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ..schedule.placement import Nodes, hostname
from ..service.spec import Raw
from .finding import Finding
from .swarm_objects import Routes

_OPTIONS = {"encrypted", "com.docker.network.driver.mtu", "com.docker.network.driver.overlay.vxlanid_list"}
_OF_BRIDGES = "com.docker.network.bridge."
_Subnet = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


def lint_networks(wanted: t.Sequence[Raw], observed: t.Sequence[Raw], nodes: Nodes, routes: Routes | None = None) -> t.Iterator[Finding]:
    """``wanted`` are those that the stack makes, ``observed`` all that the swarm has, ``routes`` the ways of each host."""
    names = {network["Name"] for network in wanted}
    others = [*(network for network in observed if network["Name"] not in names), *wanted]
    for network in wanted:
        if network.get("Driver") == "overlay":
            yield from _lint_options(network)
        for subnet in _subnets(network):
            yield from (_finding("subnet", network, f": {found}") for found in _in_the_way(network, subnet, others, nodes, routes or {}))


def _finding(word: str, network: Raw, text: str) -> Finding:
    return Finding(word, (network["Name"],), text, "network")


def _lint_options(network: Raw) -> t.Iterator[Finding]:
    unknown = sorted((network.get("Options") or {}).keys() - _OPTIONS)
    bridge = [name for name in unknown if name.startswith(_OF_BRIDGES)]
    rest = [name for name in unknown if name not in bridge]
    if bridge:
        yield _finding("network_options", network, f": {', '.join(bridge)} is for bridges, and does nothing on an overlay")
    if rest:
        yield _finding("network_options", network, f": overlay networks have no option {', '.join(rest)}")


def _subnets(network: Raw) -> list[_Subnet]:
    texts = [config.get("Subnet") for config in (network.get("IPAM") or {}).get("Config") or []]
    return [ipaddress.ip_network(text, strict=False) for text in texts if text]


def _in_the_way(network: Raw, subnet: _Subnet, others: t.Iterable[Raw], nodes: Nodes, routes: Routes) -> t.Iterator[str]:
    for other in others:
        theirs = next((each for each in _subnets(other) if each.version == subnet.version and each.overlaps(subnet)), None)
        if other["Name"] != network["Name"] and theirs:
            yield f"its subnet {subnet} overlaps {theirs} of network {other['Name']}, so tasks on it get no address; use another range"
            break
    inside = [hostname(node) for node in nodes.all if _address(node) in subnet]
    behind = _hosts_by_route(subnet, routes)
    if inside:
        yield f"its subnet {subnet} holds the address of {', '.join(inside)}, which tasks can't reach then; use another range"
    elif behind:
        told = "; ".join(f"{route} on {', '.join(hosts)}" for route, hosts in behind.items())
        yield f"its subnet {subnet} overlaps what hosts reach by themselves ({told}), which tasks can't reach then; use another range"
    elif subnet.is_global:
        yield f"its subnet {subnet} is a public range, and tasks can't reach its real hosts; use one from 10.0.0.0/8"


def _hosts_by_route(subnet: _Subnet, routes: Routes) -> dict[str, list[str]]:
    """The ways into a subnet, such as ``10.0.9.0/24 (eth1)``, each with the hosts that have it."""
    found: dict[str, list[str]] = {}
    for host in sorted(routes):
        for route in routes[host]:
            network = _network(route["network"])
            if network and network.version == subnet.version and network.overlaps(subnet):
                found.setdefault(f"{network} ({route['via']})", []).append(host)
    return found


def _network(text: str) -> t.Any:
    """None where a host writes its routes otherwise than we do: that must not keep a stack from its plan."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _address(node: Raw) -> t.Any:
    try:
        return ipaddress.ip_address((node.get("Status") or {}).get("Addr", ""))
    except ValueError:
        return None
