# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on the nodes: whether others can take the tasks of some, or more tasks. Pure.

Nodes, services and tasks are those of the Engine API.
"""

from __future__ import annotations

import typing as t
from collections import Counter

from ...errors import PlanError
from ..service.spec import Raw, Service
from .placement import Nodes, hostname
from .resources import read_amounts, tell_amount
from .task_states import has_ended

_SHOWN = 5


def is_alive(task: Raw) -> bool:
    """Whether a task takes up its place: it is meant to run and has not ended."""
    return task.get("DesiredState") == "running" and not has_ended(task)


def check_capacity(leaving: t.Collection[str], nodes: t.Sequence[Raw], services: t.Sequence[Raw], tasks: t.Sequence[Raw]) -> None:
    """Raise PlanError where the tasks of the nodes with the ids ``leaving`` find no room on the others.

    What counts are constraints, platforms, reservations, host ports and the greatest number of tasks a node.
    """
    moving = Counter(task["ServiceID"] for task in tasks if is_alive(task) and task.get("NodeID") in leaving)
    wanted = [
        (service, moving[service["ID"]])
        for service in sorted(services, key=lambda each: Service(each).name)
        if moving[service["ID"]] and Service(service).spec.mode == "replicated"
    ]
    staying = [node for node in nodes if node["ID"] not in leaving]
    problems = [
        _explain(service, f"has {_tasks(count)} there", placed, eligible, "other ")
        for (service, count), (placed, eligible) in zip(wanted, _fill(wanted, staying, tasks))
        if placed < count
    ]
    if problems:
        raise PlanError(f"Draining {_names(leaving, nodes)}: {'; '.join(problems)}.")


def find_lacks(growing: t.Sequence[tuple[Raw, int]], nodes: t.Sequence[Raw], tasks: t.Sequence[Raw]) -> list[str]:
    """A sentence for each service for whose further tasks, as many as given with it, the nodes have no room."""
    return [
        _explain(service, f"wants {_tasks(more)} more", placed, eligible)
        for (service, more), (placed, eligible) in zip(growing, _fill(growing, nodes, tasks))
        if placed < more
    ]


def find_room(service: Raw, more: int, nodes: t.Sequence[Raw], tasks: t.Sequence[Raw]) -> int:
    """For how many of ``more`` further tasks of a service the nodes have room."""
    ((placed, _eligible),) = _fill([(service, more)], nodes, tasks)
    return placed


def find_unevenness(services: t.Iterable[Raw], nodes: Nodes, tasks: t.Sequence[Raw]) -> dict[str, str]:
    """By the ID of a service, ``m1 runs 4, w1 runs 0`` where moving a task to a node that has room would even it out, else empty."""
    room = _rooms(nodes.all, tasks)
    return {service["ID"]: _unevenness(service, [room[node["ID"]] for node in nodes.eligible(service["Spec"])]) for service in services}


def _unevenness(service: Raw, eligible: t.Sequence[_Room]) -> str:
    need = _Need(service)
    counts = {each.name: each.services[service["ID"]] for each in eligible}
    most = max(counts.values(), default=0)
    if not any(counts[each.name] < most - 1 and each.fits(need) for each in eligible):
        return ""
    return ", ".join(f"{name} runs {count}" for name, count in sorted(counts.items()))


def _fill(wanted: t.Sequence[tuple[Raw, int]], nodes: t.Sequence[Raw], tasks: t.Sequence[Raw]) -> list[tuple[int, list[_Room]]]:
    """For each service with a number of tasks: for how many of them there is room, and the nodes that may run it.

    Nothing quick finds every way to pack tasks of different sizes. First each service in its turn takes the freest nodes. Where that
    is not enough, those come first that are hardest to place, and take the fullest nodes that will do.
    """
    known = Nodes(nodes)
    spread = _try(wanted, known, tasks, False)
    if len(wanted) < 2 or _is_enough(wanted, spread):
        return spread
    packed = _try(wanted, known, tasks, True)
    return packed if _is_enough(wanted, packed) else spread


def _is_enough(wanted: t.Sequence[tuple[Raw, int]], found: t.Sequence[tuple[int, list[_Room]]]) -> bool:
    return all(placed == count for (_service, count), (placed, _eligible) in zip(wanted, found))


def _try(wanted: t.Sequence[tuple[Raw, int]], nodes: Nodes, tasks: t.Sequence[Raw], tight: bool) -> list[tuple[int, list[_Room]]]:
    room = _rooms(nodes.all, tasks)
    total = sum((each.free for each in room.values()), Counter())
    needs = [_Need(service) for service, _count in wanted]
    eligible = [[room[node["ID"]] for node in nodes.eligible(service["Spec"])] for service, _count in wanted]

    def hardness(index: int) -> tuple[int, float]:
        return sum(each.fits(needs[index]) for each in eligible[index]), -_share(needs[index].amounts, total)

    def rank(each: _Room) -> float:
        return -sum(each.free[kind] / amount for kind, amount in total.items()) if tight else each.free["NanoCPUs"]

    placed = [0] * len(wanted)
    for index in sorted(range(len(wanted)), key=hardness) if tight else range(len(wanted)):
        placed[index] = _place(needs[index], wanted[index][1], eligible[index], rank)
    return list(zip(placed, eligible))


def _share(amounts: t.Mapping[str, int], total: t.Mapping[str, int]) -> float:
    """The greatest part that they are of what is free altogether."""
    return max((amount / total[kind] for kind, amount in amounts.items() if total.get(kind)), default=0)


def _rooms(nodes: t.Sequence[Raw], tasks: t.Sequence[Raw]) -> dict[str, _Room]:
    there: dict[str, list[Raw]] = {node["ID"]: [] for node in nodes}
    for task in tasks:
        if is_alive(task) and task.get("NodeID") in there:
            there[task["NodeID"]].append(task)
    return {node["ID"]: _Room(node, there[node["ID"]]) for node in nodes}


def _place(need: _Need, count: int, eligible: t.Sequence[_Room], rank: t.Callable[[_Room], float]) -> int:
    """Put tasks, one after the other, on the node of the highest rank that has room; how many found one."""
    for placed in range(count):
        fitting = [each for each in eligible if each.fits(need)]
        if not fitting:
            return placed
        max(fitting, key=rank).add(need)
    return count


class _Room:
    """What is free on one node."""

    def __init__(self, node: Raw, tasks: t.Sequence[Raw]) -> None:
        resources = (node.get("Description") or {}).get("Resources") or {}
        self.name = hostname(node)
        self.free = read_amounts(resources)
        self.services: Counter[str] = Counter()
        self.ports: set[tuple[t.Any, t.Any]] = set()
        for task in tasks:
            self.services[task["ServiceID"]] += 1
            self.free.subtract(read_amounts(((task.get("Spec") or {}).get("Resources") or {}).get("Reservations") or {}))
            ports = ((task.get("Status") or {}).get("PortStatus") or {}).get("Ports") or []
            self.ports |= {(port.get("PublishedPort"), port.get("Protocol")) for port in ports}

    def fits(self, need: _Need) -> bool:
        if need.most and self.services[need.service_id] >= need.most:
            return False
        if self.ports & need.ports:
            return False
        return all(self.free[kind] >= amount for kind, amount in need.amounts.items())

    def add(self, need: _Need) -> None:
        self.services[need.service_id] += 1
        self.free.subtract(need.amounts)
        self.ports |= need.ports


class _Need:
    """What each task of a service takes."""

    def __init__(self, service: Raw) -> None:
        view = Service(service)
        self.service_id = view.id
        self.amounts = +read_amounts(view.spec.reservations)
        self.ports = view.spec.host_ports
        self.most = view.spec.most_on_a_node


def _explain(service: Raw, what: str, placed: int, eligible: t.Sequence[_Room], other: str = "") -> str:
    spec = Service(service).spec
    if not eligible:
        cause = f"its constraints {', '.join(spec.constraints)}" if spec.constraints else "it"
        return f"{spec.name} {what}, and no {other}node that is ready and active allows {cause}"
    wants = [f"at most {spec.most_on_a_node} on a node"] if spec.most_on_a_node else []
    wants += [tell_amount(kind, amount) for kind, amount in read_amounts(spec.reservations).items() if amount]
    wants += [f"port {port}/{protocol} of the host" for port, protocol in sorted(spec.host_ports)]
    names = sorted(each.name for each in eligible)
    more = [f"{len(names) - _SHOWN} others"] if len(names) > _SHOWN else []
    verb = "has" if len(names) == 1 else "have"
    return f"{spec.name} {what}, and {', '.join([*names[:_SHOWN], *more])} {verb} room for {placed} of them (each needs {', '.join(wants)})"


def _tasks(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"


def _names(ids: t.Collection[str], nodes: t.Sequence[Raw]) -> str:
    return ", ".join(sorted(hostname(node) for node in nodes if node["ID"] in ids))
