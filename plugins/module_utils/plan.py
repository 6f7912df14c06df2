# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module decided to do: an ordered list of changes, and how it is shown. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from dataclasses import dataclass, field

NAME_WIDTH = 40
SIGNS = {"create": "+", "update": "~", "replace": "!", "remove": "-"}
_SUMMARY = (("update", "to change"), ("create", "to add"), ("replace", "to replace"), ("remove", "to remove"))
_SECRET_NAME = re.compile(
    r"pass(words?|wd|phrase)?\d*(_|$)|_pwd$|cookie|secret|token|private|credential|(api|access|encryption|signing)_?key|auth(_|$)|dsn|jwt"
    r"|(^|_)key\d*$|_uri$|_url$",
    re.IGNORECASE,
)


class FlotillaError(Exception):
    """An error that the user is meant to read; ``str()`` is the whole message."""


class PlanError(FlotillaError):
    """What was asked for is refused before anything is changed."""


@dataclass(frozen=True)
class Field:
    """One difference. ``None`` on a side means that the field is not there."""

    path: str
    before: t.Any
    after: t.Any


@dataclass(frozen=True)
class Change:
    """One act on one object.

    ``action`` is create, update, replace or remove; ``cost`` is what it does to what runs: ``nothing``, ``reload``,
    ``restarts tasks``, ``restarts engine``, or a phrase that begins so. ``payload`` is for apply alone and is never shown.
    """

    kind: str
    name: str
    action: str
    fields: tuple[Field, ...] = ()
    cost: str = "nothing"
    reason: str = ""
    payload: t.Any = field(default=None, repr=False, compare=False)

    def as_result(self) -> dict[str, t.Any]:
        """The change as a module returns it: without the payload."""
        return {
            "kind": self.kind,
            "name": self.name,
            "action": self.action,
            "fields": [{"path": f.path, "before": f.before, "after": f.after} for f in self.fields],
            "cost": self.cost,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Plan:
    """The changes in the order in which they are applied; ``result`` is returned whether or not they are."""

    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    result: t.Mapping[str, t.Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    def as_results(self) -> list[dict[str, t.Any]]:
        return [change.as_result() for change in self.changes]

    def render(self) -> str:
        """The text that ``--diff`` shows; empty when there is nothing to do."""
        return "".join(f"{line}\n" for line in render_changes(self.as_results()))


def render_changes(changes: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Lines for changes in the form of ``Change.as_result``: sign, kind, name, then a line for each field."""
    width = min(max((len(change["name"]) for change in changes), default=0), NAME_WIDTH)
    lines = []
    for change in changes:
        details = [_render_field(f) for f in change["fields"]]
        if change["reason"]:
            details.insert(0, change["reason"])
        if change["cost"] != "nothing":
            details[0:1] = [f"{details[0] if details else ''}  [{change['cost']}]".strip()]
        head = f"{SIGNS[change['action']]} {change['kind']:<8} {change['name']:<{width}}"
        lines.append(f"{head}  {details[0] if details else ''}".rstrip())
        lines.extend(f"{'':<{width + 11}}  {detail}" for detail in details[1:])
    return lines


def summarise(changes: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Such as ``2 to change, 1 to add``; ``Nothing to change`` when there are none."""
    counts = [(sum(change["action"] == action for change in changes), words) for action, words in _SUMMARY]
    return ", ".join(f"{count} {words}" for count, words in counts if count) or "Nothing to change"


def _render_field(diff: t.Mapping[str, t.Any]) -> str:
    if diff["before"] is None:
        return f"{diff['path']}: (none) -> {_render_value(diff['after'])}"
    after = "(none)" if diff["after"] is None else _render_value(diff["after"])
    return f"{diff['path']}: {_render_value(diff['before'])} -> {after}"


def _render_value(value: t.Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return text if len(text) <= 160 else f"{text[:120]}... ({len(text)} characters, {short_hash(value)})"


def compare(before: t.Mapping[str, t.Any] | None, after: t.Mapping[str, t.Any] | None, prefix: str = "") -> tuple[Field, ...]:
    """Field by field difference of two nested mappings, sorted by path. Lists and scalars are compared whole."""
    before, after = before or {}, after or {}
    fields: list[Field] = []
    for key in sorted({*before, *after}, key=str):
        old, new, path = before.get(key), after.get(key), f"{prefix}{key}"
        if old == new and type(old) is type(new):
            continue
        if isinstance(old, t.Mapping) and isinstance(new, t.Mapping):
            fields.extend(compare(old, new, f"{path}."))
        elif old != new or isinstance(old, bool) is not isinstance(new, bool):
            fields.append(Field(path, old, new))
    return tuple(fields)


def short_hash(value: t.Any) -> str:
    """Such as ``sha256:1a2b3c4d5e6f``: tells equal from different without telling the value."""
    if isinstance(value, str):
        value = value.encode()
    elif not isinstance(value, bytes):
        value = json.dumps(value, sort_keys=True, default=str).encode()
    return f"sha256:{hashlib.sha256(value).hexdigest()[:12]}"


def looks_secret(name: str) -> bool:
    """Whether a variable of this name is likely to hold a secret, so that its value is shown as a hash."""
    return bool(_SECRET_NAME.search(name))
