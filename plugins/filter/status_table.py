# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table for a terminal out of a list of records."""

from __future__ import annotations

import textwrap
import typing as t

from ansible.errors import AnsibleFilterError

GAP = "  "
LEAST_WRAPPED = 24


def status_table(records: t.Sequence[t.Mapping[str, t.Any]], columns: t.Sequence[str], width: int = 72, wrap: bool = False) -> str:
    """Rows of ``columns`` (keys of the records, shown in capitals), no line longer than ``width`` characters.

    Lists are joined by blanks, labels too, of which one that is ``true`` is shown by its name; None is shown as nothing. Where the rows are
    too long the widest column is cut, with an ellipsis.
    With ``wrap`` the last column goes on below instead, as long as it has room to do so.
    """
    if not isinstance(records, t.Sequence) or isinstance(records, str):
        raise AnsibleFilterError(f"status_table: found {type(records).__name__}, expected a list of mappings.")
    rows = [[column.upper() for column in columns]]
    rows += [[_text(record.get(column)) for column in columns] for record in records]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if wrap:
        widths[-1] = min(widths[-1], max(width - sum(widths[:-1]) - len(GAP) * (len(widths) - 1), LEAST_WRAPPED))
    while sum(widths) + len(GAP) * (len(widths) - 1) > width and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    lines = [line for row in rows for line in (_wrapped(row, widths[-1]) if wrap else [row])]
    return "\n".join(GAP.join(_fit(cell, w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def _wrapped(row: list[str], width: int) -> list[list[str]]:
    """The row, and below it what its last cell has more than ``width`` characters."""
    parts = textwrap.wrap(row[-1], width, break_on_hyphens=False) or [""]
    return [[*row[:-1], parts[0]], *([*[""] * (len(row) - 1), part] for part in parts[1:])]


def _text(value: t.Any) -> str:
    if value is None:
        return ""
    if isinstance(value, t.Mapping):
        return " ".join(name if text == "true" else f"{name}={text}" for name, text in sorted(value.items()))
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return " ".join(str(value).split())


def _fit(text: str, width: int) -> str:
    return f"{text[: width - 1]}…" if len(text) > width else f"{text:<{width}}"


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"status_table": status_table}
