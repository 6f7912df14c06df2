# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be handed in, and the calls that it is tested with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    arguments: tuple[Any, ...]
    expected: Any


@dataclass(frozen=True)
class Exercise:
    """``queue`` names the class of graders that may run it."""

    title: str
    function: str
    cases: tuple[Case, ...]
    queue: str = "grader"


EXERCISES = {
    "add": Exercise(
        title="add(a, b) returns the sum of two numbers",
        function="add",
        cases=(Case((1, 2), 3), Case((-1, 1), 0), Case((0.5, 0.25), 0.75), Case((10**20, 1), 10**20 + 1)),
        queue="fast_grader",
    ),
    "is_palindrome": Exercise(
        title="is_palindrome(text) tells whether text reads the same backwards, whatever its case",
        function="is_palindrome",
        cases=(Case(("level",), True), Case(("Level",), True), Case(("lever",), False), Case(("",), True)),
    ),
    "primes": Exercise(
        title="primes(n) returns the list of the primes below n",
        function="primes",
        cases=(Case((0,), []), Case((3,), [2]), Case((20,), [2, 3, 5, 7, 11, 13, 17, 19])),
    ),
}
