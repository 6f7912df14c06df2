# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.bench.measure import Sample
from tests.bench.whole import OURS, USUAL, whole_aims


def sample(name: str, size: int, seconds: float, processor: float) -> Sample:
    return Sample(name, size, (seconds, seconds + 9, seconds - 1), cpu_seconds=processor)


def test_aims_compare_with_the_usual_means() -> None:
    samples = [sample(OURS, 3, 4, 2), sample(USUAL, 3, 10, 4), sample(OURS, 12, 13, 6), sample(USUAL, 12, 40, 6)]
    figures = [(aim.figure, aim.most) for aim in whole_aims(samples)]
    assert figures == [(0.4, 0.5), (0.5, 1.0), (pytest.approx(0.325), 1 / 3), (1.0, 1.0), (pytest.approx(0.3), 0.3)]


def test_one_size_says_nothing_of_growth() -> None:
    assert len(whole_aims([sample(OURS, 3, 4, 2), sample(USUAL, 3, 10, 4)])) == 2
