# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole inventory that is as declared already: ``site.yml`` next to the means that the field usually has for the same state."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from .measure import BenchError, Sample, growth, in_rounds, timed, with_processor
from .node import FOLDER, PLAYS, Node
from .report import Aim, points
from .stacks import SETTINGS, make_stack

OURS, USUAL = "site.yml", "apt, copy, service and community.docker"
SERVICES = 5
_RECAP = re.compile(r"changed=(\d+)")


def measure_whole(node: Node, work: Path, size: int, count: int) -> Iterator[Sample]:
    """Both in a lab of ``size`` nodes. What changes something, or the state of the other, is a fault of the bench."""
    (work / "settings.ini").write_text(SETTINGS)
    (work / "whole.yml").write_text(make_stack(SERVICES))
    for name in ("settings.ini", "whole.yml"):
        node.put(name, (work / name).read_text())
    plays = {
        OURS: node.play(node.root / "site.yml", f"--extra-vars=@{PLAYS / 'state.yml'}", bench_file=str(work / "whole.yml")),
        USUAL: node.play("usual.yml", bench_file=f"{FOLDER}/whole.yml"),
    }
    # The client deploys the stack: it names configs without a hash, which site.yml leaves as it is, and not the other way round.
    timed("make the state but the stack", [*plays[OURS], '--extra-vars={"stacks_present": []}'], node.environment)
    node.run("install what community.docker imports", "apt-get install -y -qq python3-jsondiff python3-yaml")
    timed("run the usual means once", plays[USUAL], node.environment)
    processor: dict[str, list[float]] = {name: [] for name in plays}

    def run(name: str) -> float:
        seconds, spent = with_processor(partial(_silent, node, name, plays[name]))
        processor[name].append(spent)
        return seconds

    runs: dict[str, Callable[[], float]] = {name: partial(run, name) for name in plays}
    seconds = in_rounds(runs, count)
    yield from (Sample(name, size, seconds[name], cpu_seconds=min(processor[name])) for name in plays)


def _silent(node: Node, name: str, command: list[str]) -> float:
    seconds, text = timed(f"run {name}", command, node.environment)
    if set(_RECAP.findall(text)) != {"0"}:
        raise BenchError(f"{name} found something to change:\n{text[-3000:]}")
    return seconds


def whole_aims(samples: list[Sample]) -> list[Aim]:
    """Parts of what the usual means take: of their time at each size, of what one more host adds, and of the controller's processor."""
    mosts = {3: 0.5, 12: 1 / 3}
    by_size = {(sample.name, sample.size): sample for sample in samples}
    aims = []
    for size in sorted({sample.size for sample in samples}):
        ours, theirs = by_size[OURS, size], by_size[USUAL, size]
        aims.append(Aim(f"time on {size} hosts, as part of the usual means'", ours.typical / theirs.typical, mosts.get(size, 0.5)))
        aims.append(Aim(f"processor on {size} hosts, as part of theirs", ours.cpu_seconds / theirs.cpu_seconds, 1.0))
    if len({sample.size for sample in samples}) > 1:
        ours_adds, theirs_adds = (growth(points(samples, name, lambda sample: sample.typical)) for name in (OURS, USUAL))
        aims.append(Aim("time that a host adds, as part of theirs", ours_adds / theirs_adds, 0.3))
    return aims
