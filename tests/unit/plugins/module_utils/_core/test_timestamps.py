# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.timestamps import parse_seconds, read_time, seconds_between
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("2026-11-22T23:00:00Z", 0.0),
        ("2026-11-22T23:00:00.123456789Z", 0.123456789),
        ("2026-11-23T00:00:00.5+01:00", 0.5),
        ("2026-11-22T18:00:00-05:00", 0.0),
        ("2026-11-22T23:00:00", 0.0),
        ("2026-11-22T23:00:00.25", 0.25),
    ],
)
def test_a_time_with_or_without_fraction_and_zone(text: str, fraction: float) -> None:
    assert read_time(text) == pytest.approx(1795388400 + fraction, abs=1e-6)


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01T00:00:00Z", "12:00"])
def test_another_text_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_time(text)


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:01:00.623456789Z", 60.5),
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 86400.0),
        ("", "2026-01-02T00:00:00Z", 0.0),
        ("2026-01-01T00:00:00Z", "", 0.0),
    ],
)
def test_seconds_between_times_of_the_engine(start: str, end: str, seconds: float) -> None:
    assert seconds_between(start, end) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("90", 90.0), ("1.5", 1.5), ("10m", 600.0), ("1h30m5s", 5405.0), ("250ms", 0.25)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5 minutes", "1d", "-3", "m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="expected seconds or a duration"):
        parse_seconds(text)
