# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys of the job templates drive the operations: answers are texts, as AWX hands them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenario.controller import Controller, answers_of
from tests.scenario.operations import PROBE, done, services

WEB = "probe_web"
# Of the inventory; the survey asks only which of them.
RULES = [{"service": "probe_idle", "metric": {"value": 3}, "per_replica": 2, "max": 2}]


@pytest.fixture(scope="module", autouse=True)
def probe() -> None:
    done("deploy", stacks_present=[PROBE])


@pytest.mark.parametrize(
    ("name", "answers", "words"),
    [
        ("scale", {"services_replicas": '{"probe_web": 3}'}, "scale: 1 service updated"),
        ("restart", {"services_names": "probe_idle, probe_nothing*"}, "there is no service probe_nothing"),
        ("restart", {"services_names": "probe_idle"}, "restart: 1 service updated"),
        ("update", {"services_names": WEB, "update_environment": '{"LEVEL": "asked"}'}, "update: 1 service updated"),
        ("rollback", {"services_names": WEB}, "rollback: 1 service updated"),
        ("rebalance", {"services_stacks": "probe"}, "rebalance:"),
        ("job", {"services_service": WEB, "services_command": "echo 'two words'"}, "two words"),
        ("exec", {"services_service": WEB, "services_command": "echo 'two words'", "services_slot": "1"}, "two words"),
        ("logs", {"services_names": WEB, "services_tail": "5"}, "serving first"),
        ("stats", {"services_stacks": "probe"}, "probe_idle.1"),
        ("health", {"health_min_disk_free_mb": "1"}, "degraded"),
        ("autoscale", {"autoscale_only": "probe_idle, probe_nothing", "autoscale_rules": RULES}, "there is no rule for probe_nothing"),
        ("autoscale", {"autoscale_only": "probe_idle", "autoscale_rules": RULES}, "probe_idle: 1 -> 2 (metric 3 calls for 2)"),
        ("prune", {"prune_older_than": "99999h", "prune_spare": "debian:*, x*"}, "Prune | Publish results for workflows"),
    ],
)
def test_a_survey_drives_the_operation(name: str, answers: dict[str, Any], words: str, controller: Controller, tmp_path: Path) -> None:
    given = {variable: answer or "" for variable, answer in answers_of(name, controller).items()}
    job = controller.launch(name, {**given, **answers}, tmp_path)
    said = " ".join(job.stdout.read().split())
    assert words in said, said[-4000:]
    assert (job.status == "failed") is ("there is no" in words), said[-4000:]


def test_the_surveys_did_what_they_said() -> None:
    assert services()[WEB]["replicas"] == 3 and "LEVEL=first" in services()[WEB]["env"]
