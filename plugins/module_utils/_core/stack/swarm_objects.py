# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a swarm holds, as a plan and a deploy read it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..schedule.placement import Nodes
from ..service.diff import Names
from ..service.fields import ANY_API
from ..service.images import Resolved
from ..service.naming import Item, item_name

Routes = t.Mapping[str, t.Sequence[t.Mapping[str, str]]]
"""What hosts reach by themselves, by host."""


@dataclass(frozen=True)
class SwarmObjects:
    """What the engine lists. ``services`` are those of the whole swarm, because any may refer to a secret."""

    services: t.Sequence[Item] = ()
    networks: t.Sequence[Item] = ()
    secrets: t.Sequence[Item] = ()
    configs: t.Sequence[Item] = ()
    nodes: Nodes = field(default_factory=Nodes)
    images: t.Mapping[str, Resolved] = field(default_factory=dict)
    volumes: t.Collection[str] = ()
    """Of the stack, on this engine; read only where the stack is to go."""
    cluster_volumes: t.Collection[str] = ()
    """Of the swarm; read only where a service mounts one."""
    api: tuple[int, ...] = ANY_API
    """The version that the manager speaks."""
    node_id: str = ""
    """The node of the engine that was asked."""
    routes: Routes = field(default_factory=dict)
    time: float = 0.0
    """When it was read, in seconds since 1970 by the engine's clock; 0 if that was not asked."""

    def names(self) -> Names:
        return Names(
            {network["Id"]: network["Name"] for network in self.networks},
            {item_name(item): item["ID"] for item in self.secrets},
            {item_name(item): item["ID"] for item in self.configs},
        )
