# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the scenarios start a playbook, and how they wait."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import ROOT, Scenario, until


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the last process was started with; none is."""
    seen: dict[str, Any] = {}

    def popen(command: list[str], env: Mapping[str, str], **_options: Any) -> Any:
        seen.update(command=command, env=env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "Popen", popen)
    return seen


def test_variables_go_by_a_file_and_override_those_of_all_runs(started: dict[str, Any]) -> None:
    Scenario({"swarm_name": "lab", "rules": []}, "ci").start("site.yml", "--check", rules=["hush"])
    *command, option, file = started["command"]
    assert command == ["ansible-playbook", "-i", "inventories/lab", "site.yml", "--check"] and option == "-e"
    assert json.loads(Path(file.removeprefix("@")).read_text()) == {"swarm_name": "lab", "rules": ["hush"]}
    assert Path(file.removeprefix("@")).stat().st_mode & 0o777 == 0o600


def test_a_run_has_the_projects_settings_and_none_of_molecules(started: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_ROLES_PATH", "/molecule")
    monkeypatch.setenv("PY_COLORS", "1")
    Scenario({}, "ci").start("site.yml", environ={"ANSIBLE_LOG_PATH": "/log"})
    settings = {name: value for name, value in started["env"].items() if name.startswith(("ANSIBLE_", "PY_COLORS", "FLOTILLA_LAB"))}
    assert settings == {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOG_PATH": "/log",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "FLOTILLA_LAB": "ci",
    }


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time passes only while somebody waits."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def test_until_goes_on_over_what_fails_or_is_empty(clock: list[float]) -> None:
    faults = iter([AssertionError("away"), OSError("refused"), json.JSONDecodeError("none", "", 0), None, None])
    answers: Iterator[dict[str, int]] = iter([{}, {"m1": 1}])

    def found() -> dict[str, int]:
        fault = next(faults)
        if fault:
            raise fault
        return next(answers)

    assert until(found) == {"m1": 1} and clock == [2.0]


def test_until_ends_with_what_was_wrong_last(clock: list[float]) -> None:
    with pytest.raises(AssertionError, match=r"the tunnel did not happen within 3 s: \[\]"):
        until(list, "the tunnel", seconds=3)
    assert clock == [3.0]


def test_until_does_not_hide_a_mistake() -> None:
    with pytest.raises(KeyError):
        until(lambda: {"app": 1}["web"])


@pytest.mark.parametrize("path", sorted((ROOT / "molecule").glob("*/molecule.yml")), ids=lambda path: path.parent.name)
def test_a_scenario_says_in_one_line_what_it_tries(path: Path) -> None:
    (line,) = [line for line in path.read_text().splitlines() if line.startswith("## ")]
    shown = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    assert re.search(rf"^make lab-test-{path.parent.name} +{re.escape(line[3:])}$", shown, re.MULTILINE)
