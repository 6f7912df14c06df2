# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time that passes faster, for every Python that finds this directory in PYTHONPATH. They agree on it."""

from __future__ import annotations

import os
import time
import typing as t

FACTOR = 10


def speed_up(clock: t.Any, began: float) -> None:
    """``began`` is the time at which both clocks say the same."""
    real_sleep, real_time, real_monotonic = clock.sleep, clock.time, clock.monotonic
    clock.sleep = lambda seconds: real_sleep(seconds / FACTOR)
    clock.time = lambda: began + (real_time() - began) * FACTOR
    clock.monotonic = lambda: real_monotonic() * FACTOR


if "FAST_CLOCK_BEGAN" in os.environ:
    speed_up(time, float(os.environ["FAST_CLOCK_BEGAN"]))
