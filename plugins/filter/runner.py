# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of role runner as timers."""

from __future__ import annotations

import typing as t


def runner_timers(jobs: t.Iterable[t.Mapping[str, t.Any]], command: str) -> list[dict[str, t.Any]]:
    """``timers`` of module ``timers``, which run ``command`` with the playbook and the arguments of each job."""
    return [
        {
            "name": job["name"],
            "description": f"{job['playbook']} of the swarm",
            "command": [command, job["playbook"], *map(str, job.get("arguments") or ())],
            "calendar": job["calendar"],
            "delay": job.get("delay", 0),
            "timeout": job.get("timeout", 0),
        }
        for job in jobs
    ]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"runner_timers": runner_timers}
