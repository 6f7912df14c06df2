# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of all hosts as they are once templates are filled in, and why one can't be filled in. Pure, given the means to fill in."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field

from ..module_utils.redact import redact_text
from .generated_secrets import STAND_IN
from .inventory_schema import Path_, is_unknown, known_names, load_schema

Template = t.Callable[[str, t.Any], t.Any]
UNKNOWN = "{{ not known }}"
"""Stands where a value is not known. As a template it is right wherever the schema wants something else."""

_MARKS = re.compile(r"\{\{|\{%")
_WORD = re.compile(r"[A-Za-z_]\w*")
_UNDEFINED = re.compile(r"'([A-Za-z_]\w*)' is undefined|has no attribute '([A-Za-z_]\w*)'")
_NOISE = re.compile(
    r"^(?:An unhandled exception occurred while (?:running the lookup plugin|templating) '.*?'\. "
    r"|Error was a <class '[^']*'>, original message: "
    r"|Error rendering template: |Error while resolving value for '[^']*': |Attempt to use undecryptable variable: "
    r"|The lookup plugin '[^']*' failed: |The task includes an option with an undefined variable\.? ?)"
)
_BASIC = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Unfilled:
    """A value that can't be filled in. ``later`` names what only the run knows; else ``text`` and ``cure`` say what is wrong."""

    path: Path_
    text: str = ""
    cure: str = ""
    later: str = ""


@dataclass(frozen=True)
class Variable:
    """A value that some hosts have. ``literal`` tells that it stands in the inventory as it is, so that messages may show it."""

    name: str
    hosts: tuple[str, ...]
    value: t.Any = field(repr=False)
    literal: bool
    unfilled: tuple[Unfilled, ...] = ()


def fill_in(raw: t.Mapping[str, t.Mapping[str, t.Any]], template: Template) -> list[Variable]:
    """Every variable of a role or playbook, and what looks like one; hosts with the same value share one entry."""
    wanted = {name for values in raw.values() for name in values}
    wanted = {name for name in wanted if name in known_names() or is_unknown(name)}
    found: dict[tuple[str, str], tuple[list[str], Variable]] = {}
    for host, values in raw.items():
        for name in sorted(wanted & values.keys()):
            variable = _fill_in(name, host, values[name], template)
            key = (name, json.dumps([variable.value, variable.literal, [str(each) for each in variable.unfilled]], sort_keys=True))
            found.setdefault(key, ([], variable))[0].append(host)
    return [Variable(each.name, tuple(hosts), each.value, each.literal, each.unfilled) for hosts, each in found.values()]


def _fill_in(name: str, host: str, raw: t.Any, template: Template) -> Variable:
    unfilled: list[Unfilled] = []
    literal = True

    def walk(value: t.Any, path: Path_) -> t.Any:
        nonlocal literal
        if isinstance(value, t.Mapping):
            return {str(key): walk(item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [walk(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, _BASIC) and not (isinstance(value, str) and _MARKS.search(value)):
            return str(value) if isinstance(value, str) else value
        literal = False
        try:
            return as_plain(template(host, value))
        except Exception as error:  # whatever a template or lookup raises is a fault of the inventory
            unfilled.append(_why(error, path))
            return UNKNOWN

    value = walk(raw, ())
    return Variable(name, (host,), value, literal, tuple(unfilled))


def as_plain(value: t.Any) -> t.Any:
    """Without what Ansible adds to texts and containers, which nobody else can write."""
    if isinstance(value, t.Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    return value if isinstance(value, (int, float, type(None))) else str(value)


def _why(error: Exception, path: Path_) -> Unfilled:
    text = " ".join(str(error).split())
    undefined = _UNDEFINED.search(text)
    name = (undefined[1] or undefined[2]) if undefined else ""
    if name.startswith("ansible_") or name in load_schema()["x-later"]:
        return Unfilled(path, later=name)
    if undefined and undefined[1]:
        return Unfilled(path, f"uses {name}, which is not set", "Set it, or let the template have a default")
    if "vault" in text.lower() and "decrypt" in text.lower():
        have = "this run has no password for it" if "no vault secrets found" in text.lower() else "no password of this run opens it"
        return Unfilled(path, f"is encrypted with ansible-vault, and {have}", "Give the right one with --vault-id or --vault-password-file")
    while (shorter := _NOISE.sub("", text)) != text:
        text = shorter
    return Unfilled(path, f"can't be evaluated: {redact_text(text).rstrip('.')}", "Fix the template or the lookup")


def words_in_templates(raw: t.Mapping[str, t.Mapping[str, t.Any]]) -> set[str]:
    """The names that any template of the inventory may read."""
    texts: set[str] = set()

    def walk(value: t.Any) -> None:
        if isinstance(value, str):
            if _MARKS.search(value):
                texts.add(str(value))
        elif isinstance(value, t.Mapping):
            for item in value.values():
                walk(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                walk(item)

    for values in raw.values():
        for name, value in values.items():
            if name not in ("groups", "hostvars", "vars") and not name.startswith("ansible_"):
                walk(value)
    return {word for text in texts for word in _WORD.findall(text)}


def is_known(value: t.Any) -> bool:
    """Whether nothing in the value waits for something that is not known, or for a secret that is not made yet."""
    if isinstance(value, dict):
        return all(is_known(item) for item in value.values())
    if isinstance(value, list):
        return all(is_known(item) for item in value)
    return bool(value != UNKNOWN) and STAND_IN not in str(value)
