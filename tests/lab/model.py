# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab is: its nodes, their addresses, and the plan that gives both. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Network
from typing import Any

RELEASES = ("trixie", "bookworm")
MAX_NODES = 50


class LabError(Exception):
    """Anything the user must know; the text is the whole message."""


@dataclass(frozen=True)
class Node:
    name: str
    address: str
    manager: bool


@dataclass(frozen=True)
class Lab:
    name: str
    driver: str
    release: str
    subnet: str
    nodes: tuple[Node, ...]
    features: Mapping[str, bool] = field(default_factory=dict)
    engine: str = ""  # container driver: the socket of the engine that holds the nodes

    @property
    def gateway(self) -> str:
        return str(IPv4Network(self.subnet)[1])

    def node(self, name: str) -> Node:
        """The node of that name. LabError when there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise LabError(f"lab {self.name!r} has no node {name!r}; it has {', '.join(n.name for n in self.nodes)}")

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Lab:
        """The inverse of as_data. KeyError and TypeError when the data is no lab."""
        return cls(**{**data, "nodes": tuple(Node(**node) for node in data["nodes"])})


def pick_subnet(name: str, taken: Iterable[str]) -> str:
    """A /24 of 10.88.0.0/16 for the lab of that name: the same each time unless something in *taken* overlaps it."""
    used = [IPv4Network(network, strict=False) for network in taken]
    first = zlib.crc32(name.encode())
    for offset in range(254):
        candidate = IPv4Network(f"10.88.{(first + offset) % 254 + 1}.0/24")
        if not any(candidate.overlaps(network) for network in used):
            return str(candidate)
    raise LabError("no free /24 is left in 10.88.0.0/16 for another lab; take one down first (lab status lists them)")


def plan_nodes(subnet: str, count: int, managers: int) -> tuple[Node, ...]:
    """Managers m1, m2, ... and then workers w1, w2, ..., from the subnet's address .11 upwards."""
    if not 1 <= count <= MAX_NODES:
        raise LabError(f"a lab has 1 to {MAX_NODES} nodes, not {count}")
    if not 1 <= managers <= count:
        raise LabError(f"of {count} nodes, 1 to {count} can be managers, not {managers}")
    network = IPv4Network(subnet)
    return tuple(
        Node(
            name=f"m{index + 1}" if index < managers else f"w{index - managers + 1}",
            address=str(network[11 + index]),
            manager=index < managers,
        )
        for index in range(count)
    )


def check_name(name: str) -> str:
    """The name, if it can be part of host, container and file names."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,20}", name):
        raise LabError(f"a lab's name is 1 to 21 of a-z, 0-9 and '-', a letter first; not {name!r}")
    return name


def check_release(release: str) -> str:
    """The release, if there are trees for it. It may come from the environment."""
    if release not in RELEASES:
        raise LabError(f"a lab's release is one of {', '.join(RELEASES)}, not {release!r}")
    return release


def same_lab(existing: Lab, wanted: Lab) -> None:
    """LabError unless *wanted* is *existing* with, at most, more nodes."""
    for what in ("driver", "release"):
        have, want = getattr(existing, what), getattr(wanted, what)
        if have != want:
            raise LabError(f"lab {existing.name!r} is up with {what} {have}, not {want}; take it down first")
    gone = [node.name for node in existing.nodes if node not in wanted.nodes]
    if gone:
        raise LabError(f"lab {existing.name!r} is up with {', '.join(gone)} too; take it down first for fewer nodes")
