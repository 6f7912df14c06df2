# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operation on services that are already there changes: one function a verb. That of update is in ``update``. Pure."""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ...errors import PlanError
from ...plan import Change, Field, Plan
from ..schedule.capacity import find_lacks, find_unevenness
from ..schedule.placement import Nodes, task_count
from ..service.diff import Names, diff_service, scaling_reason, update_cost
from ..service.images import Resolved
from ..service.naming import Item, as_text, by_name, item_name, stack_of
from ..service.spec import Json, Service
from ..service.work import UPDATE, Work


@dataclass(frozen=True)
class Observed:
    """The services that were chosen, and what the verbs need to know: ``tasks`` for room, ``images`` for what registries say,
    ``names`` for networks that are named."""

    chosen: t.Sequence[Item] = ()
    nodes: Nodes = field(default_factory=Nodes)
    tasks: t.Sequence[Item] = ()
    images: t.Mapping[str, Resolved] = field(default_factory=dict)
    names: Names = field(default_factory=Names)


def choose(services: t.Iterable[Item], names: t.Iterable[str], stacks: t.Iterable[str], labels: t.Mapping[str, t.Any]) -> list[Item]:
    """The services that any of the names, which may have wildcards, or of the stacks means, or that have all the labels; by name.

    Nothing given chooses nothing. Raises PlanError for a name, a stack or labels that mean none.
    """
    known = by_name(services)
    found: set[str] = set()
    for name in names:
        matching = [each for each in known if fnmatchcase(each, name)]
        if not matching:
            near = difflib.get_close_matches(name, known, 1)
            raise PlanError(f"there is no service {name}{f'; there is {near[0]}' if near else ''}.")
        found.update(matching)
    for stack in stacks:
        matching = [each for each, service in known.items() if stack_of(service) == stack]
        if not matching:
            there = ", ".join(sorted({stack_of(service) for service in known.values()} - {""}))
            raise PlanError(f"there is no stack {stack}{f'; there is {there}' if there else ''}.")
        found.update(matching)
    if labels:
        matching = [name for name, service in known.items() if _has(service, labels)]
        if not matching:
            wanted = ", ".join(f"{name}={as_text(value)}" for name, value in labels.items())
            raise PlanError(f"there is no service with {wanted} among its labels.")
        found.update(matching)
    return [known[name] for name in sorted(found)]


def _has(service: Item, labels: t.Mapping[str, t.Any]) -> bool:
    present = service["Spec"].get("Labels") or {}
    return all(name in present and present[name] == as_text(value) for name, value in labels.items())


def plan_scale(observed: Observed, replicas: t.Mapping[str, t.Any], check_capacity: bool) -> Plan:
    """All at once. Raises PlanError if the nodes have no room for what is added, unless something is removed as well."""
    changes: list[Change] = []
    growing: list[tuple[Item, int]] = []
    for service in observed.chosen:
        spec = Service(service).spec
        if spec.name not in replicas:
            raise PlanError(f"replicas: a wildcard means {spec.name}, expected every service by its full name.")
        count = _count(spec.name, replicas[spec.name])
        if spec.mode != "replicated":
            raise PlanError(f"service {spec.name} is {spec.mode} and can't be scaled.")
        wanted = spec.scaled(count).body
        diff = diff_service(service, wanted, Names())
        if diff.fields:
            changes.append(change_of(service, diff.body, diff.fields, reason=scaling_reason(spec.raw, wanted)))
            growing.append((service, count - spec.desired))
    if check_capacity and all(more > 0 for _service, more in growing):
        lacks = find_lacks(growing, observed.nodes.all, observed.tasks)
        if lacks:
            raise PlanError(f"{'; '.join(lacks)}.")
    return Plan(tuple(changes))


def _count(name: str, value: t.Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
        raise PlanError(f"replicas of {name}: found {value!r}, expected a whole number, 0 or more.")
    return int(text)


def plan_restart(observed: Observed, named: t.Collection[str]) -> Plan:
    """One after the other. Jobs run again only if they are named; services without tasks are left alone."""
    chosen = [service for service in observed.chosen if not _is_job(service) or item_name(service) in named]
    return Plan(tuple(_forced(service, observed) for service in chosen if task_count(service["Spec"], observed.nodes)))


def plan_rebalance(observed: Observed) -> Plan:
    """One after the other, and only those whose tasks lie unevenly on the nodes where they may run."""
    changes, warnings = [], []
    replicated = [service for service in observed.chosen if Service(service).spec.mode == "replicated"]
    found = find_unevenness(replicated, observed.nodes, observed.tasks)
    for service in replicated:
        spec, uneven = Service(service).spec, found[service["ID"]]
        if uneven and spec.preferences:
            warnings.append(f"service {spec.name} is left alone, because it spreads by preferences of its own ({uneven})")
        elif uneven:
            changes.append(_forced(service, observed, uneven))
    return Plan(tuple(changes), tuple(warnings))


def plan_rollback(observed: Observed) -> Plan:
    """To the spec before the last update. A service that was just rolled back stays: its previous spec is what it was freed from."""
    changes, warnings, without = [], [], []
    for service in map(Service, observed.chosen):
        name, state = service.name, service.update_state
        if state.startswith("rollback_"):
            if state != "rollback_completed":
                warnings.append(f"service {name} is in state {state}: {service.update_message}")
            continue
        if service.previous is None:
            without.append(name)
            continue
        previous = service.previous.body
        diff = diff_service(service.raw, previous, Names())
        if diff.mode_changes:
            raise PlanError(f"service {name} had another mode before, which can't be changed in place.")
        if diff.fields or diff.restarts:
            cost = update_cost(previous, task_count(previous, observed.nodes), diff.restarts)
            changes.append(change_of(service.raw, previous, diff.fields, cost, scaling_reason(service.spec.raw, previous)))
    if without:
        names = ", ".join(without)
        raise PlanError(f"{names}: never updated, so there is no previous spec to roll back to.")
    return Plan(tuple(changes), tuple(warnings))


def change_of(service: Item, body: Json, fields: tuple[Field, ...], cost: str = "nothing", reason: str = "") -> Change:
    return Change("service", item_name(service), UPDATE, fields, cost, reason, Work(body, service))


def _forced(service: Item, observed: Observed, reason: str = "") -> Change:
    spec = Service(service).spec
    body = spec.changed(task={"ForceUpdate": spec.force_update + 1}).body
    fields = (Field("force_update", spec.force_update, spec.force_update + 1),)
    cost = update_cost(spec.raw, task_count(spec.raw, observed.nodes), restarts=True)
    return change_of(service, body, fields, cost, reason or spec.image.partition("@")[0])


def _is_job(service: Item) -> bool:
    return Service(service).spec.is_job
