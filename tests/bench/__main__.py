# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of `make bench`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from . import ROOT
from .fake import fake_aims, measure_fake
from .fleet import fleet_aims, measure_fleet
from .measure import BenchError, Sample
from .node import Node
from .peers import fetch_peers
from .pull import measure_pull, pull_aims
from .real import growth_table, measure_real, real_aims
from .report import Aim, cost_table
from .whole import measure_whole, whole_aims

WORK = ROOT / ".cache/bench"
FLEET_HOSTS, FLEET_SERVICES = 200, 500
SECTIONS = ("real", "fake", "whole", "fleet", "pull")


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench", description="Measure runs that change nothing.")
    parser.add_argument("--only", choices=SECTIONS, help="one section (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each time is taken (default: %(default)s)")
    parser.add_argument("--sizes", type=numbers, default=[1, 20, 50, 200], help="services on a real engine (default: 1,20,50,200)")
    parser.add_argument(
        "--fake-sizes", type=numbers, default=[125, 250, 500, 1000], help="services on the fake engine (default: 125,250,500,1000)"
    )
    parser.add_argument("--hosts", type=numbers, default=[3, 12], help="hosts of a whole inventory (default: 3,12)")
    parser.add_argument("--megabytes", type=int, default=2000, help="the size of an image that is pulled (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    return parser.parse_args()


def main() -> int:
    given = options()
    WORK.mkdir(parents=True, exist_ok=True)
    aims: list[Aim] = []
    try:
        for name in [given.only] if given.only else SECTIONS:
            aims += {"real": real, "fake": fake, "whole": whole, "fleet": fleet, "pull": pull}[name](given)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print("\n".join(["", "aims", *(aim.line() for aim in aims)]))
    return 0


def real(given: argparse.Namespace) -> list[Aim]:
    print("A real engine with a stack of so many services, and nothing to change:", flush=True)
    node = Node.up(ROOT, fetch_peers(WORK))
    try:
        node.prepare()
        samples = collect(measure_real(node, WORK, given.sizes, given.rounds))
    finally:
        if not given.keep:
            node.down()
    show(samples, "services")
    print("\n" + growth_table(samples))
    return real_aims(samples)


def fake(given: argparse.Namespace) -> list[Aim]:
    print("\nThe fake engine with 1,000 nodes, and nothing to change:", flush=True)
    samples = collect(measure_fake(WORK, given.fake_sizes, given.rounds))
    show(samples, " size")
    return fake_aims(samples)


def whole(given: argparse.Namespace) -> list[Aim]:
    print("\nA whole inventory, and nothing to change:", flush=True)
    samples = []
    for size in given.hosts:
        node = Node.up(ROOT, fetch_peers(WORK), size)
        try:
            samples += collect(measure_whole(node, WORK, size, given.rounds))
        finally:
            if not given.keep:
                node.down()
    show(samples, "hosts")
    return whole_aims(samples)


def fleet(given: argparse.Namespace) -> list[Aim]:
    print(f"\n{FLEET_HOSTS} hosts that are data, {FLEET_SERVICES} services, and nothing to change:", flush=True)
    (sample,) = collect([measure_fleet(WORK, FLEET_HOSTS, FLEET_SERVICES, min(given.rounds, 3))])
    show([sample], "hosts")
    return fleet_aims(sample)


def pull(given: argparse.Namespace) -> list[Aim]:
    print("\nA service on a GPU that gets a new release of a large image; the seconds without its task:", flush=True)
    node = Node.up(ROOT, ROOT / "collections", 2)
    try:
        samples = collect(measure_pull(node, WORK, given.megabytes, min(given.rounds, 3)))
    finally:
        if not given.keep:
            node.down()
    show(samples, "MB")
    return pull_aims(samples)


def collect(measured: Iterable[Sample]) -> list[Sample]:
    """All of them, each told on standard error when it is there."""
    samples = []
    for sample in measured:
        print(f"measured {sample.size} with {sample.name}", file=sys.stderr, flush=True)
        samples.append(sample)
    return samples


def show(samples: list[Sample], what: str) -> None:
    print("\n" + cost_table(samples, what), flush=True)


if __name__ == "__main__":
    sys.exit(main())
