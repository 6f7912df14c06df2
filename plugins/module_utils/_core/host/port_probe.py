# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports a host tries at the others, and on which it listens itself. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

GOSSIP_PORT = 7946
LIFETIME_SECONDS = 30


@dataclass(frozen=True)
class Job:
    """``run`` is the same on all hosts; ``tcp`` and ``udp`` are what to reach of each peer, as address and port, where the UDP ports
    are those of every host; ``listen`` are TCP ports; ``lifetime`` is in seconds."""

    run: str
    host: str
    tcp: t.Mapping[str, t.Sequence[tuple[str, int]]]
    udp: t.Mapping[str, t.Sequence[tuple[str, int]]]
    listen: t.Sequence[int]
    lifetime: float


def read_job(params: t.Mapping[str, t.Any]) -> Job:
    """What the options of module ``port_probe`` ask of this host."""

    def tcp_ports(name: str) -> list[int]:
        return [GOSSIP_PORT, params["manager_port"]] if name in params["managers"] else [GOSSIP_PORT]

    host, data = params["host"], params["data_path_port"]
    others = {name: address for name, address in params["peers"].items() if name != host}
    return Job(
        run=params["run"],
        host=host,
        tcp={name: [(address, port) for port in tcp_ports(name)] for name, address in others.items()},
        udp={name: [(address, GOSSIP_PORT), (params["data_path_peers"].get(name) or address, data)] for name, address in others.items()},
        listen=tcp_ports(host),
        lifetime=LIFETIME_SECONDS + len(others),
    )
