# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands open to everyone who reaches a host, from the ``exposure`` that ``host_info`` and ``health_info`` tell. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..module_utils._core.host.exposure import is_public

NFS = "2049/tcp"
SHOWN = 5

Given = t.Mapping[str, t.Any]
_CLOSE = "name port {} in firewall_published with its sources"


@dataclass(frozen=True)
class Exposure:
    """``where`` has names of hosts; ``text`` says what is wrong, ``cure`` what to do; ``grave`` where it makes everybody root."""

    where: str
    text: str
    cure: str
    grave: bool = False


def find_exposures(seen: t.Mapping[str, Given], public_ports: t.Iterable[t.Any]) -> list[Exposure]:
    """Each thing once, with the hosts where it is. ``seen`` is by host; ``public_ports``, such as 80 or 53/udp, are meant to be open."""
    given = public_ports.split(",") if isinstance(public_ports, str) else map(str, public_ports)  # a text with -e, or from a survey
    meant = {port.strip() if "/" in port else f"{port.strip()}/tcp" for port in given}
    hosts: dict[tuple[str, str, bool], list[str]] = {}
    ports: dict[str, list[str]] = {}
    for name, exposure in seen.items():
        for what in _open_things(exposure) if exposure else ():
            hosts.setdefault(what, []).append(name)
        for port in _open_ports(exposure, meant) if exposure else ():
            ports.setdefault(port, []).append(name)
    found = [Exposure(_several(names), *what) for what, names in hosts.items()]
    if ports:
        words = _several(sorted(ports, key=lambda port: (_number(port).zfill(5), port)))
        cure = "Name each with its sources in firewall_published, or for the world in preflight_public_ports and health_public_ports"
        where = _several(sorted(set().union(*ports.values())))
        found.append(Exposure(where, f"nothing limits who reaches the published ports {words}", cure))
    return found


def _open_things(exposure: Given) -> t.Iterator[tuple[str, str, bool]]:
    """What is wrong, its cure, and whether it is grave."""
    closed = set(exposure["closed"])
    for address in exposure["engine"]:
        if _port_of(address) not in closed:
            yield (
                f"anyone who reaches {address} is root there, because the engine asks for no certificate",
                "Reach it by SSH and take the address out of hosts (daemon.json, or -H of the unit), or set tlsverify",
                True,
            )
    for registry in exposure["registries"]:
        if registry["open"] and registry["port"] not in closed:
            yield (
                f"anyone who reaches port {_number(registry['port'])} can replace every image, because the registry asks for no login",
                f"Run it by role registry without registry_open, or {_CLOSE.format(_number(registry['port']))}",
                False,
            )
    metrics = exposure["metrics"]
    if metrics and is_public(metrics) and _port_of(metrics) not in closed:
        cure = f"Set engine_metrics_address to one between the nodes, or {_CLOSE.format(metrics.rpartition(':')[2])}"
        yield f"the engine's metrics at {metrics} are open to everyone", cure, False
    if exposure["exports"] and NFS not in closed:
        yield f"NFS exports {_several(exposure['exports'])} to everyone", "Name the clients in /etc/exports or nfs_server_exports", False


def _open_ports(exposure: Given, meant: t.Collection[str]) -> set[str]:
    """Of registries only those that ask for a login over TLS are good, and the others are told of already."""
    return set(exposure["ports"]) - set(exposure["closed"]) - set(meant) - {registry["port"] for registry in exposure["registries"]}


def _port_of(address: str) -> str:
    return f"{address.rpartition(':')[2]}/tcp"


def _number(port: str) -> str:
    return port.partition("/")[0]


def _several(names: t.Sequence[str]) -> str:
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
