# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.measure import BenchError, Sample, growth, in_rounds, power, timed, weighed, with_processor

SIZES = [125, 250, 500, 1000]


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_growth_is_the_slope_of_a_line(start: float, slope: float) -> None:
    assert growth([(size, start + slope * size) for size in SIZES]) == pytest.approx(slope, abs=1e-9)


def test_growth_takes_the_middle_of_what_is_no_line() -> None:
    assert growth([(1, 1.0), (2, 4.0), (3, 3.0)]) == pytest.approx(1.0)


@given(st.floats(0.1, 3), st.floats(0.001, 10))
def test_power_is_the_exponent(exponent: float, factor: float) -> None:
    assert power([(size, factor * size**exponent) for size in SIZES]) == pytest.approx(exponent)


def test_a_line_that_starts_above_zero_has_a_power_below_one() -> None:
    assert 0.5 < power([(size, 0.3 + size / 500) for size in SIZES]) < 1
    assert power([(size, 0.3 + size**2 / 250000) for size in SIZES]) > 1


def test_rounds_take_turns() -> None:
    order: list[str] = []

    def run(name: str) -> float:
        order.append(name)
        return float(len(order))

    seconds = in_rounds({name: partial(run, name) for name in "abc"}, 4)
    assert "".join(order) == "abcbcacababc"
    assert seconds == {"a": (1, 6, 8, 10), "b": (2, 4, 9, 11), "c": (3, 5, 7, 12)}


def test_a_sample_tells_the_typical_and_the_best_run_and_what_wrote() -> None:
    requests = ("HEAD /_ping", "GET /v1.45/services", "POST /v1.45/services/x/update?version=3", "DELETE /v1.45/configs/y")
    sample = Sample("x", 1, (5.0, 1.0, 2.0, 9.0), requests)
    assert (sample.typical, sample.best, sample.writes) == (3.5, 1.0, 2)


def test_a_process_is_timed_from_start_to_end() -> None:
    seconds, text = timed("echo", [sys.executable, "-c", "import time; time.sleep(0.2); print(input())"], data="said\n")
    assert seconds >= 0.2 and text == "said\n"


def test_a_process_that_fails_says_what_and_why() -> None:
    with pytest.raises(BenchError, match=r"(?s)cannot count: .* exited 3\nno fingers"):
        timed("count", [sys.executable, "-c", "import sys; print('no fingers'); sys.exit(3)"])


def test_the_memory_of_a_process_is_neither_that_of_its_parent_nor_of_an_earlier_one() -> None:
    mine = bytearray(300_000_000)
    for _earlier in range(2):
        _seconds, text, peak = weighed("fill", [sys.executable, "-c", "filled = bytearray(100_000_000); print('full')"])
        assert text == "full\n" and 100_000_000 < peak < 200_000_000
    assert weighed("be small", [sys.executable, "-c", "pass"])[2] < 90_000_000 < len(mine)
    with pytest.raises(BenchError, match=r"(?s)exited 3\nno fingers"):
        weighed("count", [sys.executable, "-c", "import sys; print('no fingers'); sys.exit(3)"])


def test_the_processor_time_of_a_process_is_its_own() -> None:
    script = "import time; until = time.process_time() + 0.3\nwhile time.process_time() < until: pass"
    seconds, processor = with_processor(lambda: timed("count", [sys.executable, "-c", script])[0])
    _idle, none = with_processor(lambda: timed("sleep", ["sleep", "0.3"])[0])
    assert 0.3 <= processor <= seconds + 0.1 and none < 0.1
