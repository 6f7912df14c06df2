# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every AWX job template's playbook with its survey's answers, against the lab as it is after converge."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenario.controller import TEMPLATES, Controller, answers_of

# What is run here, in a swarm of one manager; the surveys of the other operations are for the longer scenarios.
HERE = ("site", "plan", "check", "preflight", "deploy", "status", "scale", "restart", "update", "rollback", "rebalance", "teardown")
LEFT_STANDING = {"teardown"}  # only in check mode: other tests need the swarm


def needs_an_answer(name: str) -> bool:
    """Whether AWX would not launch it without a person's answer."""
    questions = TEMPLATES[name]["survey_spec"].get("spec", [])
    return any(question["required"] and "default" not in question and question["variable"] != "confirm" for question in questions)


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name in HERE and needs_an_answer(name)])
def test_a_job_template_without_the_answers_that_it_needs_does_nothing(name: str, controller: Controller, tmp_path: Path) -> None:
    answers = {variable: answer or "" for variable, answer in answers_of(name, controller).items()}
    job = controller.launch(name, answers, tmp_path, check=name in LEFT_STANDING)
    said = job.stdout.read()
    assert (job.status, job.stats["changed"]) == ("failed", {}), said[-4000:]
    assert "Traceback" not in said and "is undefined" not in said


@pytest.mark.parametrize("name", [name for name in HERE if not needs_an_answer(name)])
def test_a_job_template_runs_with_the_answers_of_its_survey(name: str, controller: Controller, tmp_path: Path) -> None:
    answers = answers_of(name, controller)
    assert None not in answers.values(), "a required question without a default has no answer here"
    job = controller.launch(name, answers, tmp_path, check=name in LEFT_STANDING)
    said = job.stdout.read()
    assert (job.status, job.rc) == ("successful", 0), said[-4000:]
    if name not in LEFT_STANDING:
        assert not job.stats["changed"], said[-4000:]
    if name == "status":
        assert [host for host in controller.hostvars if host not in said] == []


def test_teardown_with_another_name_stops_before_it_does_anything(controller: Controller, tmp_path: Path) -> None:
    job = controller.launch("teardown", {"confirm": f"not-{controller.swarm_name}"}, tmp_path, check=True)
    assert (job.status, job.stats["changed"]) == ("failed", {})
    assert f"confirm={controller.swarm_name}" in job.stdout.read()
