# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host lets others reach: its engine, metrics and published ports, as its configuration and its sockets say. Pure."""

from __future__ import annotations

import re
import typing as t

from ..cluster.addresses import as_address

_PUBLISHERS = ('"dockerd"', '"docker-proxy"')
# Where the engine itself listens as a member of a swarm. Between containers the kernel does.
_OF_SWARM = {"2377/tcp", "7946/tcp", "7946/udp"}
_LOCAL = ("unix://", "fd://", "npipe://")
_CLOSED = re.compile(r"^-A FLOTILLA-\S+ -p (\w+) .*--(?:ctorigdstport|dport) (\d+)\b.* -j DROP$", re.MULTILINE)


class Listener(t.NamedTuple):
    """``address`` is empty for any address; ``port`` is such as ``80/tcp``; ``published`` where the engine or its proxy listens."""

    address: str
    port: str
    published: bool


def parse_listeners(listing: str) -> list[Listener]:
    """From ``ss -Hltunp``, without what only this host itself reaches."""
    found = []
    for line in listing.splitlines():
        words = line.split()
        if len(words) < 5 or words[0] not in ("tcp", "udp"):
            continue
        host, _colon, port = words[4].rpartition(":")
        host = host.partition("%")[0].strip("[]*")
        if port.isdigit() and not is_loopback(host):
            address = "" if host in ("0.0.0.0", "::") else host
            found.append(Listener(address, f"{port}/{words[0]}", any(name in line for name in _PUBLISHERS)))
    return found


def published_ports(listeners: t.Iterable[Listener], of_engine: t.Iterable[str]) -> list[str]:
    """Ports of services and containers, sorted; ``of_engine`` has addresses such as ``0.0.0.0:2375`` at which the engine itself answers."""
    own = {f"{address.rpartition(':')[2]}/tcp" for address in of_engine} | _OF_SWARM
    ports = {listener.port for listener in listeners if listener.published} - own
    return sorted(ports, key=lambda port: (int(port.partition("/")[0]), port))


def engine_addresses(config: t.Mapping[str, t.Any], flags: t.Mapping[str, str]) -> list[str]:
    """Where the engine answers to other hosts over TCP, such as ``0.0.0.0:2375``."""
    hosts = config.get("hosts")
    given = [*(hosts if isinstance(hosts, list) else []), *flags.get("hosts", "").split()]
    addresses = [str(host).rpartition("://")[2] for host in given if not str(host).startswith(_LOCAL)]
    return [address for address in dict.fromkeys(addresses) if not is_loopback(_host_of(address) or "localhost")]


def asks_for_certificates(config: t.Mapping[str, t.Any], flags: t.Mapping[str, str]) -> bool:
    flag = flags.get("tlsverify")
    return bool(config.get("tlsverify")) if flag is None else flag.lower() in ("", "true", "1", "t")


def metrics_address(config: t.Mapping[str, t.Any], flags: t.Mapping[str, str]) -> str:
    """Where the engine's metrics are for others, such as ``0.0.0.0:9323``; empty if they are for nobody else."""
    address = str(config.get("metrics-addr") or flags.get("metrics-addr") or "")
    return "" if is_loopback(_host_of(address) or "localhost") else address


def closed_ports(rules: str) -> set[str]:
    """Ports such as ``5000/tcp`` that the rules of role firewall keep for some, from the file that its unit loads."""
    return {f"{port}/{protocol}" for protocol, port in _CLOSED.findall(rules)}


def is_public(address: str) -> bool:
    """Whether the world may reach an address such as ``0.0.0.0:9323``: any address of the host, or one that is routed everywhere."""
    found = as_address(_host_of(address))
    return found is None or found.is_unspecified or found.is_global


def is_loopback(host: str) -> bool:
    found = as_address(host)
    return host == "localhost" or bool(found and found.is_loopback)


def _host_of(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")
