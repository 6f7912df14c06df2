# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes have and services reserve: CPUs, memory and generic resources. Pure."""

from __future__ import annotations

from collections import Counter

from ..service.spec import Raw

CPUS, MEMORY = "NanoCPUs", "MemoryBytes"
_GIB = 1 << 30


def read_amounts(resources: Raw) -> Counter[str]:
    """By kind, out of the resources of a node or the reservations of a service; 0 CPUs and memory where none are named."""
    found = Counter({kind: int(resources.get(kind) or 0) for kind in (CPUS, MEMORY)})
    for each in resources.get("GenericResources") or []:
        discrete, named = each.get("DiscreteResourceSpec"), each.get("NamedResourceSpec")
        if discrete:
            found[discrete["Kind"]] += int(discrete.get("Value") or 0)
        elif named:
            found[named["Kind"]] += 1
    return found


def tell_amount(kind: str, amount: int) -> str:
    """As people write it, such as ``1.5 CPUs``, ``6 GiB`` or ``2 gpu``."""
    if kind == CPUS:
        return f"{amount / 1e9:g} CPU{'' if amount == 1e9 else 's'}"
    if kind == MEMORY:
        return f"{amount / _GIB:.3g} GiB" if amount >= _GIB else f"{amount / 2**20:.3g} MiB"
    return f"{amount} {kind}"
