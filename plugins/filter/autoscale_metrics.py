# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role autoscale leaves for the monitoring."""

from __future__ import annotations

import typing as t

HELP = {
    "metric": "The metric that a service is scaled to.",
    "replicas": "The replicas that were decided on.",
}


def autoscale_metrics(decisions: t.Iterable[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    return [
        {"name": f"flotilla_autoscale_{key}", "value": decision[key], "labels": {"service": decision["service"]}, "help": text}
        for decision in decisions
        for key, text in HELP.items()
        if decision.get(key) is not None
    ]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"autoscale_metrics": autoscale_metrics}
