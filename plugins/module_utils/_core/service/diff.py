# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between a service that runs and the one that is wanted, and what an update costs. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ...plan import Field, compare
from .fields import HARMLESS, comparable
from .spec import Json, Raw, ServiceSpec

RUN_LABEL = "io.flotilla.swarm.run_id"


HIDDEN_LABEL = "io.flotilla.swarm.hidden_environment"
"""Names of variables, with commas between, that were once given as secret."""


_NAMED_NODES = 5


_ENDPOINT = {"ports", "endpoint_mode"}


@dataclass(frozen=True)
class Names:
    """What links a spec to other objects: names of networks by ID, IDs of secrets and configs by name."""

    networks: t.Mapping[str, str] = field(default_factory=dict)
    secrets: t.Mapping[str, str] = field(default_factory=dict)
    configs: t.Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceDiff:
    """``body`` is the complete spec to send."""

    fields: tuple[Field, ...]
    restarts: bool
    mode_changes: bool
    body: Json = field(repr=False)


def diff_service(observed: Raw, wanted: Json, names: Names) -> ServiceDiff:
    """``observed`` is a service of the Engine API, ``wanted`` a spec whose networks go by name.

    Parts that mean the same are sent as they were read, so that an update restarts no task for the order of a list.
    """
    running = ServiceSpec(observed["Spec"])
    wish = ServiceSpec(with_kept_labels(wanted, running.raw))
    before, after = comparable(_by_names(running, names).raw), comparable(_by_names(wish, names).raw)
    for key in {*before, *after}:
        if isinstance(before.get(key, after.get(key)), dict):  # so that each key of a new section is a line of its own
            before.setdefault(key, {})
            after.setdefault(key, {})
    moved = _moved_references(running, names)
    # After a rollback the former spec alone knows what was given as secret.
    hidden = hidden_variables(wish.raw) | hidden_variables(observed.get("PreviousSpec") or {})
    secret = {f"environment.{name}" for name in hidden}
    differing = map(_plain, (*compare(before, after), *moved))
    fields = tuple(replace(each, secret=each.path in secret) for each in differing)
    changed = {item.path.partition(".")[0] for item in fields}
    if running.image != wish.image:  # of which a plan shows a part of the digest
        changed.add("image")
    body = wish.changed(Labels={**wish.labels, **hidden_label(hidden)}) if hidden and fields else wish
    if not changed - HARMLESS - _ENDPOINT:
        placement = wish.placement if "placement" in changed else running.task.get("Placement")
        body = body.changed(TaskTemplate={**running.task}).changed(task={"Placement": placement})
    if not changed & _ENDPOINT and "EndpointSpec" in running.raw:
        body = body.changed(EndpointSpec=running.raw["EndpointSpec"])
    body = body.changed(task={"ForceUpdate": running.force_update})
    return ServiceDiff(fields, bool(changed - HARMLESS), "mode" in changed, body.body)


def update_cost(spec: Raw, tasks: int, restarts: bool, left: t.Sequence[str] = ()) -> str:
    """What an update of ``tasks`` running tasks does, such as ``restarts 3 tasks, one at a time``.

    ``left`` are the names of nodes that no longer match.
    """
    view = ServiceSpec(spec)
    if view.is_job:
        return "restarts tasks: the job runs again"
    if not tasks:
        return "nothing"
    if not restarts:
        return f"restarts tasks that are on {', '.join(left) if len(left) <= _NAMED_NODES else f'{len(left)} nodes'}" if left else "nothing"
    at_once = view.at_once()
    if tasks == 1:
        return "restarts 1 task"
    pace = "all at once" if not at_once or at_once >= tasks else "one at a time" if at_once == 1 else f"{at_once} at a time"
    return f"restarts {tasks} tasks, {pace}"


def scaling_reason(before: Raw, after: Raw) -> str:
    """Such as ``starts 2 more tasks``; empty if the count stays or is not one of tasks that stay."""
    old, new = ServiceSpec(before), ServiceSpec(after)
    if old.mode != "replicated" or new.mode != "replicated":
        return ""
    more = new.desired - old.desired
    if not more:
        return ""
    return f"{'starts' if more > 0 else 'stops'} {abs(more)} {'more ' if more > 0 else ''}task{'s' if abs(more) > 1 else ''}"


def hidden_variables(spec: Raw) -> set[str]:
    """The variables of a service that were once given as secret."""
    return {*ServiceSpec(spec).labels.get(HIDDEN_LABEL, "").split(",")} - {""}


def hidden_label(variables: t.Iterable[str]) -> dict[str, str]:
    """The label that remembers these variables; none for none."""
    names = ",".join(sorted(variables))
    return {HIDDEN_LABEL: names} if names else {}


def with_kept_labels(wanted: Json, spec: Raw) -> Json:
    """With the labels in which a service remembers: without a run_id of its own a run keeps the one of the run before."""
    labels, there = wanted.get("Labels") or {}, spec.get("Labels") or {}
    kept = {RUN_LABEL: there[RUN_LABEL], **labels} if RUN_LABEL in there else labels
    kept = {**kept, **hidden_label(hidden_variables(spec) | hidden_variables(wanted))}
    return wanted if kept == labels else {**wanted, "Labels": kept}


def _plain(field: Field) -> Field:
    """The values of a variable without the ``=`` that they have in the comparable form."""
    if not field.path.startswith("environment."):
        return field
    before, after = (value.removeprefix("=") if isinstance(value, str) else value for value in (field.before, field.after))
    return replace(field, before=before, after=after)


def _by_names(spec: ServiceSpec, names: Names) -> ServiceSpec:
    """With the names of its networks, and of the config that holds its credentials, in the place of their IDs."""
    attached = [{**item, "Target": names.networks.get(item["Target"], item["Target"])} for item in spec.networks]
    spec = spec.changed(task={"Networks": attached}) if attached else spec
    name = next((name for name, item_id in names.configs.items() if item_id == spec.credential_config), "")
    return spec.with_credential_config(name) if name else spec


def _moved_references(spec: ServiceSpec, names: Names) -> tuple[Field, ...]:
    """References to a secret or config that was made anew under its name."""
    moved = []
    for kind, items, ids in (("Secret", spec.secrets, names.secrets), ("Config", spec.configs, names.configs)):
        for item in items:
            name, old = item[f"{kind}Name"], item[f"{kind}ID"]
            if ids.get(name, old) != old:
                moved.append(Field(f"{kind.lower()}s.{name}.id", old, ids[name]))
    return tuple(moved)
