# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every AWX job template's playbook with its survey's answers, by ansible-runner, against the lab as it is after converge.

As in AWX the project is a copy with its links kept, the inventory is one script without the folders beside it, the settings are
the project's own, and the answers of a survey are strings.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml

ROOT = Path(__file__).parents[3]
INVENTORY = os.environ.get("FLOTILLA_INVENTORY", "inventories/lab")
TEMPLATES = {item["name"]: item for item in yaml.safe_load((ROOT / "awx/templates.yml").read_text())["controller_templates"]}
# What is run here, in a swarm of one manager; the surveys of the other operations are for the longer scenarios.
HERE = ("site", "plan", "preflight", "deploy", "status", "scale", "restart", "update", "rollback", "rebalance", "teardown")
LEFT_STANDING = {"teardown"}  # only in check mode: other tests need the swarm
REFUSED = {"backup": "m1 is the only manager"}  # by a swarm of this size; molecule/recover has a larger one


@dataclass(frozen=True)
class Controller:
    """What AWX prepares for its jobs."""

    project: Path
    inventory: Path
    hostvars: dict[str, dict[str, Any]]

    @property
    def swarm_name(self) -> str:
        return str(next(iter(self.hostvars.values()))["swarm_name"])

    def launch(self, name: str, answers: Mapping[str, Any], folder: Path) -> ansible_runner.Runner:
        """Run a template to its end."""
        template = TEMPLATES[name]
        options = ["--forks", str(template["forks"])]
        options += ["--check"] if template["job_type"] == "check" or name in LEFT_STANDING else []
        options += ["--diff"] if template.get("diff_mode") else []
        return ansible_runner.run(
            private_data_dir=str(folder),
            project_dir=str(self.project),
            playbook=template["playbook"],
            inventory=str(self.inventory),
            extravars=dict(answers),
            cmdline=" ".join(options),
            quiet=True,
        )


def hostvars(inventory: Path) -> dict[str, dict[str, Any]]:
    command = ["ansible-inventory", "-i", str(inventory), "--list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(listed)["_meta"]["hostvars"])


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    folder = tmp_path_factory.mktemp("awx")
    project, inventory = folder / "project", folder / "inventory" / "hosts"
    shutil.copytree(ROOT, project, symlinks=True, ignore=shutil.ignore_patterns(".venv*", ".git", ".cache", "__pycache__"))
    command = ["ansible-inventory", "-i", INVENTORY, "--list", "--export"]
    listed = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout
    inventory.parent.mkdir()
    inventory.write_text(f"#!/usr/bin/env python3\nprint(r'''{listed}''')\n")
    inventory.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        for variable in [name for name in os.environ if name.startswith("ANSIBLE_")]:
            patch.delenv(variable)
        yield Controller(project, inventory, hostvars(inventory))


def answers_of(name: str, controller: Controller) -> dict[str, str]:
    """The default of every question, and the swarm's name where a person has to type it."""
    questions = TEMPLATES[name]["survey_spec"].get("spec", [])
    answers = {question["variable"]: question.get("default") for question in questions}
    return answers | ({"confirm": controller.swarm_name} if "confirm" in answers else {})


def needs_an_answer(name: str) -> bool:
    """Whether AWX would not launch it without a person's answer."""
    questions = TEMPLATES[name]["survey_spec"].get("spec", [])
    return any(question["required"] and "default" not in question and question["variable"] != "confirm" for question in questions)


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name in HERE and needs_an_answer(name)])
def test_a_job_template_without_the_answers_that_it_needs_does_nothing(name: str, controller: Controller, tmp_path: Path) -> None:
    job = controller.launch(name, {variable: answer or "" for variable, answer in answers_of(name, controller).items()}, tmp_path)
    said = job.stdout.read()
    assert (job.status, job.stats["changed"]) == ("failed", {}), said[-4000:]
    assert "Traceback" not in said and "is undefined" not in said


@pytest.mark.parametrize("name", [name for name in HERE if not needs_an_answer(name)])
def test_a_job_template_runs_with_the_answers_of_its_survey(name: str, controller: Controller, tmp_path: Path) -> None:
    answers = answers_of(name, controller)
    assert None not in answers.values(), "a required question without a default has no answer here"
    job = controller.launch(name, answers, tmp_path)
    said = job.stdout.read()
    if name in REFUSED:
        assert (job.status, job.stats["changed"]) == ("failed", {}) and REFUSED[name] in said
        return
    assert (job.status, job.rc) == ("successful", 0), said[-4000:]
    if name not in LEFT_STANDING:
        assert not job.stats["changed"], said[-4000:]
    if name == "status":
        assert [host for host in controller.hostvars if host not in said] == []


def test_teardown_with_another_name_stops_before_it_does_anything(controller: Controller, tmp_path: Path) -> None:
    job = controller.launch("teardown", {"confirm": f"not-{controller.swarm_name}"}, tmp_path)
    assert (job.status, job.stats["changed"]) == ("failed", {})
    assert f"confirm={controller.swarm_name}" in job.stdout.read()
