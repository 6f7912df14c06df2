# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves for the monitoring: as numbers, and in a real run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_tally import Tally

ROOT = Path(__file__).parents[4]
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: "true"
    - {ansible.builtin.command: "false", ignore_errors: true}
    - block: [{ansible.builtin.command: "false"}]
      rescue: [{ansible.builtin.command: "true"}]
    - ansible.builtin.copy: {content: "{{ query('flotilla.swarm.run_metrics', ended=true) | to_json }}", dest: "{{ playbook_dir }}/left"}
"""


def test_a_run_tells_its_begin_and_at_its_end_what_it_did() -> None:
    tally = Tally("site", 100.0, 3, 1)
    begun = tally.metrics(160.0, "ada@controller", "prod", False)
    assert [(each["name"], each["value"]) for each in begun] == [("flotilla_run_began_timestamp_seconds", 100.0)]
    assert begun[0]["labels"] == {"playbook": "site", "by": "ada@controller", "inventory": "prod"}
    ended = {each["name"].removeprefix("flotilla_run_"): each["value"] for each in tally.metrics(160.0, "", "", True)}
    assert ended == {"began_timestamp_seconds": 100, "ended_timestamp_seconds": 160, "duration_seconds": 60, "changed": 3, "failed": 1}


def test_what_nobody_counts_is_not_told() -> None:
    assert Tally().metrics(160.0, "", "", True) == []


@pytest.mark.parametrize("enabled", [True, False])
def test_a_run_counts_what_it_changed_and_what_failed(tmp_path: Path, enabled: bool) -> None:
    (tmp_path / "nightly.yml").write_text(PLAY)
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(tmp_path / "nightly.yml")]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    environment |= {} if enabled else {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.timer"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    left = json.loads((tmp_path / "left").read_text())
    values = {each["name"].removeprefix("flotilla_run_"): each["value"] for each in left}
    assert (values.get("changed"), values.get("failed")) == ((2, 1) if enabled else (None, None))
    assert [each["labels"]["playbook"] for each in left] == ["nightly"] * len(left)
