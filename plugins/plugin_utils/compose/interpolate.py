# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in stack files (``$NAME``, ``${NAME:-default}`` ...), from an explicit environment only."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .errors import ComposeError, Place
from .schema import Schema, child, types

_NAME = r"[_a-zA-Z][_a-zA-Z0-9]*"
_VERSIONED = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<name>{_NAME})(?P<rest>:?[-?][^}}]*)?"
    rf"|\{{(?P<braced>{_NAME})(?P<inner>:?[-?][^}}]*)?\}}|(?P<wrong>))"
)
_BARE = re.compile(_NAME)
_BRACED = re.compile(rf"({_NAME})(:?[-?+].*)?", re.DOTALL)
_OPERATOR = re.compile(r"(:?)([-?+])(.*)", re.DOTALL)
_BRACES = re.compile(r"\$\{|\}")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")
_TRUE, _FALSE = {"true", "y", "yes", "on"}, {"false", "n", "no", "off"}
_KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
_NESTING = 20


@dataclass
class Scope:
    """The variables, whether missing ones are an ``error`` or ``blank``, those that may be missing anyway, and the warnings so far."""

    env: t.Mapping[str, str]
    undefined: str = "error"
    optional: t.Collection[str] = ()
    warnings: list[str] = field(default_factory=list)

    def value(self, name: str, rest: str, place: Place, expand: t.Callable[[str], str]) -> str:
        """The value of a variable with the operator and argument that follow its name, if any."""
        value = self.env.get(name)
        operator = _OPERATOR.fullmatch(rest)
        if operator is None:
            return self.missing(name, place) if value is None else value
        colon, sign, argument = operator.groups()
        if value is None or (colon and value == ""):
            if sign == "?":
                cure = "give it in env or in a file of env_files"
                raise place.missing(name, f"the required variable {name} is not set: {expand(argument)}", cure)
            return expand(argument) if sign == "-" else ""
        return expand(argument) if sign == "+" else value

    def missing(self, name: str, place: Place) -> str:
        if self.undefined == "error" and name not in self.optional:
            cure = f"give it in env or in a file of env_files, or write a default: ${{{name}:-...}}"
            raise place.missing(name, f"the variable {name} is not set", cure)
        return ""


def is_name(text: str) -> bool:
    return _BARE.fullmatch(text) is not None


def interpolate(value: t.Any, schema: Schema | None, place: Place, scope: Scope, *, versioned: bool) -> t.Any:
    """Fill in the variables in every text of the value, and turn text into numbers where the schema wants them.

    Versioned files know fewer operators, and take a number from a variable only at certain keys; Compose Spec files
    nest operators, take any text that reads as the number or boolean wanted, and count a key without a value as absent.
    """
    if isinstance(value, dict):
        known = (schema or {}).get("properties", {})
        result = {}
        for key, item in value.items():
            sub = child(schema, key)
            if item is not None or versioned or key not in known or "null" in types(sub) or not types(sub):
                result[key] = interpolate(item, sub, place / key, scope, versioned=versioned)
        return result
    if isinstance(value, list):
        sub = child(schema, 0)
        return [interpolate(item, sub, place / index, scope, versioned=versioned) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    text = (_versioned if versioned else expand)(value, place, scope)
    wanted = types(schema)
    if versioned and schema and schema.get("x-cast") and text != value:
        return _cast(text, wanted, place)
    if not versioned and wanted and "string" not in wanted:
        return _read_as(text, wanted, octal=bool(place.path) and place.path[-1] == "mode")
    if not versioned and place.path and place.path[-1] == "mode" and "number" in wanted:
        return _read_as(text, wanted, octal=True)
    return text


def escaped(value: t.Any) -> t.Any:
    """With each ``$`` doubled, so that it is not taken for a variable."""
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def _versioned(text: str, place: Place, scope: Scope) -> str:
    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        if match["wrong"] is not None:
            raise _invalid(text, match.start(), place)
        return scope.value(match["name"] or match["braced"], match["rest"] or match["inner"] or "", place, str)

    return _VERSIONED.sub(replace, text)


def expand(text: str, place: Place, scope: Scope, depth: int = 0) -> str:
    """The text with its variables filled in by the rules of the Compose Spec, where a ``$`` before no name is just that."""

    def inner(argument: str) -> str:
        return expand(argument, place, scope, depth + 1)

    if depth > _NESTING:
        raise place.error(f"variables are nested more than {_NESTING} deep")
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        braced = _braced(text, dollar)
        if text.startswith("$$", dollar):
            parts.append("$")
            at = dollar + 2
        elif name := _BARE.match(text, dollar + 1):
            parts.append(scope.value(name[0], "", place, inner))
            at = name.end()
        elif braced:
            parts.append(scope.value(braced[1], braced[2] or "", place, inner))
            at = braced.end() + 1
        elif text.startswith("${", dollar):
            raise _invalid(text, dollar, place)
        else:
            parts.append("$")
            at = dollar + 1
    return "".join((*parts, text[at:]))


def _braced(text: str, dollar: int) -> re.Match[str] | None:
    """The inside of the ``${...}`` at the dollar, up to the brace that closes it."""
    if not text.startswith("${", dollar):
        return None
    depth = 0
    for brace in _BRACES.finditer(text, dollar):
        depth += -1 if brace[0] == "}" else 1
        if depth == 0:
            return _BRACED.fullmatch(text, dollar + 2, brace.start())
    return None


def _invalid(text: str, at: int, place: Place) -> ComposeError:
    found = f"invalid interpolation {text[at : at + 2]!r} at character {at + 1}"
    return place.error(found, "$NAME, ${NAME} or ${NAME:-default}", "write $$ for a plain $")


def _read_as(text: str, wanted: tuple[str, ...], *, octal: bool) -> t.Any:
    """The number or boolean that the text stands for, else the text."""
    if octal and re.fullmatch("0[0-7]+", text):
        return int(text, 8)
    if _INTEGER.fullmatch(text) and {"integer", "number"} & set(wanted):
        return int(text)
    if _NUMBER.fullmatch(text) and "number" in wanted:
        return float(text)
    if text.lower() in _TRUE | _FALSE and "boolean" in wanted:
        return text.lower() in _TRUE
    return text


def _cast(text: str, wanted: tuple[str, ...], place: Place) -> t.Any:
    value = _read_as(text, wanted, octal=False)
    if isinstance(value, str) and "string" not in wanted:
        raise place.error("the variable gives a text", " or ".join(_KINDS[name] for name in wanted if name in _KINDS))
    return value
