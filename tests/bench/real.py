# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three ways to deploy a stack that runs already, on a real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from .measure import BenchError, Sample, growth, in_rounds, timed
from .node import COUNTED, ENGINE, FOLDER, Node
from .report import Aim, points, table
from .stacks import SETTINGS, make_stack

OURS, PEER, CLIENT = "flotilla.swarm.stack", "community.docker.docker_stack", "docker stack deploy"
MOST_SERVICES_COMPARED = 50


def measure_real(node: Node, work: Path, sizes: Iterable[int], count: int) -> Iterator[Sample]:
    """One stack that grows from size to size. The requests are counted in a run of their own, before the timed ones."""
    (work / "settings.ini").write_text(SETTINGS)
    node.put("settings.ini", SETTINGS)
    node.start_counting()
    for size in sizes:
        name, text = f"{size}.yml", make_stack(size)
        (work / name).write_text(text)
        node.put(name, text)
        node.run(f"deploy {size} services", f"{_client(ENGINE, name, 'never')} --prune")
        requests = {}
        for contestant, run in _contestants(node, work, name, COUNTED).items():
            node.requests()
            run()
            requests[contestant] = node.requests()
        seconds = in_rounds(_contestants(node, work, name, ENGINE), count)
        yield from (Sample(contestant, size, seconds[contestant], requests[contestant]) for contestant in seconds)


def _contestants(node: Node, work: Path, file: str, engine: str) -> dict[str, Callable[[], float]]:
    def client() -> float:
        return node.run(CLIENT, _client(engine, file, "changed"))[0]

    return {
        OURS: partial(_play, node, OURS, "stack.yml", work / file, engine),
        PEER: partial(_play, node, PEER, "docker_stack.yml", Path(FOLDER) / file, engine),
        CLIENT: client,
    }


def _client(engine: str, file: str, resolve: str) -> str:
    return f"docker --host {engine} stack deploy --resolve-image {resolve} --compose-file {FOLDER}/{file} bench"


def _play(node: Node, name: str, play: str, file: Path, engine: str) -> float:
    seconds, text = timed(f"run {name}", node.play(play, bench_file=str(file), bench_host=engine), node.environment)
    if " changed=0 " not in text:
        raise BenchError(f"{name} found something to change in {file}:\n{text}")
    return seconds


def growth_table(samples: list[Sample]) -> str:
    rows = []
    for name in dict.fromkeys(sample.name for sample in samples):
        seconds = growth(points(samples, name, lambda sample: sample.typical))
        requests = growth(points(samples, name, lambda sample: len(sample.requests)))
        rows.append([name, f"{seconds * 1000:.1f} ms", f"{requests:.2f}"])
    return table(["growth per service", "time", "requests"], rows)


def real_aims(samples: list[Sample]) -> list[Aim]:
    """Whole-process time where the peer has 50 services, and growth per service, as parts of the peer's."""
    typical = {(sample.name, sample.size): sample.typical for sample in samples}
    aims = []
    if (OURS, MOST_SERVICES_COMPARED) in typical:
        ratio = typical[OURS, MOST_SERVICES_COMPARED] / typical[PEER, MOST_SERVICES_COMPARED]
        aims.append(Aim(f"time at {MOST_SERVICES_COMPARED} services, as part of docker_stack's", ratio, 0.5))
    ours, peer = (growth(points(samples, name, lambda sample: sample.typical)) for name in (OURS, PEER))
    return [*aims, Aim("time that a service adds, as part of docker_stack's", ours / peer, 0.1)]
