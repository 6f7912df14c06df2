# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order services are changed. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..plan import PlanError

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
            raise PlanError(f"depends_on goes in a circle: {circle}. Remove one of these dependencies.")
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
