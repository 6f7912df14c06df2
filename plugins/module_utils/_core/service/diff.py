# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between a service that runs and the one that is wanted, and what an update costs. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ...plan import Field, compare
from .canonical import Json, canonical_service, desired_count, service_mode

RUN_LABEL = "io.flotilla.swarm.run_id"


HIDDEN_LABEL = "io.flotilla.swarm.hidden_environment"
"""Names of variables, with commas between, that were once given as secret."""


# Parts of a spec whose change leaves tasks alone; of the rest swarmkit starts new ones.
_HARMLESS = {"labels", "replicas", "max_concurrent", "total_completions", "update_config", "rollback_config", "placement"}


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


def diff_service(observed: t.Mapping[str, t.Any], wanted: Json, names: Names) -> ServiceDiff:
    """``observed`` is a service of the Engine API, ``wanted`` a spec whose networks go by name.

    Parts that mean the same are sent as they were read, so that an update restarts no task for the order of a list.
    """
    spec = observed["Spec"]
    wanted = with_kept_labels(wanted, spec)
    named = _with_credential_name(spec, names.configs)
    before, after = canonical_service(named, names.networks), canonical_service(wanted, names.networks)
    for key in {*before, *after}:
        if isinstance(before.get(key, after.get(key)), dict):  # so that each key of a new section is a line of its own
            before.setdefault(key, {})
            after.setdefault(key, {})
    # Of the images the plan shows the tag and a short digest.
    before["image"], after["image"] = _short_image(before.get("image", "")), _short_image(after.get("image", ""))
    moved = _moved_references(spec, names)
    # After a rollback the former spec alone knows what was given as secret.
    hidden = hidden_variables(wanted) | hidden_variables(observed.get("PreviousSpec") or {})
    secret = {f"environment.{name}" for name in hidden}
    differing = map(_plain, (*compare(before, after), *moved))
    fields = tuple(replace(each, secret=each.path in secret) for each in differing)
    changed = {item.path.partition(".")[0] for item in fields}
    if spec["TaskTemplate"]["ContainerSpec"].get("Image") != wanted["TaskTemplate"]["ContainerSpec"].get("Image"):
        changed.add("image")
    body = {**wanted, "Labels": {**(wanted.get("Labels") or {}), **hidden_label(hidden)}} if hidden and fields else dict(wanted)
    restarts = bool(changed - _HARMLESS)
    if not changed - _HARMLESS - _ENDPOINT:
        body["TaskTemplate"] = dict(spec["TaskTemplate"])
        if "placement" in changed:
            body["TaskTemplate"]["Placement"] = wanted["TaskTemplate"].get("Placement") or {}
    if not changed & _ENDPOINT and "EndpointSpec" in spec:
        body["EndpointSpec"] = spec["EndpointSpec"]
    body["TaskTemplate"] = {**body["TaskTemplate"], "ForceUpdate": spec["TaskTemplate"].get("ForceUpdate") or 0}
    return ServiceDiff(fields, restarts, "mode" in changed, body)


def update_cost(spec: t.Mapping[str, t.Any], tasks: int, restarts: bool, left: t.Sequence[str] = ()) -> str:
    """What an update of ``tasks`` running tasks does, such as ``restarts 3 tasks, one at a time``.

    ``left`` are the names of nodes that match no more.
    """
    if service_mode(spec).endswith("-job"):
        return "restarts tasks: the job runs again"
    if not tasks:
        return "nothing"
    if not restarts:
        return f"restarts tasks that are on {', '.join(left) if len(left) <= _NAMED_NODES else f'{len(left)} nodes'}" if left else "nothing"
    config = spec.get("UpdateConfig")
    at_once = 1 if config is None else config.get("Parallelism") or 0
    if tasks == 1:
        return "restarts 1 task"
    pace = "all at once" if not at_once or at_once >= tasks else "one at a time" if at_once == 1 else f"{at_once} at a time"
    return f"restarts {tasks} tasks, {pace}"


def scaling_reason(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> str:
    """Such as ``starts 2 more tasks``; empty where the count stays or is not one of tasks that stay."""
    if service_mode(before) != "replicated" or service_mode(after) != "replicated":
        return ""
    more = desired_count(after) - desired_count(before)
    if not more:
        return ""
    return f"{'starts' if more > 0 else 'stops'} {abs(more)} {'more ' if more > 0 else ''}task{'s' if abs(more) > 1 else ''}"


def hidden_variables(spec: t.Mapping[str, t.Any]) -> set[str]:
    """The variables of a service that were once given as secret."""
    return {*(spec.get("Labels") or {}).get(HIDDEN_LABEL, "").split(",")} - {""}


def hidden_label(variables: t.Iterable[str]) -> dict[str, str]:
    """The label that remembers these variables; none for none."""
    names = ",".join(sorted(variables))
    return {HIDDEN_LABEL: names} if names else {}


def with_kept_labels(wanted: Json, spec: t.Mapping[str, t.Any]) -> Json:
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


def _with_credential_name(spec: t.Mapping[str, t.Any], config_ids: t.Mapping[str, str]) -> t.Mapping[str, t.Any]:
    """The spec with the name of the config that holds its credentials in the place of its ID."""
    container = spec["TaskTemplate"]["ContainerSpec"]
    privileges = container.get("Privileges") or {}
    credentials = privileges.get("CredentialSpec") or {}
    name = next((name for name, item_id in config_ids.items() if item_id == credentials.get("Config")), "")
    if not name:
        return spec
    privileges = {**privileges, "CredentialSpec": {**credentials, "Config": name}}
    template = {**spec["TaskTemplate"], "ContainerSpec": {**container, "Privileges": privileges}}
    return {**spec, "TaskTemplate": template}


def _moved_references(spec: t.Mapping[str, t.Any], names: Names) -> tuple[Field, ...]:
    """References to a secret or config that was made anew under its name."""
    container = spec["TaskTemplate"]["ContainerSpec"]
    moved = []
    for kind, key, ids in (("Secret", "Secrets", names.secrets), ("Config", "Configs", names.configs)):
        for item in container.get(key) or []:
            name, old = item[f"{kind}Name"], item[f"{kind}ID"]
            if ids.get(name, old) != old:
                moved.append(Field(f"{key.lower()}.{name}.id", old, ids[name]))
    return tuple(moved)


def _short_image(image: str) -> str:
    name, at, digest = image.partition("@sha256:")
    return f"{name}@{digest[:12]}" if at else image
