# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's graders on good, bad and hostile code. Needs neither Django nor Celery."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "examples" / "autograder" / "app"))

from grader.exercises import EXERCISES
from grader.grading import Limits, grade

QUICK = Limits(wall_seconds=5, cpu_seconds=1)
SOLUTIONS = {
    "add": "def add(a, b): return a + b",
    "is_palindrome": "def is_palindrome(text): return text.lower() == text.lower()[::-1]",
    "primes": "def primes(n): return [i for i in range(2, n) if all(i % j for j in range(2, i))]",
}


@pytest.mark.parametrize("name", EXERCISES)
def test_right_code_gets_100(name: str) -> None:
    report = grade(SOLUTIONS[name], EXERCISES[name], QUICK)
    assert (report.grade, report.failures) == (100, ())
    assert report.passed == report.total > 2


def test_partly_right_code_gets_a_part_and_is_told_why() -> None:
    report = grade("def is_palindrome(text): return text == text[::-1]", EXERCISES["is_palindrome"], QUICK)
    assert (report.grade, report.passed, report.total) == (75, 3, 4)
    assert report.failures == ("is_palindrome('Level') returned False, not True",)


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("def add(a, b: return a", "SyntaxError"),
        ("def plus(a, b): return a + b", "it defines no function add"),
        ("add = 3", "add(1, 2) raised TypeError"),
        ("def add(a, b): raise SystemExit(0)", "add(1, 2) raised SystemExit"),
        ("import os\nos._exit(3)", "exit code 3"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("while True: pass", "processor time"),
        ("def add(a, b): return 'x' * (1 << 30)", "MemoryError"),
        ("print('[1, 2]')\ndef add(a, b): print(a + b)", "add(1, 2) returned None, not 3"),
        ("def add(a, b): return {1, 2}", "TypeError: Object of type set"),
        ("import os\nos.write(3, b'{\"answers\": []}')\nos._exit(0)", "tampered"),
        ("import os\nos.write(3, b'[]')\nos._exit(0)", "tampered"),
        ("open('big', 'wb').write(bytes(2 << 20))", ""),
    ],
)
def test_wrong_or_hostile_code_gets_0_and_a_cause(code: str, failure: str) -> None:
    report = grade(code, EXERCISES["add"], QUICK)
    assert (report.grade, report.passed) == (0, 0)
    assert failure in report.failures[0]


def test_code_that_only_waits_is_ended() -> None:
    report = grade("import time\ntime.sleep(60)", EXERCISES["add"], Limits(wall_seconds=0.5))
    assert report.failures == ("it ran longer than 0.5 s",)


def test_long_words_and_null_characters_are_not_kept() -> None:
    report = grade("def add(a, b): raise ValueError(chr(0) + 'x' * 1000)", EXERCISES["add"], QUICK)
    assert report.failures[0].startswith("add(1, 2) raised ValueError: \\0xxx")
    assert len(report.failures[0]) < 300


def test_truth_is_no_number() -> None:
    assert grade("def is_palindrome(text): return 1", EXERCISES["is_palindrome"], QUICK).grade == 0


def test_code_sees_no_variable_of_the_grader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "redis://secret")
    report = grade("import os\ndef add(a, b): raise ValueError(sorted(os.environ))", EXERCISES["add"], QUICK)
    assert "BROKER_URL" not in report.failures[0]
