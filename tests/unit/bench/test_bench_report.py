# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.bench.fake import LOAD, NODES, PLAN, fake_aims
from tests.bench.measure import Sample
from tests.bench.real import CLIENT, OURS, PEER, growth_table, real_aims
from tests.bench.report import MEGABYTE, WIDTH, Aim, cost_table, points, table


def test_columns_are_as_wide_as_they_must_be() -> None:
    assert table(["name", "n"], [["a", "1"], ["longer", "1000"]]).splitlines() == [
        "name       n",
        "------  ----",
        "a          1",
        "longer  1000",
    ]


@pytest.mark.parametrize(
    ("figure", "line"),
    [(0.5, "met    half: 0.50 s, at most 0.5 s"), (0.51, "missed half: 0.51 s, at most 0.5 s")],
)
def test_an_aim_is_met_up_to_its_limit(figure: float, line: str) -> None:
    assert Aim("half", figure, 0.5, " s").line() == line


def test_points_are_in_order_and_of_one_name() -> None:
    samples = [Sample("a", 20, (2.0,)), Sample("b", 5, (9.0,)), Sample("a", 1, (3.0, 1.0, 2.0))]
    assert points(samples, "a", lambda sample: sample.best) == [(1, 1.0), (20, 2.0)]


def real_samples() -> list[Sample]:
    """Ours 1 s and 10 ms a service, the peer's 1 s and 100 ms a service."""
    samples = []
    for size in (1, 50, 200):
        samples.append(Sample(OURS, size, (1 + 0.01 * size,), ("GET /x",) * 9))
        samples.append(Sample(PEER, size, (1 + 0.1 * size,), ("GET /x",) * 6 * size))
        samples.append(Sample(CLIENT, size, (0.1,), ("POST /x",) * size))
    return samples


def test_aims_on_a_real_engine_compare_with_the_peer() -> None:
    half, tenth = real_aims(real_samples())
    assert half.figure == pytest.approx(1.5 / 6) and half.most == 0.5
    assert tenth.figure == pytest.approx(0.1) and tenth.most == 0.1


def test_growth_is_told_of_time_and_requests() -> None:
    rows = [line.split()[-3:] for line in growth_table(real_samples()).splitlines()[2:]]
    assert rows == [["10.0", "ms", "0.00"], ["100.0", "ms", "6.00"], ["0.0", "ms", "1.00"]]


def test_aims_on_the_fake_engine_add_both_halves() -> None:
    samples = [Sample(NODES, 1000, (9.0,), cpu_seconds=9.0, peak_bytes=900 * MEGABYTE)]
    for size in (250, 500, 1000):
        samples.append(Sample(LOAD, size, (size / 1000,), cpu_seconds=size / 1000, peak_bytes=40 * MEGABYTE))
        samples.append(Sample(PLAN, size, (size / 500,), cpu_seconds=size**2 / 10**6, peak_bytes=90 * MEGABYTE))
    seconds, memory, load, plan = fake_aims(samples)
    assert (seconds.figure, memory.figure) == (1.5, 90)
    assert (load.figure, plan.figure) == pytest.approx((1, 2))


def test_tables_fit_a_terminal() -> None:
    texts = [cost_table(real_samples(), "services"), growth_table(real_samples()), *(aim.line() for aim in real_aims(real_samples()))]
    samples = [Sample(name, 1000, (100.0,), cpu_seconds=100.0, peak_bytes=1000 * MEGABYTE) for name in (LOAD, PLAN, NODES)]
    texts += [cost_table(samples, "size"), *(aim.line() for aim in fake_aims([*samples, Sample(LOAD, 500, (1.0,))]))]
    assert max(len(line) for text in texts for line in text.splitlines()) <= WIDTH


def test_the_table_shows_requests_or_else_memory() -> None:
    assert cost_table(real_samples(), "services").splitlines()[2].split() == ["1", OURS, "1.01", "s", "1.01", "s", "9", "0"]
    measured = Sample("x", 7, (2.0, 1.0, 4.0), cpu_seconds=0.5, peak_bytes=12 * MEGABYTE)
    assert cost_table([measured], "size").splitlines()[2].split() == ["7", "x", "2.00", "s", "1.00", "s", "0.50", "s", "12", "MB"]
