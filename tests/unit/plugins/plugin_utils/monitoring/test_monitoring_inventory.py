# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check of an inventory says of the monitoring."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.fault import FAULT, WARNING
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_check import find_faults
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_model import Inventory, said
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_values import fill_in

RIGHT = {
    "monitoring_stack": "monitoring",
    "monitoring_grafana": {"admin_password": "x"},
    "monitoring_alertmanager": {"receivers": [{"name": "ops"}]},
}


def fill(_host: str, value: t.Any) -> t.Any:
    if "later" in value:
        raise ValueError("Error rendering template: 'ansible_memtotal_mb' is undefined")
    return value


def told(level: str = FAULT, **variables: t.Any) -> list[str]:
    groups = {"all": ["m1", "w1"], "swarm_managers": ["m1"], "swarm_workers": ["w1"]}
    found = find_faults(Inventory(groups, fill_in({host: {**RIGHT, **variables} for host in groups["all"]}, fill)))
    return [said(finding) for finding in found if finding.level == level]


def test_what_is_right_is_silent() -> None:
    assert told() == told(WARNING) == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"monitoring_rules": {"node_dwn": {}}}, "monitoring_rules.node_dwn is no rule of the role, and has no expr"),
        ({"monitoring_rules": {"own": {"expr": "rate(up[5m]"}}}, "monitoring_rules.own.expr has ( that nothing closes. Close it with )."),
        (
            {"monitoring_alertmanager": {"receivers": [{"name": "ops"}], "route": {"receiver": "opps"}}},
            "monitoring_alertmanager.route.receiver is opps, which no receiver is called. Write ops.",
        ),
        ({"monitoring_grafana": {}}, "monitoring_grafana.admin_password is empty, and Grafana would take admin for it."),
        ({"monitoring_engines_port": 9323}, "monitoring_engines_port is 9323, but engine_metrics_address is empty, so no engine listens"),
        (
            {"monitoring_engines_port": 9323, "engine_metrics_address": "127.0.0.1:9323"},
            "monitoring_engines_port is 9323, but engine_metrics_address is 127.0.0.1:9323, which no task reaches.",
        ),
        (
            {"monitoring_engines_port": 9323, "engine_metrics_address": "0.0.0.0:9324"},
            "monitoring_engines_port is 9323, and engine_metrics_address is 0.0.0.0:9324. Give both the same port.",
        ),
    ],
)
def test_what_is_wrong_is_told(variables: dict[str, t.Any], words: str) -> None:
    (found,) = told(**variables)
    assert found.startswith(words)


def test_a_value_of_another_form_is_told_once() -> None:
    (found,) = told(monitoring_networks={"a": 1})
    assert found.startswith("monitoring_networks")


def test_nobody_to_tell_is_a_warning() -> None:
    (found,) = told(WARNING, monitoring_alertmanager={})
    assert found.startswith("monitoring_alertmanager has no receivers, so that nobody is told of an alert.")


def test_what_is_not_known_yet_is_no_fault() -> None:
    assert told(monitoring_grafana={"admin_password": "{{ later }}"}) == []


def test_without_a_stack_nothing_is_asked() -> None:
    assert told(monitoring_stack="", monitoring_grafana={}, monitoring_rules={"x": {}}) == []
