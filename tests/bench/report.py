# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as text of at most 80 columns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .measure import Points, Sample

WIDTH = 80
MEGABYTE = 10**6


@dataclass(frozen=True)
class Aim:
    """A figure and the most that it should be."""

    text: str
    figure: float
    most: float
    unit: str = ""

    def line(self) -> str:
        verdict = "met" if self.figure <= self.most else "missed"
        return f"{verdict:7}{self.text}: {self.figure:.2f}{self.unit}, at most {self.most:g}{self.unit}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they must be; the first one starts at the left, the others end at the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def points(samples: Iterable[Sample], name: str, cost: Callable[[Sample], float]) -> Points:
    """Pairs of size and cost, the smallest size first."""
    return sorted((sample.size, cost(sample)) for sample in samples if sample.name == name)


def cost_table(samples: Iterable[Sample], what: str) -> str:
    """One row for each size and name, with the columns that were measured."""
    samples = list(samples)
    counted = any(sample.requests for sample in samples)
    weighed = any(sample.peak_bytes for sample in samples)
    head = [what, "median", "best", *(("requests", "writes") if counted else ("processor", "memory")[: 1 + weighed])]
    rows = []
    for sample in samples:
        more = [f"{sample.cpu_seconds:.2f} s", f"{sample.peak_bytes / MEGABYTE:.0f} MB"][: 1 + weighed]
        if counted:
            more = [str(len(sample.requests)), str(sample.writes)]
        rows.append([f"{sample.size:5}  {sample.name}", f"{sample.typical:.2f} s", f"{sample.best:.2f} s", *more])
    return table(head, rows)
