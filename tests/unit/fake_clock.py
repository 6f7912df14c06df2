# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from fake_engine import FakeEngine


class Clock:
    """Time that passes only by sleeping; it stands in for the module ``time``. That of a swarm passes with it, ahead or behind."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.swarms: list[FakeEngine] = []

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for swarm in self.swarms:
            swarm.cluster.now += seconds
