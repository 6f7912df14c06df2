# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One key of a TOML file, and every other byte as it was. Pure.

There is no TOML in Python 3.9's library, and none anywhere that keeps comments.
"""

from __future__ import annotations

import re
import typing as t

_HEADER = re.compile(r"\s*\[")
_QUOTES = ('"""', "'''", '"', "'")
_STRING = r"""("(?:[^"\\]|\\.)*"|'[^']*')"""


class _Statement(t.NamedTuple):
    """Lines ``start`` to ``end`` (exclusive) hold one statement, comment or nothing; ``table`` is the header they stand under."""

    start: int
    end: int
    table: str


def get(text: str, table: str, key: str) -> str | None:
    """The text of a string value; ``table`` is empty for the top level. None if the key is absent or no string."""
    lines = _lines(text)
    found = _find(lines, table, _assignment(key))
    value = _value(key).match(lines[found.start]) if found else None
    return value.group(2)[1:-1] if value else None


def put(text: str, table: str, key: str, value: str) -> str:
    """The text with ``key = "value"`` in this table; ``value`` holds neither quotes nor backslashes.

    A commented default becomes the key. A new one comes after the last key of the top level or after the table's header,
    a new table at the end.
    """
    if get(text, table, key) == value:
        return text
    lines = _lines(text)
    new = f'{key} = "{value}"'
    found = _find(lines, table, _assignment(key))
    if found:
        old = _value(key).match(lines[found.start])
        lines[found.start : found.end] = [f'{old.group(1)}"{value}"{old.group(3)}' if old else new + _ending(lines[found.end - 1])]
        return "".join(lines)
    found = _find(lines, table, re.compile(rf"\s*#\s*{re.escape(key)}\s*="))
    if found:
        lines[found.start : found.end] = [new + _ending(lines[found.end - 1])]
        return "".join(lines)
    return _insert(lines, table, new)


def _insert(lines: list[str], table: str, new: str) -> str:
    within = [statement for statement in _statements(lines) if statement.table == table]
    if table and not within:
        gap = "" if not lines else "\n" if lines[-1].endswith("\n") else "\n\n"
        return "".join([*lines, f"{gap}[{table}]\n{new}\n"])
    keys = within[:1] if table else [item for item in within if re.match(r"\s*[^\s#]", lines[item.start])]
    place = keys[-1].end if keys else 0
    gap = "\n" if place and not lines[place - 1].endswith("\n") else ""
    return "".join([*lines[:place], f"{gap}{new}\n", *lines[place:]])


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _ending(line: str) -> str:
    return "\r\n" if line.endswith("\r\n") else "\n" if line.endswith("\n") else ""


def _assignment(key: str) -> re.Pattern[str]:
    return re.compile(rf"""\s*(["']?){re.escape(key)}\1\s*=""")


def _value(key: str) -> re.Pattern[str]:
    return re.compile(rf"""(\s*["']?{re.escape(key)}["']?\s*=\s*){_STRING}(\s*(?:#[^\n]*\n?)?)$""")


def _find(lines: list[str], table: str, pattern: re.Pattern[str]) -> _Statement | None:
    return next((item for item in _statements(lines) if item.table == table and pattern.match(lines[item.start])), None)


def _statements(lines: list[str]) -> list[_Statement]:
    found: list[_Statement] = []
    table, start, quote, depth = "", 0, "", 0
    for number, line in enumerate(lines):
        quote, depth = _scan(line, quote, depth)
        if quote or depth > 0:
            continue
        if _HEADER.match(lines[start]):
            table = re.sub(r"\s|[\"']", "", lines[start].split("#")[0]).strip()[1:-1]
        found.append(_Statement(start, number + 1, table))
        start, quote, depth = number + 1, "", 0
    return found


def _scan(line: str, quote: str, depth: int) -> tuple[str, int]:
    """In which string and in how many brackets a line ends that begins in these. Only the long strings go on in the next line."""
    place = 0
    while place < len(line):
        rest = line[place:]
        if quote:
            if quote[0] == '"' and rest[0] == "\\":
                place += 2
                continue
            if rest.startswith(quote):
                place += len(quote)
                quote = ""
                continue
        elif rest[0] == "#":
            break
        else:
            quote = next((mark for mark in _QUOTES if rest.startswith(mark)), "")
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(rest[0], 0)
            place += len(quote) or 1
            continue
        place += 1
    return quote if len(quote) == 3 else "", depth
