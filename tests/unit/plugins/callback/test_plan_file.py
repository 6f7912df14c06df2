# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that a plan leaves, and the end of playbooks/plan.yml, with another playbook in the place of site.yml."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[4]
BEGINNING, SITE, END = yaml.safe_load((ROOT / "playbooks/plan.yml").read_text())


def plan(folder: Path, changes: bool, *arguments: str, callback: bool = True, **variables: Any) -> subprocess.CompletedProcess[str]:
    play = {
        "name": "Stand for site.yml",
        "hosts": "all",
        "gather_facts": False,
        "check_mode": "{{ plan_only }}",
        "vars": SITE["vars"],
        "tasks": [
            {"name": "Write", "ansible.builtin.copy": {"content": "x", "dest": str(folder / "new")}, "when": changes, "tags": ["stacks"]},
            {"name": "Tell", "ansible.builtin.set_stats": {"data": {"stacks_plan_ids": {"web": "3f1c"}}}},
        ],
    }
    (folder / "play.yml").write_text(yaml.safe_dump([{**BEGINNING, "hosts": "all"}, play, {**END, "hosts": "all"}]))
    (folder / "ansible.cfg").write_text("[defaults]\n" + ("callbacks_enabled = flotilla.swarm.plan\n" if callback else ""))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "h1,", "-c", "local", "play.yml", *arguments]
    variables["ansible_python_interpreter"] = sys.executable
    environment = {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
    return subprocess.run([*command, "-e", json.dumps(variables)], env=environment, cwd=folder, text=True, capture_output=True, check=False)


def test_drift_fails_only_where_it_is_asked_for(tmp_path: Path) -> None:
    told = plan(tmp_path, True)
    assert told.returncode == 0 and "1 to change. Nothing was changed." in told.stdout
    failed = plan(tmp_path, True, "--tags", "stacks", "--limit", "h1", plan_fail_on_drift="true", plan_file="plan.json")
    assert failed.returncode == 2 and "Changes are planned: 1" in failed.stdout, failed.stdout
    same = plan(tmp_path, False, plan_fail_on_drift="true", plan_file="plan.json")
    assert same.returncode == 0, same.stdout


def test_a_run_says_how_long_it_took(tmp_path: Path) -> None:
    done = plan(tmp_path, True, plan_only=False)
    assert re.search(r"^1 to change, in \d+ s\.$", done.stdout, re.MULTILINE), done.stdout


def test_without_file_or_callback_nothing_is_claimed(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"plan_changes": []}')
    for done in (
        plan(tmp_path, True, plan_fail_on_drift=True),
        plan(tmp_path, True, callback=False, plan_fail_on_drift=True, plan_file="plan.json"),
    ):
        assert done.returncode == 2 and "needs plan_file" in done.stdout and "TASK [Write]" not in done.stdout, done.stdout


def test_the_file_holds_the_plan_and_lets_a_later_run_do_no_other(tmp_path: Path) -> None:
    assert plan(tmp_path, True, plan_file="plans/plan.json").returncode == 0
    (written,) = (tmp_path / "plans").iterdir()
    assert written.stat().st_mode & 0o777 == 0o600
    found = json.loads(written.read_text())
    assert [change["name"] for change in found["plan_changes"]] == ["Write"]
    assert found["plan_complete"] is True
    assert found["stacks_plan_ids"] == {"web": "3f1c"}


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "plan.json").mkdir()
    done = plan(tmp_path, False, plan_file="plan.json")
    assert done.returncode and "plan.json can't be written" in done.stderr and "Traceback" not in done.stderr, done.stderr
