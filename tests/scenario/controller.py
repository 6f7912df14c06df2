# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job template's playbook with answers to its survey, by ansible-runner.

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

from .scenario import INVENTORY, ROOT

TEMPLATES = {item["name"]: item for item in yaml.safe_load((ROOT / "awx/templates.yml").read_text())["controller_templates"]}


@dataclass(frozen=True)
class Controller:
    """What AWX prepares for its jobs."""

    project: Path
    inventory: Path
    hostvars: dict[str, dict[str, Any]]

    @property
    def swarm_name(self) -> str:
        return str(next(iter(self.hostvars.values()))["swarm_name"])

    def launch(self, name: str, answers: Mapping[str, Any], folder: Path, check: bool = False) -> ansible_runner.Runner:
        """Run a template to its end."""
        template = TEMPLATES[name]
        options = ["--forks", str(template["forks"])]
        options += ["--check"] if check or template["job_type"] == "check" else []
        options += ["--diff"] if template.get("diff_mode") else []
        return ansible_runner.run(
            private_data_dir=str(folder),
            project_dir=str(self.project),
            playbook=template["playbook"],
            inventory=str(self.inventory),
            extravars={**template.get("extra_vars", {}), **answers},
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
