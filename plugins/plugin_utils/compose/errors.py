# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where something stands in a stack file, and the one error that the loader raises."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ...module_utils.errors import FlotillaError

Key = str | int


class ComposeError(FlotillaError):
    """A stack file that cannot be used: where it is wrong, what was found, what was expected, what cures it."""

    def __init__(self, found: str, *, expected: str = "", cure: str = "", file: str = "", path: str = "", line: int | None = None) -> None:
        where = ": ".join(part for part in (f"{file}:{line}" if line else file, path) if part)
        parts = [f"{where}: {found}" if where else found]
        if expected:
            parts.append(f"expected {expected}")
        if cure:
            parts.append(cure)
        super().__init__("; ".join(parts))
        self.file, self.path, self.line = file, path, line
        self.others: tuple[ComposeError, ...] = ()
        """What else is wrong, where that was found in the same step."""


class MissingVariable(ComposeError):
    """A variable without a value and without a default."""

    variable = ""


@dataclass(frozen=True)
class Place:
    """A path inside a file. ``place / key`` is a child; ``lines`` gives the line of each path that the file itself holds."""

    file: str
    path: tuple[Key, ...] = ()
    lines: t.Mapping[tuple[Key, ...], int] = field(default_factory=dict, repr=False, compare=False)

    def __truediv__(self, key: Key) -> Place:
        return Place(self.file, (*self.path, key), self.lines)

    def __str__(self) -> str:
        return ".".join(map(str, self.path))

    @property
    def line(self) -> int | None:
        """The line of this path, or of its nearest parent that has one."""
        for end in range(len(self.path), -1, -1):
            if self.path[:end] in self.lines:
                return self.lines[self.path[:end]]
        return None

    def error(self, found: str, expected: str = "", cure: str = "", kind: type[ComposeError] = ComposeError) -> ComposeError:
        return kind(found, expected=expected, cure=cure, file=self.file, path=str(self), line=self.line)

    def missing(self, variable: str, found: str, cure: str) -> MissingVariable:
        error = MissingVariable(found, cure=cure, file=self.file, path=str(self), line=self.line)
        error.variable = variable
        return error

    def note(self, text: str) -> str:
        """A warning about this place, as one line."""
        return f"{self.file}: {self}: {text}" if self.path else f"{self.file}: {text}"
