# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories that a host must have, such as the sources of bind mounts. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ...errors import PlanError
from ...plan import Change, Field, Plan
from ..cluster.labels import labels_as_text

_MODE = re.compile(r"0?[0-7]{3,4}")
_CURE = 'Write it in quotes, such as "0750"'


@dataclass(frozen=True)
class Found:
    """What is under a path: ``kind`` is absent, directory or other; a link counts as what it leads to."""

    kind: str = "absent"
    uid: int = 0
    gid: int = 0
    mode: int = 0


def as_found(seen: t.Mapping[str, t.Any]) -> Found:
    """From the answer of ``Host.stat``."""
    return Found(**{name: value for name, value in seen.items() if name not in ("user", "group")})


@dataclass(frozen=True)
class Wanted:
    """A directory as it must be; None leaves what is there, and gives root's and 0755 to what is made."""

    path: str
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None


def choose(given: t.Iterable[t.Mapping[str, t.Any]], labels: t.Mapping[str, t.Any]) -> list[t.Mapping[str, t.Any]]:
    """Those that a node with these labels has: without ``labels`` of its own, or with all of them."""
    has = labels_as_text("this host", labels).items()
    return [item for item in given if labels_as_text(item["path"], item.get("labels") or {}).items() <= has]


def check(given: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Raise PlanError for what no directory can be, all at once."""
    problems = []
    paths = [item["path"] for item in given]
    for index, item in enumerate(given):
        path, mode = item["path"], item.get("mode") or ""
        if not path.startswith("/") or path.rstrip("/") == "":
            problems.append(f"directories[{index}].path is {path!r}, expected an absolute path such as /srv/models")
        if mode and not _MODE.fullmatch(mode):
            problems.append(f"directories[{index}].mode of {path} is {mode!r}, expected octal digits. {_CURE}")
        if path in paths[:index]:
            problems.append(f"directories[{index}].path {path} is listed twice")
    if problems:
        raise PlanError("; ".join(problems))


def plan_directories(wanted: t.Sequence[Wanted], found: t.Mapping[str, Found]) -> Plan:
    """Create absent directories, outer ones first, and correct owner, group and mode of existing ones."""
    others = sorted(item.path for item in wanted if found[item.path].kind == "other")
    if others:
        raise PlanError(f"{', '.join(others)} exists and is not a directory", "Move it away, or choose another path.")
    changes = []
    for item in sorted(wanted, key=lambda item: item.path):
        there = found[item.path]
        if there.kind == "absent":
            changes.append(Change("directory", item.path, "create", payload=item))
            continue
        pairs = (("owner", there.uid, item.uid), ("group", there.gid, item.gid), ("mode", f"{there.mode:04o}", _octal(item.mode)))
        fields = tuple(Field(name, before, after) for name, before, after in pairs if after is not None and before != after)
        if fields:
            changes.append(Change("directory", item.path, "update", fields, payload=item))
    return Plan(tuple(changes))


def _octal(mode: int | None) -> str | None:
    return None if mode is None else f"{mode:04o}"
