# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reason not to begin, and what both preflight and health take for too little. Pure."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_INODES_PERCENT = 5.0
FAULT, WARNING = "fault", "warning"


@dataclass(frozen=True)
class Fault:
    """``where`` is a host's name or ``inventory``; ``text`` says what is wrong, ``cure`` what to do; a warning stops nothing."""

    where: str
    check: str
    text: str
    cure: str
    level: str = FAULT

    def __str__(self) -> str:
        return f"{self.where}: {self.text}. {self.cure}."
