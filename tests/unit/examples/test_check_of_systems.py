# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories in the shape of the systems that the project was made for: one run names all that is missing, and given that all is well."""

from __future__ import annotations

from pathlib import Path

import pytest
from playbook_runs import ROOT, Ran, run_each

INVENTORIES = Path(__file__).parent / "inventories"
# The variables of the stack files without a value, and what else nothing provides.
MISSING: dict[str, tuple[str, list[str]]] = {
    "unmute": ("DOMAIN MODEL_TOKEN LANGUAGE_MODEL LOGIN_CLIENT_SECRET", ["reserves gpu for unmute_speech, unmute_language"]),
    "openmpf": (
        "REGISTRY TAG PORT DB_NAME DB_USER DB_PASSWORD OPTIONS DB_MEMORY BROKER_INTERVAL COMPONENT_PASSWORD FACES_REPLICAS",
        ["needs the volume openmpf_shared", "runs openmpf_text where node.labels.text == true"],
    ),
    "ray": (
        "RAY_VERSION SHARED_MEMORY",
        [
            "needs the network ray",
            "runs ray_head where node.labels.ray.head == true",
            "runs ray_worker where node.labels.ray.worker == true",
        ],
    ),
    "ocr": (
        "TAG INPUT_DIRECTORY API_KEY",
        ["needs the network jobs", "needs the volume pages", "runs ocr_reader where node.labels.reader == true"],
    ),
    "autograder": (
        "REGISTRY_HOST TAG SITE_DOMAIN DATABASE_PASSWORD DJANGO_KEY",
        [
            "needs the network grading",
            "needs the volume media",
            "runs autograder_database where node.labels.database == true",
            "runs autograder_django where node.labels.django_app == true",
            "runs autograder_grader where node.labels.grader == true",
        ],
    ),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    folder = tmp_path_factory.mktemp("systems")
    (folder / "gpus.yml").write_text("all: {children: {gpu_nodes: {hosts: {w1: {}}}}}\n")
    commands: dict[str, list[str]] = {}
    for name in MISSING:
        start = ["-i", str(INVENTORIES / name), str(ROOT / "playbooks/check.yml")]
        commands[f"bare {name}"] = start
        commands[f"given {name}"] = [*start, "-i", "gpus.yml", "-e", f"@{INVENTORIES / name / 'given.yml'}"]
    return dict(zip(commands, run_each(folder, list(commands.values())), strict=True))


@pytest.mark.parametrize("name", MISSING)
def test_one_run_names_all_that_is_missing(runs: dict[str, Ran], name: str) -> None:
    ran = runs[f"bare {name}"]
    variables, needs = MISSING[name]
    lines = [line for line in ran.said.splitlines() if f"stack {name} " in line]
    (unset,) = [line for line in lines if "not set: " in line]
    named = [each.partition(" (")[0] for each in unset.partition("not set: ")[2].partition(". Give")[0].split("), ")]
    assert sorted(named) == sorted(variables.split())
    assert [need for need in needs if not any(need in line for line in lines)] == [], ran.said
    assert len(lines) == 1 + len(needs) and ran.rc and not ran.reached


@pytest.mark.parametrize("name", MISSING)
def test_with_that_given_all_is_well(runs: dict[str, Ran], name: str) -> None:
    ran = runs[f"given {name}"]
    assert "check: no fault in 3 hosts" in ran.said and "warning:" not in ran.said and not ran.rc and not ran.reached, ran.said
