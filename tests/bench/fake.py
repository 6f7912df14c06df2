# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for swarms that are too large for one machine, against the fake engine of the unit tests."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from fake_engine import FakeEngine, node

from .measure import BenchError, Sample, in_rounds, power, timed
from .report import MEGABYTE, Aim, points
from .stacks import SETTINGS, make_stack

LOAD, PLAN, NODES = "load the files (controller)", "plan the stack (node)", "plan the nodes (node)"
NODE_COUNT, TOP_SERVICES = 1000, 500
MOST_SECONDS, MOST_BYTES, MOST_POWER = 3.0, 250 * MEGABYTE, 1.0
REPLICAS = 2
LABELS = {f"label{number}": "true" for number in range(10)}


class Child:
    """One thing for tests.bench.child to run; ``peak_bytes`` is the most that a run took, ``cpu_seconds`` the least."""

    def __init__(self, *what: str, given: dict[str, Any]) -> None:
        self._what, self._given = what, given
        self.peak_bytes, self.cpu_seconds = 0, float("inf")

    def run(self) -> tuple[float, Any]:
        """Seconds and the result. BenchError where it fails or finds something to change."""
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "tests.bench.child", *self._what]
        seconds, text = timed(f"run {' '.join(self._what)}", command, env, json.dumps(self._given))
        result, used = map(json.loads, text.splitlines()[-2:])
        if result.get("failed") or (self._given.get("check") and result.get("changed")):
            raise BenchError(f"{' '.join(self._what)} on the fake engine: {result.get('msg') or result['diff']['prepared']}")
        self.peak_bytes = max(self.peak_bytes, used["peak_bytes"])
        self.cpu_seconds = min(self.cpu_seconds, used["cpu_seconds"])
        return seconds, result


def measure_fake(work: Path, sizes: Iterable[int], count: int) -> Iterator[Sample]:
    """Stacks of these sizes on a swarm of NODE_COUNT nodes, and at last its nodes with ten labels each."""
    (work / "settings.ini").write_text(SETTINGS)
    members = [node(f"w{number:04}", labels=LABELS) for number in range(1, NODE_COUNT)]
    members.append(node("m1", role="manager", leader=True, labels=LABELS))
    for size in sizes:
        file = work / f"fake-{size}.yml"
        file.write_text(make_stack(size, REPLICAS))
        load = Child("load", given={"name": "bench", "files": [str(file)]})
        model = json.dumps({"model": load.run()[1]})
        with FakeEngine(nodes=members) as fake:
            wanted = {"docker_host": fake.docker_host, "name": "bench", "model": model, "resolve_image": "never"}
            Child("module", "stack", given={**wanted, "wait": False}).run()
            fake.settle()
            plan = Child("module", "stack", given={**wanted, "check": True})
            yield from _samples({LOAD: load, PLAN: plan}, size, count)
    labels = {member["Description"]["Hostname"]: LABELS for member in members}
    with FakeEngine(nodes=members) as fake:
        nodes = Child("module", "nodes", given={"docker_host": fake.docker_host, "labels": labels, "check": True})
        yield from _samples({NODES: nodes}, NODE_COUNT, count)


def _samples(children: dict[str, Child], size: int, count: int) -> list[Sample]:
    seconds = in_rounds({name: partial(_seconds, child) for name, child in children.items()}, count)
    return [
        Sample(name, size, seconds[name], cpu_seconds=child.cpu_seconds, peak_bytes=child.peak_bytes) for name, child in children.items()
    ]


def _seconds(child: Child) -> float:
    return child.run()[0]


def fake_aims(samples: list[Sample]) -> list[Aim]:
    """From files to plan at TOP_SERVICES, and whether one more service costs the same everywhere."""
    halves = [sample for sample in samples if sample.name in (LOAD, PLAN)]
    top = [sample for sample in halves if sample.size == TOP_SERVICES]
    swarm = f"{TOP_SERVICES} services on {NODE_COUNT} nodes"
    aims = []
    if top:
        aims.append(Aim(f"files to plan, {swarm}", sum(sample.typical for sample in top), MOST_SECONDS, " s"))
        peak = max(sample.peak_bytes for sample in top)
        aims.append(Aim(f"peak memory, {swarm}", peak / MEGABYTE, MOST_BYTES / MEGABYTE, " MB"))
    for name in (LOAD, PLAN):
        line = points(halves, name, lambda sample: sample.cpu_seconds)
        if len(line) > 2:
            aims.append(Aim(f"{name}: power of growth", power(line), MOST_POWER))
    return aims
