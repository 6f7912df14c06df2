# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnets: which are allowed, and which are in each other's way. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ...errors import PlanError

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

# RFC 1918, RFC 6598 and RFC 4193.
_PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]


def parse_subnet(owner: str, text: str) -> Network:
    """A subnet such as ``10.10.0.0/24``; PlanError names ``owner`` where it is none."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise PlanError(f"{owner}: {text!r} is not a subnet: {error}", "Write it as 10.10.0.0/24.") from None


def is_private(subnet: Network) -> bool:
    """Whether a subnet lies in a range that is nobody's on the Internet."""
    # The versions are compared first, which the types can't tell.
    return any(subnet.version == each.version and subnet.subnet_of(each) for each in _PRIVATE)  # type: ignore[arg-type]


def refuse_public(owner: str, subnet: Network, way_out: str = ", or set allow_public_subnet") -> None:
    """Raise PlanError for a range that belongs to someone on the Internet: its hosts would be out of reach.

    ``way_out`` ends the message.
    """
    if not is_private(subnet):
        ranges = ", ".join(str(each) for each in _PRIVATE if each.version == subnet.version)
        raise PlanError(
            f"{owner}: {subnet} is a public range, and containers could no longer reach its real hosts",
            f"Use one from {ranges}{way_out}.",
        )


def refuse_stranger(owner: str, gateway: str, subnet: Network) -> None:
    """Raise PlanError for a gateway outside its subnet."""
    try:
        inside = ipaddress.ip_address(gateway) in subnet
    except ValueError as error:
        raise PlanError(f"{owner}: the gateway {gateway!r} is not an address: {error}.") from None
    if not inside:
        raise PlanError(f"{owner}: the gateway {gateway} is not in the subnet {subnet}.")


def find_overlaps(subnets: t.Mapping[str, t.Sequence[Network]]) -> list[tuple[str, str, str, str]]:
    """Pairs that overlap, each as owner, subnet, other owner, its subnet."""
    entries = [(owner, subnet) for owner in sorted(subnets) for subnet in subnets[owner]]
    return [
        (owner, str(subnet), other, str(theirs))
        for place, (owner, subnet) in enumerate(entries)
        for other, theirs in entries[place + 1 :]
        if owner != other and subnet.version == theirs.version and subnet.overlaps(theirs)
    ]


def _overlaps(route: str, subnet: Network) -> bool:
    """A host that writes its routes otherwise than we do must not keep the others from their networks."""
    try:
        theirs = ipaddress.ip_network(route)
    except ValueError:
        return False
    return theirs.version == subnet.version and theirs.overlaps(subnet)


def refuse_routed(owner: str, subnets: t.Sequence[Network], routes: t.Mapping[str, t.Sequence[t.Mapping[str, str]]]) -> None:
    """Raise PlanError where hosts have their own ways into a subnet: containers there would not reach what is behind them.

    ``routes`` is what ``read_routes`` gave, by host.
    """
    told = [
        f"{host} has {route['network']} ({route['via']}), which overlaps {subnet}"
        for host in sorted(routes)
        for route in routes[host]
        for subnet in subnets
        if _overlaps(route["network"], subnet)
    ]
    if told:
        raise PlanError(f"{owner}: {'; '.join(told)}", "Use a range that no host has a route to.")
