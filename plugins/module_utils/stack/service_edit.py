# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to parts of a service spec that leave the rest as it is. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..plan import Field, PlanError
from .canonical import SECOND_NS, Json, parse_seconds
from .diff import hidden_label, hidden_variables
from .naming import IMAGE_LABEL
from .placement import parse_constraint
from .service_parts import Parts

_UPDATE_KEYS = {
    "parallelism": "Parallelism",
    "delay": "Delay",
    "failure_action": "FailureAction",
    "monitor": "Monitor",
    "max_failure_ratio": "MaxFailureRatio",
    "order": "Order",
}
_ONE_AT_A_TIME: Json = {"Parallelism": 1}  # what the engine does for a service without a config, but not for one without the key

Given = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Edit:
    """What is to be different. In ``environment`` and ``labels`` None removes; in limits and reservations 0 does.

    ``secret_variables`` are names in ``environment`` whose values are never shown from now on; a label of the service remembers them.
    ``limits`` and ``reservations`` have cpus, memory (bytes) and pids, the configs the words of a stack file.
    """

    image: str = ""
    environment: Given = field(default_factory=dict, repr=False)
    secret_variables: t.Collection[str] = ()
    labels: Given = field(default_factory=dict)
    limits: Given = field(default_factory=dict)
    reservations: Given = field(default_factory=dict)
    constraints: t.Sequence[str] = ()
    constraints_absent: t.Sequence[str] = ()
    update_config: Given = field(default_factory=dict)
    rollback_config: Given = field(default_factory=dict)
    parts: Parts = field(default_factory=Parts)

    def apply(self, spec: Json) -> Json:
        """A new spec. Its image is the one that was asked for, without a digest. Raises PlanError for what is no constraint."""
        template = spec["TaskTemplate"]
        container = dict(template["ContainerSpec"])
        labels = _merge(spec.get("Labels") or {}, self.labels)
        if self.secret_variables:
            labels.update(hidden_label({*self.secret_variables, *hidden_variables(spec)}))
        if self.environment:
            container["Env"] = _edit_environment(container.get("Env") or [], self.environment)
        if self.image:
            container["Image"] = self.image
            # With it the next plan of the stack shows the operator's image as drift.
            labels = {**labels, IMAGE_LABEL: self.image} if IMAGE_LABEL in labels else labels
        placement = dict(template.get("Placement") or {})
        if self.constraints or self.constraints_absent:
            placement["Constraints"] = _edit_constraints(placement.get("Constraints") or [], self.constraints, self.constraints_absent)
        resources = dict(template.get("Resources") or {})
        for key, given in (("Limits", self.limits), ("Reservations", self.reservations)):
            if given:
                resources[key] = {**(resources.get(key) or {}), **_resources(given)}
        edited = {
            **spec,
            "Labels": labels,
            "TaskTemplate": {**template, "ContainerSpec": container, "Placement": placement, "Resources": resources},
        }
        for key, given in (("UpdateConfig", self.update_config), ("RollbackConfig", self.rollback_config)):
            if given:
                present = _ONE_AT_A_TIME if spec.get(key) is None else spec[key]
                edited[key] = {**present, **_update_config(given)}
        return self.parts.apply(edited)


def given_variables(environment: Given, secret_environment: Given) -> list[Field]:
    """The variables of one run as a plan shows them; one without a value is removed from what was there."""
    given = [(environment, False), (secret_environment, True)]
    named = [(name, value, secret) for variables, secret in given for name, value in variables.items() if value is not None]
    return [Field(f"environment.{name}", None, as_text(value), secret) for name, value, secret in named]


def _merge(present: Given, given: Given) -> Json:
    merged = {**present, **{name: as_text(value) for name, value in given.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def as_text(value: t.Any) -> str | None:
    """A value of a variable or label as a person writes it: true rather than Python's True."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _edit_environment(present: t.Sequence[str], given: Given) -> list[str]:
    kept = [item for item in present if item.partition("=")[0] not in given]
    return [*kept, *(f"{name}={as_text(value)}" for name, value in given.items() if value is not None)]


def _edit_constraints(present: t.Sequence[str], added: t.Sequence[str], removed: t.Sequence[str]) -> list[str]:
    for text in (*added, *removed):
        if parse_constraint(text) is None:
            raise PlanError(f"{text!r} is no constraint. Expected a text such as node.labels.gpu == true.")
    gone = [parse_constraint(text) for text in removed]
    kept = [text for text in present if parse_constraint(text) not in gone]
    known = [parse_constraint(text) for text in kept]
    return [*kept, *(text for text in added if parse_constraint(text) not in known)]


def _resources(given: Given) -> Json:
    values = {
        "NanoCPUs": None if given.get("cpus") is None else round(given["cpus"] * SECOND_NS),
        "MemoryBytes": given.get("memory"),
        "Pids": given.get("pids"),
    }
    return {key: value for key, value in values.items() if value is not None}


def _update_config(given: Given) -> Json:
    config = {_UPDATE_KEYS[key]: value for key, value in given.items() if value is not None}
    for key in ("Delay", "Monitor"):
        if key in config:
            config[key] = round(parse_seconds(config[key], key.lower()) * SECOND_NS)
    return config
