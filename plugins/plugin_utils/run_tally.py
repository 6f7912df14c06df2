# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has done so far. The callback keeps it in the process of the run, and the processes of its tasks have it as of their start."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Json = dict[str, t.Any]
HELP = {
    "began_timestamp_seconds": "When the last run of a playbook began.",
    "ended_timestamp_seconds": "When the last run of a playbook came to its end.",
    "duration_seconds": "How long it took.",
    "changed": "Tasks that changed a host.",
    "failed": "Tasks that failed on a host, or found none.",
}


@dataclass
class Tally:
    """``began`` is in seconds since 1970; ``playbook`` is empty where the callback is not enabled."""

    playbook: str = ""
    began: float = 0.0
    changed: int = 0
    failed: int = 0

    def metrics(self, now: float, by: str, inventory: str, ended: bool) -> list[Json]:
        """As module ``metrics_file`` takes them; none where nobody has counted."""
        if not self.playbook:
            return []
        values: dict[str, float] = {"began_timestamp_seconds": self.began}
        if ended:
            values |= {"ended_timestamp_seconds": now, "duration_seconds": now - self.began, "changed": self.changed, "failed": self.failed}
        labels = {"playbook": self.playbook, "inventory": inventory, "by": by}
        return [{"name": f"flotilla_run_{name}", "value": value, "labels": labels, "help": HELP[name]} for name, value in values.items()]


TALLY = Tally()
