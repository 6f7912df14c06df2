# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech to text is killed, and an alert tells somebody."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any

import pytest
import yaml

from tests.scenario import ROOT, until
from tests.scenario.unmute import SCENARIO, Json, declared, nodes_of, on, tasks

MONITORING: Json = yaml.safe_load((ROOT / "molecule/monitoring/app/vars.yml").read_text())
GIVEN: Json = {
    **{name: value for name, value in MONITORING.items() if name.startswith("monitoring_")},
    "monitoring_networks": ["app_default", "unmute_default"],
    # At once, where somebody waits to see it.
    "monitoring_rules": {"task_restarts": {"threshold": 0}, "service_short": {"for": "5s"}},
    "images_build": declared("images")["images_build"] + MONITORING["images_build"],
    "nodes_labels": {**declared("nodes")["nodes_labels"], "m1": {"registry": True, "redis": True, "monitoring": True}},
    "stacks_present": declared("stacks")["stacks_present"] + MONITORING["stacks_present"],
}


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://{SCENARIO.address('m1')}:{port}{path}", timeout=10) as answer:
        return json.load(answer)


def query(expr: str) -> list[Json]:
    return list(get(9090, f"/api/v1/query?{urllib.parse.urlencode({'query': expr})}")["data"]["result"])


def told(name: str) -> list[str]:
    """The services of which the receiver was told by a rule."""
    return [each["labels"].get("service", "") for each in get(8080, "/") if each["labels"]["alertname"] == name]


@pytest.fixture(scope="module", autouse=True)
def monitored() -> None:
    SCENARIO.converge("site.yml", **GIVEN)


def test_the_turns_of_the_backend_are_counted() -> None:
    until(lambda: query('up{job="backend"} == 1 or up{job="unmute_backend"} == 1'), "the target")
    SCENARIO.converge("examples/unmute/lab/proof.yml")
    until(lambda: query('unmute_turns_total{result="done"} > 0'), "a turn")


def test_who_waits_for_alerts_is_told_that_speech_to_text_was_killed() -> None:
    assert "unmute_stt" not in told("task_restarts")
    (node,) = nodes_of("unmute_stt")
    on(node, "pkill -9 -f 'python stt[.]py'")
    until(lambda: "unmute_stt" in told("task_restarts"), "the alert", 120)


def test_it_comes_back_by_itself_with_its_gpu() -> None:
    until(lambda: [(state, len(gpus)) for state, _error, gpus in tasks("stt")] == [("running", 1)], "another task")
    until(lambda: SCENARIO.play("examples/unmute/lab/proof.yml").rc == 0, "an answer", 120)


def test_a_run_after_that_is_silent() -> None:
    run = SCENARIO.converge("site.yml", **GIVEN)
    assert not any(run.changed.values()), run.changed
