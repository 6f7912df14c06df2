# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run of ansible-playbook ended. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HOST = re.compile(r"(\S+) +: .*\bchanged=(\d+) ")


@dataclass(frozen=True)
class Run:
    """A playbook that ran to its end."""

    rc: int
    out: str

    @property
    def text(self) -> str:
        """The output with its lines joined: messages are wrapped."""
        return " ".join(self.out.split())

    @property
    def changed(self) -> dict[str, int]:
        """Host -> number of changed tasks, from the recap. The controller is in it only where it changed something."""
        _before, head, recap = self.out.rpartition("PLAY RECAP")
        counts = {found[1]: int(found[2]) for found in map(_HOST.match, recap.splitlines()) if head and found}
        return {host: count for host, count in counts.items() if count or host != "localhost"}

    @property
    def plan(self) -> list[str]:
        """The lines below the last list of changes' head."""
        lines = self.out.splitlines()
        start = max((number for number, line in enumerate(lines) if line.startswith(("PLAN ***", "CHANGES ***"))), default=len(lines))
        return [line.rstrip() for line in lines[start + 1 :]]

    def lacks(self, *words: str) -> list[str]:
        """Those of the words that the output does not have."""
        return [word for word in words if word not in self.text]
