# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.filter.autoscale_metrics import autoscale_metrics


def test_each_decision_is_told_and_a_metric_that_is_unknown_left_out() -> None:
    decisions: list[dict[str, t.Any]] = [
        {"service": "a", "metric": 7.0, "replicas": 2, "reason": "x"},
        {"service": "b", "metric": None, "replicas": 0},
    ]
    told = [(each["name"], each["labels"]["service"], each["value"]) for each in autoscale_metrics(decisions)]
    assert told == [
        ("flotilla_autoscale_metric", "a", 7.0),
        ("flotilla_autoscale_replicas", "a", 2),
        ("flotilla_autoscale_replicas", "b", 0),
    ]
