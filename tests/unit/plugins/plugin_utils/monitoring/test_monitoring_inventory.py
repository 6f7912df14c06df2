# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check of an inventory says of the monitoring."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.fault import FAULT, WARNING
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_check import find_faults
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_model import Inventory, said
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_values import fill_in
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_check import Declared, StackSeen

RIGHT = {
    "monitoring_stack": "monitoring",
    "monitoring_grafana": {"admin_password": "x"},
    "monitoring_alertmanager": {"receivers": [{"name": "ops"}]},
}


def fill(_host: str, value: t.Any) -> t.Any:
    if "later" in value:
        raise ValueError("Error rendering template: 'ansible_memtotal_mb' is undefined")
    return value


def told(level: str = FAULT, stacks: t.Sequence[StackSeen] = (), **variables: t.Any) -> list[str]:
    groups = {"all": ["m1", "w1"], "swarm_managers": ["m1"], "swarm_workers": ["w1"]}
    found = find_faults(Inventory(groups, fill_in({host: {**RIGHT, **variables} for host in groups["all"]}, fill), stacks=stacks))
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


def shop(networks: t.Sequence[str], **labels: str) -> list[StackSeen]:
    service = {"image": "shop:1", "networks": dict.fromkeys(networks), "deploy": {"labels": labels}}
    declared = {name: {"external": name == "ext", **({"name": name} if name == "ext" else {})} for name in networks}
    content = {"services": {"web": service if networks else {**service, "networks": None}}, "networks": declared}
    model = LoadedStack(json.loads(json.dumps(content))).model
    return [StackSeen(Declared({"name": "shop"}), (model,), {})]


LABELS = {"prometheus-port": "9000"}


@pytest.mark.parametrize(
    ("stacks", "words"),
    [
        (shop(["front"]), ""),
        (shop(["front"], **LABELS), "service shop_web has the label prometheus-port, and Prometheus is in none of its networks: shop_"),
        (shop([], **LABELS), "service shop_web has the label prometheus-port, and Prometheus is in none of its networks: shop_default."),
        (shop(["back"], **LABELS), ""),
        (shop(["ext", "front"], **LABELS), ""),
        (shop(["ext", "back"], **LABELS), "service shop_web is in ext and shop_back with Prometheus, so that each of its tasks is scraped"),
        (shop(["ext", "back"], **LABELS, **{"prometheus-network": "ext"}), ""),
        (shop(["ext"], **LABELS, **{"prometheus-network": "back"}), "service shop_web asks by prometheus-network to be scraped in back"),
    ],
)
def test_a_service_is_scraped_in_one_network(stacks: list[StackSeen], words: str) -> None:
    found = [each for each in told(WARNING, stacks, monitoring_networks=["ext", "shop_back"]) if each.startswith("service")]
    assert len(found) == bool(words) and all(each.startswith(words) for each in found), found


def test_without_a_stack_nothing_is_asked() -> None:
    assert told(monitoring_stack="", monitoring_grafana={}, monitoring_rules={"x": {}}) == []
