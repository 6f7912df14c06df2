# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several files into one by the rules of the Compose Spec, with ``!reset`` and ``!override``."""

from __future__ import annotations

import typing as t

from .errors import Key

Path = tuple[Key, ...]
_REPLACED = ("command", "entrypoint", "test")
_UNIQUE: dict[str, t.Callable[[dict[str, t.Any]], t.Any]] = {
    "ports": lambda port: (port.get("target"), port.get("published"), port.get("protocol", "tcp")),
    "volumes": lambda mount: mount.get("target"),
    "secrets": lambda reference: reference.get("target") or reference["source"],
    "configs": lambda reference: reference.get("target") or reference["source"],
    "generic_resources": lambda item: item["discrete_resource_spec"]["kind"],
}


def merge_spec(base: t.Any, over: t.Any, marks: t.Mapping[Path, str], path: Path = ()) -> t.Any:
    """``over`` on top of ``base``, both in normal form; ``marks`` are the paths in ``over`` that are tagged.

    Mappings merge key by key, lists grow, except for commands; ports, mounts and references override those with the
    same target. ``!override`` replaces what was there, ``!reset`` removes it.
    """
    if marks.get(path) == "override":
        return over
    if isinstance(base, dict) and isinstance(over, dict):
        if path[-1:] == ("logging",) and base.get("driver", over.get("driver")) != over.get("driver", base.get("driver")):
            return over
        merged = {**base}
        for key, value in over.items():
            if key in base or isinstance(value, dict):
                value = merge_spec(base.get(key, {}), value, marks, (*path, key))
            merged[key] = value
        for mark, action in marks.items():
            if action == "reset" and mark and mark[:-1] == path:
                merged.pop(mark[-1], None)
        return merged
    if isinstance(base, list) and isinstance(over, list) and path[-1] not in _REPLACED:
        return _merge_lists(base, over, _UNIQUE.get(str(path[-1])))
    return over


def _merge_lists(base: list[t.Any], over: list[t.Any], unique: t.Callable[[t.Any], t.Any] | None) -> list[t.Any]:
    if unique:
        return list({unique(item): item for item in (*base, *over)}.values())
    return [*base, *(item for item in over if item not in base)]
