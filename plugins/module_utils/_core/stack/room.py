# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the nodes have what the services of a stack reserve, each for itself and all of them together. Pure."""

from __future__ import annotations

import typing as t
from collections import Counter

from ..schedule.placement import Nodes, task_count
from ..schedule.resources import CPUS, MEMORY, read_amounts, tell_amount
from ..service.constraints import Node
from ..service.spec import ServiceSpec
from .finding import Finding, about

_PORT = "port "


def lint_room(specs: t.Sequence[ServiceSpec], nodes: Nodes, others: t.Sequence[ServiceSpec] = ()) -> t.Iterator[Finding]:
    """``others`` are the services of other stacks, which have their room already."""
    for spec in specs:
        yield from _alone(spec, nodes)
        yield from _while_updating(spec, nodes)
    if nodes.all:
        yield from _together(specs, nodes, others)


def _alone(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[Finding]:
    eligible = nodes.eligible(spec.raw)
    replicas = spec.desired if spec.mode == "replicated" else 0
    limit = spec.most_on_a_node
    if limit and eligible and replicas > limit * len(eligible):
        yield about("capacity", spec.name, f": {replicas} replicas, but {len(eligible)} nodes take {limit} each (max_replicas_per_node)")
    if not eligible or (spec.mode == "replicated" and not replicas):
        return
    allowed = spec.limits.get(CPUS) or 0
    most = max(_has(node)[CPUS] for node in eligible) if allowed and not _fitting(eligible, CPUS, allowed, 1) else 0
    if most:
        given, there = tell_amount(CPUS, allowed), tell_amount(CPUS, most)
        found = f": its limit is {given}, and nodes refuse a limit above what they have (at most {there})"
        yield about("cpu_limit", spec.name, found)
    needed = max(1, replicas)
    for resource, amount in sorted(_reserved(spec).items()):
        fits = _fitting(eligible, resource, amount, needed)
        if fits < needed:
            wanted = f"{needed} tasks reserve {tell_amount(resource, amount)} each"
            yield about("capacity", spec.name, f": {wanted}, but the nodes that may run it have room for {fits}")


def _fitting(nodes: t.Iterable[Node], resource: str, amount: int, needed: int) -> int:
    """How many times the nodes have this amount; counting ends with what is needed."""
    fits = 0
    for node in nodes:
        fits += _has(node)[resource] // amount
        if fits >= needed:
            break
    return fits


def _while_updating(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[Finding]:
    if spec.update_config.get("Order") != "start-first":
        return
    eligible = nodes.eligible(spec.raw)
    if spec.host_ports and spec.mode == "replicated" and len(eligible) <= spec.desired:
        yield about(
            "host_port",
            spec.name,
            ": with start-first the new task can't have the host port that the old one holds; use update_config.order: stop-first",
        )
    for resource, amount in _reserved(spec).items() if nodes.all else ():
        if resource not in (CPUS, MEMORY) and _fitting(eligible, resource, amount, spec.desired + 1) <= spec.desired:
            found = f": with start-first an update needs one more free {resource} than there is; use update_config.order: stop-first"
            yield about("capacity", spec.name, found)


def _together(specs: t.Sequence[ServiceSpec], nodes: Nodes, others: t.Sequence[ServiceSpec]) -> t.Iterator[Finding]:
    """For each set of nodes that some service is bound to: all that can run nowhere else, against what these nodes have."""
    demands = [_Demand(spec, nodes, index >= len(others)) for index, spec in enumerate((*others, *specs))]
    told = set[tuple[str, ...]]()
    for resource in sorted({resource for demand in demands for resource in demand.amounts}):
        wanting = [demand for demand in demands if demand.amounts.get(resource)]
        for ids in sorted({demand.ids for demand in wanting}, key=lambda ids: (len(ids), sorted(ids))):
            bound = [demand for demand in wanting if demand.ids <= ids]
            room = sum(1 if resource.startswith(_PORT) else _has(node)[resource] for node in nodes.all if node.get("ID") in ids)
            wanted = sum(demand.amounts[resource] for demand in bound)
            waiting = tuple(demand.name for demand in _left_over(bound, resource, room) if demand.is_ours)
            if wanted > room and waiting and len(bound) > 1 and waiting not in told:
                told.add(waiting)
                beside = [demand.name for demand in bound if not demand.is_ours]
                yield Finding("capacity", waiting, _explain(resource, wanted, room, waiting, beside))


class _Demand:
    """What all tasks of a service take, and the nodes on which they may."""

    def __init__(self, spec: ServiceSpec, nodes: Nodes, is_ours: bool) -> None:
        self.name, self.is_ours = spec.name, is_ours
        self.ids = nodes.eligible_ids(spec.raw)
        tasks = 0 if spec.is_job or not self.ids else task_count(spec.raw, nodes)
        each = {**_reserved(spec), **{f"{_PORT}{number}/{protocol}": 1 for number, protocol in spec.host_ports}}
        self.amounts = {resource: amount * tasks for resource, amount in each.items() if tasks}


def _left_over(demands: t.Iterable[_Demand], resource: str, room: int) -> t.Iterator[_Demand]:
    """Those that come too late, in their order: others first, for they have their room."""
    for demand in demands:
        if demand.amounts[resource] > room:
            yield demand
        else:
            room -= demand.amounts[resource]


def _explain(resource: str, wanted: int, room: int, waiting: t.Sequence[str], others: t.Sequence[str]) -> str:
    those = f"service{'s' if len(waiting) > 1 else ''} {', '.join(waiting)} will wait"
    beside = f", with {', '.join(others)}" if others else ""
    if resource.startswith(_PORT):
        return f"{resource} of a node is wanted by {wanted} tasks{beside}, and {room} nodes may run them: {those}"
    return f"{tell_amount(resource, wanted)} wanted{beside}, and the nodes that may run them have {tell_amount(resource, room)}: {those}"


def _reserved(spec: ServiceSpec) -> Counter[str]:
    return +read_amounts(spec.reservations)


def _has(node: Node) -> Counter[str]:
    return read_amounts((node.get("Description") or {}).get("Resources") or {})
