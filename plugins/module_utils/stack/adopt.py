# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs that were deployed without a hash in their name, and still hold what is wanted, stay. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .canonical import Json
from .naming import KEY_LABEL, SALT_LABEL
from .objects import Item, by_name, stack_of
from .spec import StackObjects


def adopt_configs(stack: str, wanted: StackObjects, configs: t.Iterable[Item]) -> StackObjects:
    """What is wanted, with the names of such configs, so that taking a stack over restarts nothing.

    The engine tells the content of configs alone: a secret gets its new name with the first deploy.
    """
    existing = by_name(configs)
    bodies = by_name(wanted.configs)
    names: dict[str, str] = {}
    for key, name in wanted.content_names.get("configs", {}).items():
        plain = existing.get(f"{stack}_{key}")
        if plain and name not in existing and stack_of(plain) == stack and plain["Spec"].get("Data") == bodies[name].get("Data"):
            names[name] = f"{stack}_{key}"
    if not names:
        return wanted
    return replace(
        wanted,
        configs=[_renamed(body, names) if body["Name"] in names else body for body in wanted.configs],
        services=[_with_names(spec, names) for spec in wanted.services],
    )


def _renamed(body: Json, names: t.Mapping[str, str]) -> Json:
    labels = {key: value for key, value in body["Labels"].items() if key not in (KEY_LABEL, SALT_LABEL)}
    return {**body, "Name": names[body["Name"]], "Labels": labels}


def _with_names(spec: Json, names: t.Mapping[str, str]) -> Json:
    container = spec["TaskTemplate"]["ContainerSpec"]
    if not container.get("Configs"):
        return spec
    configs = [{**item, "ConfigName": names.get(item["ConfigName"], item["ConfigName"])} for item in container["Configs"]]
    configs.sort(key=lambda item: str(item["ConfigName"]))
    return {**spec, "TaskTemplate": {**spec["TaskTemplate"], "ContainerSpec": {**container, "Configs": configs}}}
