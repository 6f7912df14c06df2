# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that a module repeats in its result, and secrets removed from what it returns. Pure."""

from __future__ import annotations

import typing as t

MASK = "********"
SHORTEST = 4
"""A shorter value, such as 1, stands in many texts, and masking it there would spoil them and hide nothing."""


def show_options(specs: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options of a task with every text and every value of an open mapping masked, for either may be a secret.

    Shown are numbers, booleans, paths, defaults, and words out of a choice. ``specs`` is the argument spec; ``given`` may not have
    been compared with it yet.
    """
    return {str(name): _show(value, specs.get(name, {})) for name, value in given.items()}


def _show(value: t.Any, spec: t.Mapping[str, t.Any]) -> t.Any:
    if isinstance(value, dict):
        return show_options(spec.get("options") or {}, value)
    if isinstance(value, (list, tuple)):
        item = {**spec, "type": spec.get("elements")}
        return [_show(each, item) for each in value]
    return value if _is_plain(value, spec) else MASK


def _is_plain(value: t.Any, spec: t.Mapping[str, t.Any]) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if spec.get("no_log"):
        return False
    if isinstance(value, (int, float)):
        return spec.get("type") in ("int", "float", "bytes")
    return spec.get("type") == "path" or value in (spec.get("choices") or ()) or value == spec.get("default")


def mask(value: t.Any, secrets: t.Collection[str]) -> t.Any:
    """The value with these secrets taken out of every text in it; numbers and the names of keys stay."""
    if isinstance(value, dict):
        return {key: mask(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask(item, secrets) for item in value]
    if not isinstance(value, str):
        return value
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            value = value.replace(secret, MASK)
    return value
