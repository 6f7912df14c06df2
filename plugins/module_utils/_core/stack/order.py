# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order services are changed. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ...errors import PlanError
from ..service.naming import Item, item_name, stack_of
from ..service.spec import Json, Raw, Service, ServiceSpec

STARTED, HEALTHY, COMPLETED = "service_started", "service_healthy", "service_completed_successfully"


# name -> {name of the service it depends on: condition}
Dependencies = t.Mapping[str, t.Mapping[str, str]]


@dataclass(frozen=True)
class Step:
    """A service, those whose verdict has to be good before it is touched, and which of them have to have ended."""

    name: str
    waits_for: tuple[str, ...]
    completes: tuple[str, ...] = ()


def order_services(names: t.Collection[str], depends_on: Dependencies) -> list[Step]:
    """Each service after those it depends on, by name among equals. Raises PlanError for a circle."""
    known = set(names)
    needs = {name: {other for other in depends_on.get(name, {}) if other in known} for name in known}
    steps: list[Step] = []
    done: set[str] = set()
    while len(done) < len(known):
        ready = sorted(name for name in known - done if needs[name] <= done)
        if not ready:
            circle = " -> ".join(_find_circle(needs, done))
            raise PlanError(f"depends_on has a cycle: {circle}", "Remove one of these dependencies.")
        for name in ready:
            conditions = depends_on.get(name, {})
            waits = sorted(other for other in needs[name] if conditions[other] in (HEALTHY, COMPLETED))
            steps.append(Step(name, tuple(waits), tuple(other for other in waits if conditions[other] == COMPLETED)))
        done.update(ready)
    return steps


def _find_circle(needs: t.Mapping[str, set[str]], done: set[str]) -> list[str]:
    path = [min(name for name in needs if name not in done)]
    while True:
        following = min(other for other in needs[path[-1]] if other not in done)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


Port = tuple[int, str]


@dataclass(frozen=True)
class PortMoves:
    """``after``: service -> services that have to give up a port first. ``instead_of``: service -> services that have to go first.

    One that goes may stand with several, and goes before whichever of them comes first.
    """

    after: dict[str, dict[str, str]] = field(default_factory=dict)
    instead_of: dict[str, list[Item]] = field(default_factory=dict)

    @property
    def leaving(self) -> set[str]:
        return {item_name(item) for items in self.instead_of.values() for item in items}


def find_port_moves(stack: str, specs: t.Sequence[Json], services: t.Iterable[Item], prune: bool) -> PortMoves:
    """Raises PlanError for a port of a service that keeps it."""
    wanted = {spec.name: _published(spec.ports) for spec in map(ServiceSpec, specs)}
    takers = sorted(name for name, ports in wanted.items() if ports)
    moves = PortMoves()
    for service in services:
        endpoint = service.get("Endpoint")
        holder, held = item_name(service), _published((endpoint.get("Ports") or ()) if endpoint else Service(service).spec.ports)
        for taker in takers if held else ():
            port = _clash(wanted[taker], held)
            if taker == holder or not port:
                continue
            if holder in wanted:
                if _clash(wanted[taker], wanted[holder]):
                    raise PlanError(f"services {taker} and {holder} both publish port {_text(port)}", "Give one of them another port.")
                moves.after.setdefault(taker, {})[holder] = STARTED
            elif prune and stack_of(service) == stack:
                moves.instead_of.setdefault(taker, []).append(service)
            else:
                own = stack_of(service) == stack
                cure = "Set prune: true to remove it" if own else "Give one of them another port, or remove it"
                raise PlanError(f"service {taker} can't publish port {_text(port)}: service {holder} has it", f"{cure}.")
    return moves


def order_moves(names: t.Collection[str], depends_on: Dependencies, moves: PortMoves) -> list[Step]:
    """The services in the order of their dependencies, with those that give up a port before those that get it."""
    plain = order_services(names, depends_on)
    if not moves.after:
        return plain
    both = {name: {**moves.after.get(name, {}), **depends_on.get(name, {})} for name in names}
    try:
        return order_services(names, both)
    except PlanError:
        told = "; ".join(f"{taker} gets one of {', '.join(sorted(holders))}" for taker, holders in sorted(moves.after.items()))
        raise PlanError(
            f"ports move in a cycle, or against depends_on: {told}",
            "Take the ports out of one of the services, deploy, and then give it the new ones.",
        ) from None


def _published(ports: t.Iterable[Raw]) -> dict[Port, str]:
    """The mode of each published port."""
    return {
        (port["PublishedPort"], port.get("Protocol") or "tcp"): "host" if port.get("PublishMode") == "host" else "ingress"
        for port in ports
        if port.get("PublishedPort")
    }


def _clash(one: t.Mapping[Port, str], other: t.Mapping[Port, str]) -> Port | None:
    """Several services may publish a port of the host, for their tasks may be on different nodes."""
    return next((port for port in sorted(one) if port in other and not one[port] == other[port] == "host"), None)


def _text(port: Port) -> str:
    return f"{port[0]}/{port[1]}"
