# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dependencies between services: those that lead nowhere, and those that go round."""

from __future__ import annotations

import typing as t

from .errors import Place

Model = dict[str, t.Any]


def drop_unknown(service: Model, model: Model, place: Place) -> t.Iterator[str]:
    """Dependencies on services that are not there: an error where the file insists on them."""
    place /= "depends_on"
    for other in [name for name in service.get("depends_on", {}) if name not in model["services"]]:
        if service["depends_on"].pop(other)["required"]:
            raise place.error(f"there is no service {other!r}", "a service of this stack", "remove it, or set required: false")
        yield place.note(f"there is no service {other!r}; the dependency is ignored")


def check_ends(service: Model, model: Model, place: Place) -> None:
    """A service whose end is waited for has to end: what the swarm starts again and again never does."""
    for other, given in service.get("depends_on", {}).items():
        if given["condition"] == "service_completed_successfully" and _runs_for_ever(model["services"][other]):
            cure = f"give {other} deploy.mode: replicated-job, or deploy.restart_policy with condition: on-failure"
            raise (place / "depends_on" / other).error("the end of a service that the swarm restarts whenever it ends", "", cure)


def _runs_for_ever(service: Model) -> bool:
    deploy = service.get("deploy", {})
    if deploy.get("mode", "").endswith("-job"):
        return False
    if "restart_policy" in deploy:
        return deploy["restart_policy"].get("condition", "") in ("", "any")
    return not service.get("restart", "").startswith("on-failure")


def break_circles(services: Model, place_of: t.Callable[[tuple[str, ...]], Place]) -> t.Iterator[str]:
    """Circles of dependencies: an error, but for those that the short form makes; these lose one of them."""
    while circle := _find_circle(services):
        edges = list(zip(circle, (*circle[1:], circle[0]), strict=True))
        place = place_of(("services", circle[0], "depends_on"))
        soft = [edge for edge in edges if not services[edge[0]]["depends_on"][edge[1]]["required"]]
        way = " -> ".join((*circle, circle[0]))
        if not soft:
            raise place.error(f"services depend on each other in a cycle: {way}", "", "remove one of these dependencies")
        name, other = soft[-1]
        del services[name]["depends_on"][other]
        yield place.note(f"services depend on each other in a cycle: {way}; {name} is not ordered after {other}")


def _find_circle(services: Model) -> list[str]:
    """The services of one circle of depends_on, empty without any."""
    left = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    while ready := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in ready}
    path = sorted(left)[:1]
    while path:
        following = min(left[path[-1]] & left.keys())
        if following in path:
            return path[path.index(following) :]
        path.append(following)
    return []
