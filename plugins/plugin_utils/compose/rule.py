# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule of the engine for a part of a stack: what holds for a value at a path, who refuses another one, and what cures it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .engine_values import bad_template

MANAGER, NODE = "manager", "node"


def _found(value: t.Any) -> str:
    return f"found {value!r}"


def shown(show: t.Callable[[t.Any], str]) -> t.Callable[[t.Any], str]:
    """How a message shows a value in another form, such as a duration in nanoseconds."""
    return lambda value: f"found {show(value)}"


@dataclass(frozen=True)
class Rule:
    """``holds`` says whether a value at the path ``where`` is right. In the path ``*`` is each item, and ``@`` each key.

    ``at`` is a path below that, at which the error stands. ``by`` is who refuses: the manager that gets the request, or the node that is
    to run a task; empty if nobody does, and ``stricter`` says why we do. ``since`` is the first engine that refuses.
    A rule with a ``word`` gives a warning, which that word silences.
    """

    where: str
    holds: t.Callable[[t.Any], bool]
    expected: str
    source: str
    by: str = ""
    cure: str = ""
    found: t.Callable[[t.Any], str] = _found
    at: str = ""
    since: tuple[int, int] = (0, 0)
    stricter: str = ""
    word: str = ""


def template_rule(where: str) -> Rule:
    """The value at this path is a text whose templates each task fills in."""
    return Rule(
        where,
        lambda text: not bad_template(text or ""),
        "a template of Swarm, such as {{.Task.Slot}} or {{.Node.Hostname}}",
        "swarmkit template/expand.go ExpandContainerSpec",
        MANAGER,
        'for braces that stay, write {{"{{"}}',
        lambda text: f"found {bad_template(text)}",
    )


def broken(rules: t.Iterable[Rule], item: t.Any) -> t.Iterator[tuple[Rule, t.Any, tuple[str, ...]]]:
    """The rules that an item breaks, each with the value that breaks it, and the path of the error below the item."""
    for rule in rules:
        for value, path in _reach(item, _split(rule.where)):
            if not rule.holds(value):
                yield rule, value, (*path, *_split(rule.at))


def _reach(value: t.Any, keys: t.Sequence[str], path: tuple[str, ...] = ()) -> t.Iterator[tuple[t.Any, tuple[str, ...]]]:
    """The values at a path. Those of a list stand where the list does: merging gives them another number than in their file."""
    if not keys:
        yield value, path
        return
    key, *rest = keys
    if key == "@":
        yield from ((name, (*path, name)) for name in value)
    elif key == "*" and isinstance(value, dict):
        for name, item in value.items():
            yield from _reach(item, rest, (*path, name))
    elif key == "*":
        for item in value:
            yield from _reach(item, rest, path)
    elif value.get(key) is not None:
        yield from _reach(value[key], rest, (*path, key))


def _split(path: str) -> list[str]:
    return path.split(".") if path else []
