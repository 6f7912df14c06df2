# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of a host in a swarm: given as an address, an interface or a network, or chosen. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ...errors import PlanError

PORT = 2377


def as_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network that ``10.0.0.0/24`` means; None for an address or the name of an interface."""
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise PlanError(f"{text!r} is not a network: {error}", "Write it as 10.0.0.0/24.") from None


def as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address in ``10.0.0.5``, ``10.0.0.5:2377`` or ``[fd00::5]:2377``; None for the name of an interface."""
    for candidate in (text, text.rpartition(":")[0].strip("[]")):
        try:
            return ipaddress.ip_address(candidate)
        except ValueError:
            pass
    return None


def probe(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    """An address of the network: the way to it tells which of the host's own addresses is in it."""
    return str(network[1] if network.num_addresses > 1 else network[0])


def pick_in_network(option: str, text: str, own: str) -> str:
    """``own`` if it is in the network ``text``; PlanError else. ``own`` is empty if no way leads to the network."""
    network = as_network(text)
    if network is None or (own and ipaddress.ip_address(own) in network):
        return own
    found = f"the route to it starts at {own}" if own else "there is no route to it"
    raise PlanError(f"{option}: this host has no address in {text}; {found}", "Give an address, an interface, or another network.")


def choose_advertised(own: t.Sequence[str], peers: t.Sequence[str]) -> str:
    """The first of the host's own addresses from which it reaches ``peers``; empty if the engine may choose.

    A loopback address is refused: no other host could reach it.
    """
    if not peers:
        return ""
    usable = [address for address in own if address and not ipaddress.ip_address(address).is_loopback]
    if usable:
        return usable[0]
    found = f"it reaches them from {', '.join(sorted({each for each in own if each}))} only" if any(own) else "it reaches none of them"
    raise PlanError(
        f"advertise_addr: no address of this host that {', '.join(peers)} could reach was found; {found}",
        "Give advertise_addr as an address, an interface or a network.",
    )


def refuse_loopback(option: str, text: str, peers: t.Sequence[str]) -> None:
    """Raise PlanError where an address that was given is of no use to other hosts."""
    address = as_address(text)
    if peers and address and address.is_loopback:
        raise PlanError(f"{option}: {text} is a loopback address, which {', '.join(peers)} can't reach", "Give another one.")
    if peers and address and address.version == 6 and address.is_link_local:
        # Its zone, as in fe80::1%eth0, means something on this host alone.
        raise PlanError(f"{option}: {text} is a link-local address, which nodes can't tell each other", "Give a global one.")


def with_port(text: str) -> str:
    """``10.0.0.5`` -> ``10.0.0.5:2377``; what has a port keeps it, interfaces get one too."""
    bare = text.strip("[]")
    try:
        return f"[{bare}]:{PORT}" if ipaddress.ip_address(bare).version == 6 else f"{text}:{PORT}"
    except ValueError:
        return text if ":" in text else f"{text}:{PORT}"
