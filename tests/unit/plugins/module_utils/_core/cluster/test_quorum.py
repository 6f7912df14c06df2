# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quorum arithmetic."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.node import Quorum, manager_count_problem


@pytest.mark.parametrize(
    ("managers", "reachable", "needed", "margin"),
    [(1, 1, 1, 0), (2, 2, 2, 0), (3, 3, 2, 1), (3, 1, 2, -1), (5, 5, 3, 2), (7, 4, 4, 0)],
)
def test_margin(managers: int, reachable: int, needed: int, margin: int) -> None:
    quorum = Quorum(managers, reachable)
    assert (quorum.needed, quorum.margin) == (needed, margin)


@pytest.mark.parametrize(
    ("managers", "reachable", "of_reachable", "refusal"),
    [
        (1, 1, True, "the only manager"),
        (2, 2, True, ""),
        (3, 3, True, ""),
        (3, 2, False, ""),
        (3, 2, True, "1 of 2 managers would be reachable, and 2 are needed"),
        (3, 1, False, "only 1 of 3 managers are reachable"),
        (5, 3, True, "2 of 4 managers would be reachable, and 3 are needed"),
    ],
)
def test_refusal(managers: int, reachable: int, of_reachable: bool, refusal: str) -> None:
    told = Quorum(managers, reachable).refusal(of_reachable)
    assert refusal in told
    assert bool(refusal) == bool(told)


def test_a_step_that_is_not_refused_leaves_a_quorum() -> None:
    for managers in range(1, 10):
        for reachable, of_reachable in itertools.product(range(1, managers + 1), (True, False)):
            quorum = Quorum(managers, reachable)
            if not of_reachable and reachable == managers:
                continue
            after = quorum.without(of_reachable)
            assert bool(quorum.refusal(of_reachable)) == (after.managers < 1 or after.margin < 0 or quorum.margin < 0)


@pytest.mark.parametrize(("count", "text"), [(0, ""), (1, ""), (2, "odd"), (3, ""), (4, "odd"), (7, ""), (8, "too many"), (9, "too many")])
def test_count(count: int, text: str) -> None:
    problem = manager_count_problem(count)
    assert text in problem
    assert bool(problem) == bool(text)
