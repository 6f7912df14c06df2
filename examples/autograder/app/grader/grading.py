# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grades a submission: runs its function in a process of its own, within limits, and compares what comes back."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .exercises import Exercise

SANDBOX = Path(__file__).with_name("sandbox.py")
MAX_OUTPUT_BYTES = 1 << 20
MAX_LINE = 200


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes that one submission may use."""

    wall_seconds: float = 10.0
    cpu_seconds: int = 5
    memory_bytes: int = 256 << 20
    file_bytes: int = 1 << 20
    processes: int = 0


@dataclass(frozen=True)
class Report:
    """``grade`` is 0 to 100; ``failures`` has a line for each case that did not pass."""

    grade: int
    passed: int
    total: int
    failures: tuple[str, ...] = ()


def grade(code: str, exercise: Exercise, limits: Limits = Limits()) -> Report:
    """Run every case of the exercise. Whatever the code does ends in a report, never in an exception.

    The expected values stay in this process, where the code can't read them.
    """
    total = len(exercise.cases)
    request = {
        "code": code,
        "function": exercise.function,
        "calls": [case.arguments for case in exercise.cases],
        "limits": asdict(limits),
    }
    answers, problem = _run(request, limits.wall_seconds)
    if problem:
        return Report(0, 0, total, (_line(problem),))
    failures = []
    for case, answer in zip(exercise.cases, answers, strict=True):
        call = f"{exercise.function}({', '.join(map(repr, case.arguments))})"
        if "error" in answer:
            failures.append(_line(f"{call} raised {answer['error']}"))
        elif not _same(answer.get("value"), case.expected):
            failures.append(_line(f"{call} returned {answer.get('value')!r}", f", not {case.expected!r}"))
    passed = total - len(failures)
    return Report(100 * passed // total, passed, total, tuple(failures))


def _line(said: str, ours: str = "") -> str:
    """A failure as it is kept: what the code said may be long, and PostgreSQL keeps no null character in JSON."""
    return said[:MAX_LINE].replace("\0", "\\0") + ours


def _same(value: Any, expected: Any) -> bool:
    return bool(value == expected) and isinstance(value, bool) is isinstance(expected, bool)


def _run(request: dict[str, Any], wall_seconds: float) -> tuple[list[dict[str, Any]], str]:
    """The answers of the sandbox, or why there are none."""
    with tempfile.TemporaryDirectory(prefix="submission-") as directory, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-I", str(SANDBOX)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            cwd=directory,
            env={},
            start_new_session=True,
        )
        try:
            process.communicate(json.dumps(request).encode(), timeout=wall_seconds)
        except subprocess.TimeoutExpired:
            return [], f"it ran longer than {wall_seconds:g} s"
        finally:
            _end(process)
        output.seek(0)
        written = output.read(MAX_OUTPUT_BYTES)
    try:
        result = json.loads(written)
    except ValueError:
        return [], _cause_of_death(process.returncode)
    if isinstance(result, dict) and "error" in result:
        return [], str(result["error"])
    # The code shares a process with what writes the answers, so that it may have written them itself.
    answers = result.get("answers") if isinstance(result, dict) else None
    if not isinstance(answers, list) or len(answers) != len(request["calls"]) or not all(isinstance(answer, dict) for answer in answers):
        return [], "it tampered with its answers"
    return answers, ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole session of the process: it may have left children behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _cause_of_death(returncode: int) -> str:
    if returncode == -signal.SIGXCPU or returncode == -signal.SIGKILL:
        return "it used more processor time than it may"
    if returncode < 0:
        return f"it was ended by signal {signal.Signals(-returncode).name}"
    return f"it ended by itself with exit code {returncode}"
