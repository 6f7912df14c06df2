# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the primes below a number, in parts that run on whichever workers of a Ray cluster are free (RAY_ADDRESS names it)."""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections import Counter
from itertools import pairwise


def split(below: int, parts: int) -> list[tuple[int, int]]:
    """Ranges that follow each other: the first of their numbers, and the first that is too large."""
    ends = [below * number // parts for number in range(parts + 1)]
    return list(pairwise(ends))


def small_primes(below: int) -> list[int]:
    """The sieve of Eratosthenes."""
    candidate = [False, False] + [True] * max(below - 2, 0)
    for number in range(2, math.isqrt(max(below - 1, 0)) + 1):
        if candidate[number]:
            candidate[number * number :: number] = [False] * len(candidate[number * number :: number])
    return [number for number in range(below) if candidate[number]]


def count_primes(first: int, end: int) -> int:
    """By trial division, which takes the time that tasks of a cluster take."""
    divisors = small_primes(math.isqrt(max(end - 1, 0)) + 1)
    found = 0
    for number in range(max(first, 2), end):
        for divisor in divisors:
            if divisor * divisor > number:
                found += 1
                break
            if not number % divisor:
                break
        else:
            found += 1
    return found


def count_on_worker(first: int, end: int) -> tuple[int, str]:
    return count_primes(first, end), os.environ["NODE_NAME"]


def main() -> None:
    import ray

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--below", type=int, default=10_000_000, metavar="NUMBER", help="default: %(default)s")
    parser.add_argument("--parts", type=int, default=30, metavar="TASKS", help="default: %(default)s")
    given = parser.parse_args()
    ray.init(log_to_driver=False)
    started = time.monotonic()
    count = ray.remote(num_cpus=1, max_retries=5)(count_on_worker)
    pending = [count.remote(*part) for part in split(given.below, given.parts)]
    results: list[tuple[int, str]] = []
    while pending:
        done, pending = ray.wait(pending)
        results += ray.get(done)
        print(f"{len(results)} of {given.parts}: {results[-1][1]}", flush=True)
    print(
        json.dumps(
            {
                "below": given.below,
                "primes": sum(primes for primes, _node in results),
                "tasks": len(results),
                "by_node": dict(sorted(Counter(node for _primes, node in results).items())),
                "seconds": round(time.monotonic() - started, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
