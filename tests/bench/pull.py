# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a service on a GPU has no task while it gets a new release of a large image, with and without a pull before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from .measure import BenchError, Sample, in_rounds, timed
from .node import FOLDER, PLAYS, Node
from .report import Aim

WAYS = ("before", "never")
SERVICE, DECLARED = "pull_model", 1
WATCH = "bench-tasks"
MOST_OF_IT = 0.2


def measure_pull(node: Node, work: Path, megabytes: int, count: int) -> Iterator[Sample]:
    """Both ways in a lab of two nodes, of which the second has the GPU. The seconds are those with fewer tasks than declared."""
    shared = {
        "bench_megabytes": str(megabytes),
        "bench_model": str(PLAYS / "model"),
        "registry_credentials_file": str(work / "pull_credentials.yml"),
    }

    def play(name: str | Path, **more: str) -> list[str]:
        place = node.root / name if isinstance(name, str) else name
        return node.play(place, f"--extra-vars=@{PLAYS / 'pull_state.yml'}", **shared, **more)

    timed("make the swarm and the images", play("site.yml", bench_release="1"), node.environment)
    node.put("tasks.py", (Path(__file__).parent / "tasks.py").read_text())

    def run(way: str) -> float:
        timed("go back", play("playbooks/deploy.yml", bench_release="1", stacks_pull="before"), node.environment)
        timed("forget the image", play(PLAYS / "forget.yml", bench_release="2"), node.environment)
        node.run("watch", f"systemd-run --quiet --unit {WATCH} --collect python3 {FOLDER}/tasks.py {SERVICE} {FOLDER}/tasks")
        try:
            timed(f"deploy with {way}", play("playbooks/deploy.yml", bench_release="2", stacks_pull=way), node.environment)
        finally:
            _seconds, text = node.run("end the watch", f"systemctl stop {WATCH}; cat {FOLDER}/tasks")
        return short_seconds(read_counts(text), DECLARED)

    seconds = in_rounds({way: partial(run, way) for way in WAYS}, count)
    yield from (Sample(f"stacks_pull: {way}", megabytes, seconds[way]) for way in WAYS)


def read_counts(text: str) -> list[tuple[float, int]]:
    """Pairs of a time and the number of running tasks; the last line may be cut off."""
    lines = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [(float(time), int(running)) for time, running in lines]


def short_seconds(counts: Sequence[tuple[float, int]], declared: int) -> float:
    """How long fewer tasks ran than declared. BenchError where that was not seen to begin or to end, or never was so."""
    if not counts or counts[0][1] < declared or counts[-1][1] < declared:
        raise BenchError(f"the service did not run at the beginning and at the end of the watch, found {counts[:1]} and {counts[-1:]}")
    short = sum(after[0] - before[0] for before, after in pairwise(counts) if before[1] < declared)
    if not short:
        raise BenchError("the old task was never seen to be gone, so that nothing was updated")
    return short


def pull_aims(samples: Sequence[Sample]) -> list[Aim]:
    before, never = samples
    return [Aim("time with fewer tasks than declared, as part of that without", before.typical / never.typical, MOST_OF_IT)]
