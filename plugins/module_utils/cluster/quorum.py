# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many managers a swarm needs, and which of them it can spare. Pure."""

from __future__ import annotations

from dataclasses import dataclass

MOST_MANAGERS = 7


@dataclass(frozen=True)
class Quorum:
    """The managers of a swarm and how many of them are reachable."""

    managers: int
    reachable: int

    @property
    def needed(self) -> int:
        return self.managers // 2 + 1

    @property
    def margin(self) -> int:
        """How many reachable managers may fail before the swarm stops; negative where it has stopped."""
        return self.reachable - self.needed

    def without(self, is_reachable: bool) -> Quorum:
        """The quorum after one manager has gone."""
        return Quorum(self.managers - 1, self.reachable - is_reachable)

    def refusal(self, is_reachable: bool) -> str:
        """Why one manager can't be taken away; empty where it can. ``is_reachable`` is about that one."""
        after = self.without(is_reachable)
        if after.managers < 1:
            return "it is the only manager"
        if self.margin < 0:
            return f"only {self.reachable} of {self.managers} managers are reachable, so the swarm can't decide anything"
        if after.margin < 0:
            return f"{after.reachable} of {after.managers} managers would be reachable, and {after.needed} are needed"
        return ""


def manager_count_problem(count: int) -> str:
    """What is wrong with this number of managers; empty where nothing is."""
    if count > MOST_MANAGERS:
        return f"{count} managers are too many: each one slows every change; 3, 5 or {MOST_MANAGERS} are usual"
    if count and count % 2 == 0:
        return f"{count} managers survive no more failures than {count - 1} do; take an odd number"
    return ""
