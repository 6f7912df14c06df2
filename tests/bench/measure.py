# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How something is measured: whole processes, in rounds, so that what else the machine does falls on all alike."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import linear_regression, median

_WEIGH = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as peak:
    peak.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
Points = Sequence[tuple[float, float]]


class BenchError(Exception):
    """What was measured did not do what it should; the text is the whole message."""


@dataclass(frozen=True)
class Sample:
    """What something cost at one size: the seconds of each run, the requests of one as ``METHOD target``.

    Of processes on this machine also the least processor time and the most memory that a run took; 0 where that was not measured.
    """

    name: str
    size: int
    seconds: tuple[float, ...]
    requests: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def typical(self) -> float:
        return median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def writes(self) -> int:
        return sum(not request.startswith(("GET ", "HEAD ")) for request in self.requests)


def growth(points: Points) -> float:
    """What one more costs: the slope of the line that fits pairs of size and cost best."""
    return linear_regression(*zip(*points, strict=True)).slope


def power(points: Points) -> float:
    """The exponent of growth: 2 where twice the size costs four times as much, below 1 for a line that starts above 0."""
    return growth([(log(size), log(cost)) for size, cost in points])


def in_rounds(runs: Mapping[str, Callable[[], float]], count: int) -> dict[str, tuple[float, ...]]:
    """The seconds that each run gave, ``count`` times each; every round begins with another one."""
    names = list(runs)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(count):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(runs[name]())
    return {name: tuple(values) for name, values in seconds.items()}


def timed(doing: str, argv: Sequence[str], env: Mapping[str, str] | None = None, data: str | None = None) -> tuple[float, str]:
    """Seconds from the start of a process to its end, and its standard output. BenchError where it fails."""
    began = time.perf_counter()
    done = subprocess.run(argv, env=env, input=data, capture_output=True, text=True, errors="replace", check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise BenchError(f"cannot {doing}: {argv[0]} exited {done.returncode}\n{tail}")
    return seconds, done.stdout


def weighed(doing: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> tuple[float, str, int]:
    """As ``timed``, and the most memory that one of its processes had, in bytes.

    A small process starts it and waits for it: what the system tells of a process is at least what the one had that started it, and of
    those that were waited for the largest, whenever it ran.
    """
    with tempfile.NamedTemporaryFile("r") as peak:
        seconds, text = timed(doing, [sys.executable, "-S", "-c", _WEIGH, peak.name, *argv], env)
        return seconds, text, int(peak.read()) * 1024


def with_processor(run: Callable[[], float]) -> tuple[float, float]:
    """The seconds that a run gave, and those of the processor that its processes on this machine took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
