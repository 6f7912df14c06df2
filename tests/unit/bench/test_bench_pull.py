# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.bench.measure import BenchError, Sample
from tests.bench.pull import pull_aims, read_counts, short_seconds


def test_what_was_written_down_is_read_without_a_line_that_was_cut_off() -> None:
    assert read_counts("1.000 1\n1.200 0\n1.4") == [(1.0, 1), (1.2, 0)]


@pytest.mark.parametrize(
    ("counts", "seconds"),
    [
        ([(0.0, 1), (1.0, 0), (3.0, 1), (4.0, 1)], 2.0),
        ([(0.0, 1), (1.0, 0), (2.0, 1), (3.0, 0), (3.5, 1)], 1.5),
        ([(0.0, 2), (1.0, 0), (1.5, 0), (2.0, 2)], 1.0),
    ],
)
def test_the_time_with_fewer_tasks_than_declared(counts: list[tuple[float, int]], seconds: float) -> None:
    assert short_seconds(counts, 1) == seconds


@pytest.mark.parametrize("counts", [[], [(0.0, 0), (1.0, 1)], [(0.0, 1), (1.0, 0)], [(0.0, 1), (9.0, 1)]])
def test_a_watch_that_did_not_see_the_update_is_no_measure(counts: list[tuple[float, int]]) -> None:
    with pytest.raises(BenchError):
        short_seconds(counts, 1)


def test_the_aim_is_a_part_of_the_time_without() -> None:
    (aim,) = pull_aims([Sample("before", 2000, (2.0, 1.0, 3.0)), Sample("never", 2000, (20.0, 10.0, 40.0))])
    assert (aim.figure, aim.most) == (0.1, 0.2)
