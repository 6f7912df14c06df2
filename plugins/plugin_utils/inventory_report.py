# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on an inventory: one line for each fault, with its place. Pure."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from .fault import FAULT
from .inventory_model import LATER, Finding, said

_LATER = "not known yet: "


@dataclass(frozen=True)
class Report:
    """``faults`` stop a run; ``notes`` are warnings, and what can't be known yet."""

    faults: list[str]
    notes: list[str]
    counts: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    hints: tuple[str, ...] = ()

    @classmethod
    def of(cls, findings: t.Iterable[Finding], place: t.Callable[[Finding], str]) -> Report:
        """``place`` is where a finding stands. The same thing at the same place is told once, whichever hosts it is of."""
        lines: dict[str, list[str]] = {FAULT: [], "note": []}
        unknown = False
        for where, finding in sorted(((place(each), each) for each in findings), key=lambda pair: _in_order(pair[0])):
            text = f"{where}: {said(finding)}"
            kind = FAULT if finding.level == FAULT else "note"
            text = f"{_LATER}{text}" if finding.level == LATER else text
            if text not in lines[kind]:
                lines[kind].append(text)
            unknown = unknown or (finding.check == "unknown_variable" and finding.level == FAULT)
        hints = (
            "Names that begin with the name of a role are its own. If your own variable has such a name, list it in check_own_variables.",
        )
        return cls(lines[FAULT], lines["note"], hints=hints if unknown else ())

    def with_counts(self, **counts: int) -> Report:
        return dataclasses.replace(self, counts=counts)


def _in_order(where: str) -> tuple[bool, str, int]:
    """The inventory as a whole first, then file by file and line by line."""
    file, _colon, line = where.rpartition(":")
    return (True, file, int(line)) if line.isdigit() else (False, where, 0)


def as_text(report: Report, folder: str) -> str:
    """For people. ``folder`` is where they stand; paths below it are shown without it."""
    lines = [f"- {line}" for line in report.faults]
    lines += [f"- {line}" if line.startswith(_LATER) else f"- warning: {line}" for line in report.notes]
    warnings = sum(not line.startswith(_LATER) for line in report.notes)
    head = f"check: {_count(len(report.faults), 'fault')} and {_count(warnings, 'warning')}; no host was asked"
    if not report.faults:
        parts = ", ".join(_count(number, noun.removesuffix("s")) for noun, number in report.counts.items())
        head = f"check: no fault in {parts or 'what was given'}; no host was asked"
    return "\n".join([head, *lines, *report.hints]).replace(f"{folder}/", "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
