# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module decided to do: an ordered list of changes, and how it is shown. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t
from dataclasses import dataclass, field, replace

from .redact import CHANGED, HIDDEN, redact_pair, redact_text

NAME_WIDTH = 40
SIGNS = {"create": "+", "update": "~", "replace": "!", "remove": "-"}


@dataclass(frozen=True)
class Field:
    """One difference. ``None`` on a side means that the field is absent.

    The values are unredacted; only ``redacted`` may be shown. ``secret`` hides them whatever their name.
    """

    path: str
    before: t.Any
    after: t.Any
    secret: bool = False

    def redacted(self, shown: t.Collection[str] = ()) -> Field:
        """The field as it may be shown; ``shown`` are patterns of variables of the environment that may be, too."""
        return replace(self, **dict(zip(("before", "after"), redact_pair(self.path, self.before, self.after, shown, self.secret))))

    def told(self) -> str:
        """Such as ``driver is "overlay", wanted is (none)``, for a refusal."""
        shown = self.redacted()
        return f"{self.path} is {_render_value(shown.before)}, wanted is {_render_value(shown.after)}"


@dataclass(frozen=True)
class Change:
    """One act on one object.

    ``action`` is create, update, replace or remove; ``cost`` is what it does to what runs: ``nothing``, ``reload``,
    ``restarts tasks``, ``restarts engine``, or a phrase that begins so. ``payload`` is only for apply, and is never shown.
    """

    kind: str
    name: str
    action: str
    fields: tuple[Field, ...] = ()
    cost: str = "nothing"
    reason: str = ""
    payload: t.Any = field(default=None, repr=False, compare=False)

    def as_result(self, shown: t.Collection[str] = ()) -> dict[str, t.Any]:
        """The change as a module returns it: without the payload, and without what may be a credential."""
        fields = [each.redacted(shown) for each in self.fields]
        return {
            "kind": self.kind,
            "name": self.name,
            "action": self.action,
            "fields": [{"path": each.path, "before": each.before, "after": each.after} for each in fields],
            "cost": self.cost,
            "reason": redact_text(self.reason),
        }


@dataclass(frozen=True)
class Plan:
    """The changes in the order in which they are applied; ``result`` is returned whether or not they are.

    ``shown`` are patterns of variables of the environment whose values may be shown.
    """

    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    result: t.Mapping[str, t.Any] = field(default_factory=dict)
    shown: t.Collection[str] = ()

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    def as_results(self) -> list[dict[str, t.Any]]:
        return [change.as_result(self.shown) for change in self.changes]

    def as_result(self, more: t.Mapping[str, t.Any] | None = None) -> dict[str, t.Any]:
        """What a module returns that has this plan; ``more`` is what became of it."""
        return {**self.result, **(more or {}), "changed": self.changed, "plan": self.as_results(), "diff": {"prepared": self.render()}}

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


def _render_field(diff: t.Mapping[str, t.Any]) -> str:
    return f"{diff['path']}: {_render_value(diff['before'])} -> {_render_value(diff['after'])}"


def _render_value(value: t.Any) -> str:
    if value is None:
        return "(none)"
    if value in (HIDDEN, CHANGED):
        return str(value)
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
    """Such as ``sha256:1a2b3c4d5e6f``: tells equal from different, of values that are no secret. It can be guessed from."""
    return f"sha256:{hashlib.sha256(_encoded(value)).hexdigest()[:12]}"


def keyed_hash(key: str, value: t.Any) -> str:
    """32 hexadecimal digits that tell equal from different, and mean nothing without the key."""
    return hmac.new(key.encode(), _encoded(value), hashlib.sha256).hexdigest()[:32]


def _encoded(value: t.Any) -> bytes:
    if isinstance(value, (str, bytes)):
        return value.encode() if isinstance(value, str) else value
    return json.dumps(value, sort_keys=True, default=str).encode()
