# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of a service: its own variables, those of its env_files, and those left to the deployer."""

from __future__ import annotations

import re
import typing as t
from collections import ChainMap
from dataclasses import replace

from .errors import Place
from .interpolate import Scope, expand
from .scalars import go_text

Variables = dict[str, str | None]
_NOTHING = re.compile(r"(?:\s|#[^\n]*)*")
_STATEMENT = re.compile(r"(?:export[^\S\n]+)?([\w.\-\[\]]+)[^\S\n]*(?:([=:])[^\S\n]*|(?=\n|\Z))")
_QUOTED = re.compile(r"""(['"])((?:(?!\1)[^\\]|\\.)*)\1(?=[^\S\n]*(?:#[^\n]*)?(?:\n|\Z))""", re.DOTALL)
_PLAIN = re.compile(r"[^\n]*?(?=[^\S\n]*(?: #[^\n]*)?(?:\n|\Z))")
_ESCAPE = re.compile(r'\\(?:([abfnrtv$"\\])|0([0-7]{1,3}))')
_ESCAPED = {**dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)), "$": "$$"}


def read_pairs(value: t.Any) -> Variables:
    """Variables from either form: a list of ``KEY=value`` or ``KEY``, or a mapping; None if no value is given."""
    if isinstance(value, list):
        pairs = (item.partition("=") for item in value)
        return {key: text if equals else None for key, equals, text in pairs}
    return {key: None if item is None else go_text(item) for key, item in (value or {}).items()}


def read_env_file(data: bytes, place: Place) -> Variables:
    """Variables of an env_file as the CLI reads it: values as they stand, without quotes, escapes or comments behind them."""
    variables: Variables = {}
    for number, line in enumerate(_text(data, place).split("\n"), 1):
        line = line.removesuffix("\r").lstrip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not key or len(key.split()) != 1 or key != key.strip():
            cure = "remove export and blanks before the ="
            raise place.error(f"line {number} of this env_file has {key!r} as a name", "NAME=value", cure)
        variables[key] = value if equals else None
    return variables


def read_dotenv(data: bytes, place: Place, scope: Scope) -> dict[str, str]:
    """Variables of a file in the form of the Compose Spec, as docker compose reads ``.env`` and ``env_file``.

    Values may stand in quotes, over several lines. ``$NAME`` in them, but for single quotes, is a variable of ``scope`` or of an
    earlier line. A name alone takes its value from ``scope``; without one there it is left out.
    """
    text = _text(data, place)
    variables: dict[str, str] = {}
    scope = replace(scope, env=ChainMap(t.cast("dict[str, str]", scope.env), variables))
    at = _skip(text, 0)
    while at < len(text):
        statement = _STATEMENT.match(text, at)
        if not statement:
            raise place.error(f"{_line(text, at)} has no name", "NAME=value, and names without blanks")
        name, at = statement[1], statement.end()
        if not statement[2]:
            if name in scope.env:
                variables[name] = scope.env[name]
        elif text[at : at + 1] in ("'", '"'):
            quoted = _QUOTED.match(text, at)
            if not quoted:
                raise place.error(f"{_line(text, at)} has a quote without its end", "nothing behind the closing quote")
            value = quoted[2].replace(f"\\{quoted[1]}", quoted[1])
            variables[name] = value if quoted[1] == "'" else expand(_ESCAPE.sub(_unescape, value), place / name, scope)
            at = quoted.end()
        else:
            plain = t.cast("re.Match[str]", _PLAIN.match(text, at))
            variables[name] = expand(plain[0], place / name, scope)
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
        at = _skip(text, at)
    return variables


def _skip(text: str, at: int) -> int:
    """Where the next statement begins."""
    return t.cast("re.Match[str]", _NOTHING.match(text, at)).end()


def _line(text: str, at: int) -> str:
    return f"line {text.count(chr(10), 0, at) + 1} of this file of variables"


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[2], 8)) if match[2] else _ESCAPED.get(match[1], match[1])


def _text(data: bytes, place: Place) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise place.error("this file of variables is not UTF-8 text") from None


def fill_missing(variables: Variables, env: t.Mapping[str, str], *, empty: bool) -> Variables:
    """A variable without a value takes it from ``env`` if that has it; with ``empty`` one with an empty value does so too."""
    return {key: env.get(key, value) if value is None or (empty and not value) else value for key, value in variables.items()}
