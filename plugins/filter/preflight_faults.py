# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of role preflight."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.preflight import Limits, find_faults, summarise
from ansible_collections.flotilla.swarm.plugins.plugin_utils.preflight_ports import plan_ring


def preflight_faults(
    results: t.Mapping[str, t.Mapping[str, t.Any]],
    managers: t.Sequence[str],
    workers: t.Sequence[str],
    limits: t.Mapping[str, t.Any],
    ports: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
    answered_at: float | None = None,
) -> list[dict[str, str]]:
    """Faults as mappings of where, check, text, cure, level, and message. ``limits`` has the fields of ``Limits``.

    ``answered_at`` is the controller's time in seconds when all hosts had answered, without it this moment.
    """
    faults = find_faults(results, managers, workers, Limits(**limits), answered_at or time.time(), ports)
    return [{**dataclasses.asdict(fault), "message": str(fault)} for fault in faults]


def preflight_ring(
    results: t.Mapping[str, t.Mapping[str, t.Any]], data_path_port: int, when: str = "always", managers: t.Collection[str] = ()
) -> dict[str, t.Any]:
    return plan_ring(results, int(data_path_port), when, managers)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"preflight_faults": preflight_faults, "preflight_ring": preflight_ring, "preflight_summary": summarise}
