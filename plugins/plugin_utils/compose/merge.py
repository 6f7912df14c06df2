# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several files into one, in normal form: by the rules of ``docker stack deploy``, or by those of the Compose Spec."""

from __future__ import annotations

import typing as t

Tree = dict[str, t.Any]
_REPLACED = {"command", "entrypoint", "test"}
_KEYS: dict[str, t.Callable[[Tree], t.Any]] = {
    "ports": lambda port: port.get("published", 0),
    "volumes": lambda mount: mount["target"],
    "secrets": lambda reference: reference["source"],
    "configs": lambda reference: reference["source"],
}
_NUMBERS = {"replicas", "parallelism", "max_attempts", "retries", "cpus"}


def merge_versioned(base: Tree, over: Tree) -> Tree:
    """Two files of version 3, as the CLI merges them.

    An empty value (false, 0s, "", memory "0") does not override, but a number does; lists grow; ports are matched by the published
    number alone, so unpublished ones become one; objects at the top level are replaced whole.
    """
    merged: Tree = {section: {**base.get(section, {}), **over.get(section, {})} for section in {**base, **over}}
    for name in base.get("services", {}).keys() & over.get("services", {}).keys():
        merged["services"][name] = _merge_service(base["services"][name], over["services"][name])
    return merged


def _merge_service(base: Tree, over: Tree) -> Tree:
    merged = _merge_fields(base, over, (*_KEYS, "networks", "logging", "environment", "ulimits"))
    for section, key in _KEYS.items():
        if section in base:
            by_key = {key(item): item for item in (*base[section], *over.get(section, []))}
            merged[section] = [by_key[value] for value in sorted(by_key)]
        elif over.get(section):
            merged[section] = over[section]
    if "environment" in base or "environment" in over:
        old = base.get("environment", {})
        merged["environment"] = old | {k: v for k, v in over.get("environment", {}).items() if v or not old.get(k)}
    if "ulimits" in base or "ulimits" in over:
        merged["ulimits"] = {**base.get("ulimits", {}), **over.get("ulimits", {})}
    if "networks" in base or "networks" in over:
        merged["networks"] = dict(base.get("networks", {}))
        for name, given in over.get("networks", {}).items():
            old = merged["networks"].get(name)
            merged["networks"][name] = {**old, "aliases": given.get("aliases", [])} if old and given else old or given
    if "logging" in base or "logging" in over:
        merged["logging"] = _merge_logging(base.get("logging"), over.get("logging"))
    return merged


def _merge_fields(base: Tree, over: Tree, apart: t.Container[str] = ()) -> Tree:
    merged = {key: value for key, value in base.items() if key not in apart}
    for key, value in over.items():
        old = merged.get(key)
        if key in apart:
            continue
        if isinstance(value, dict):
            as_map = key in ("labels", "sysctls")
            merged[key] = {**(old or {}), **value} if as_map else _merge_fields(old or {}, value)
        elif isinstance(value, list) and value and old and key not in _REPLACED:
            merged[key] = [*old, *value]
        elif value or key in _NUMBERS or key not in merged:
            merged[key] = value
    return merged


def _merge_logging(base: Tree | None, over: Tree | None) -> Tree:
    if not base or not over:
        return over or base or {}
    if base.get("driver") and over.get("driver") and base["driver"] != over["driver"]:
        return over
    return {**base, **over, "options": {**base.get("options", {}), **over.get("options", {})}}
