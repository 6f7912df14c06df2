# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short and long forms of published ports."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .errors import Place

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_FORM = '"80", "8080:80", "53:53/udp" or "9000-9002:90-92"'
Port = dict[str, t.Any]


def read_port(value: t.Any, place: Place, warnings: list[str]) -> list[Port]:
    """The ports of one entry, as ``target``, ``published`` (absent when the swarm chooses), ``protocol`` and ``mode``.

    The long form passes as it is: what it leaves out stays out, for the engine to fill in.
    """
    if isinstance(value, dict):
        return [_long(value, place, warnings)]
    text = str(value)
    rest, _mark, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in ("tcp", "udp", "sctp"):
        raise place.error(f"found protocol {protocol!r}", "tcp, udp or sctp")
    address, published, target = _split(rest)
    if address:
        _check_address(address, text, place)
        warnings.append(place.note(f"the address {address} is ignored: the port is published on every node and address"))
    targets = _numbers(target, text, place)
    if not published:
        return [_port(number, None, protocol) for number in sorted(targets, key=str)]  # as the CLI orders them
    hosts = _numbers(published, text, place)
    if len(targets) == 1:
        return [_port(targets[0], number, protocol) for number in hosts]
    if len(hosts) != len(targets):
        raise place.error(f"{text!r} has ranges of different length", "two ranges of one length")
    return [_port(*pair, protocol) for pair in zip(targets, hosts, strict=True)]


def order_ports(ports: t.Iterable[Port]) -> list[Port]:
    """In the order in which the CLI sends them, at least up to 12: when both deploy in turn, another order restarts tasks."""
    return sorted(ports, key=lambda port: int(port.get("published", 0)))


def _port(target: int, published: int | None, protocol: str) -> Port:
    port: Port = {"target": target, "protocol": protocol, "mode": "ingress"}
    if published:
        port["published"] = published
    return port


def _long(value: Port, place: Place, warnings: list[str]) -> Port:
    port = {key: value[key] for key in ("target", "published", "protocol", "mode") if value.get(key) not in (None, "")}
    if "published" in port:
        published = str(port["published"])
        if not published.isdecimal():
            raise (place / "published").error(
                f"found {published!r}", "one port number", "Swarm cannot choose from a range; leave published out"
            )
        port["published"] = int(published)
    for key in ("target", "published"):
        if not 0 <= port.get(key, 0) <= 65535:
            raise (place / key).error(f"found {port[key]}", "a port number up to 65535")
    if value.get("host_ip"):
        warnings.append((place / "host_ip").note("ignored: the port is published on every node and address"))
    return port


def _split(text: str) -> tuple[str, str, str]:
    """Address, published and target; the address may be IPv6, so the ports are the last two parts."""
    parts = text.split(":")
    if len(parts) == 1:
        return "", "", parts[0]
    return ":".join(parts[:-2]), parts[-2], parts[-1]


def _numbers(text: str, whole: str, place: Place) -> range:
    match = _RANGE.fullmatch(text)
    if not match:
        raise place.error(f"found {whole!r}", f"ports such as {_FORM}")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last or last > 65535:
        raise place.error(f"found {whole!r}", "port numbers up to 65535, the lower one first")
    return range(first, last + 1)


def _check_address(address: str, whole: str, place: Place) -> None:
    try:
        ipaddress.ip_address(address.removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        raise place.error(f"found {whole!r}", f"an IP address before the ports, or ports such as {_FORM}") from None
