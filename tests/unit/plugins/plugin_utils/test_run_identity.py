# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils import run_identity
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_identity import is_dead, playbook_id, run_id

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells")


def test_a_process_that_ended_is_dead_and_one_that_goes_on_is_not() -> None:
    code = "import time; print(open('/proc/self/stat').read().rpartition(')')[2].split()[19], flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        run = f"{run_id().partition('.')[0]}.{process.pid}.{process.stdout.readline().strip()}"
        assert not is_dead(run) and not is_dead(run_id())
        assert is_dead(f"{run}1"), "its number belongs to another process by now"
        process.kill()
        process.wait()
        assert is_dead(run)


@pytest.mark.parametrize("run", ["", "x", "other-boot.1.2", "a.b.c", "\u00b2.\u00b2.1", "." * 5])
def test_nothing_is_known_of_runs_elsewhere(run: str) -> None:
    assert not is_dead(run)


def test_a_controller_that_does_not_tell_gives_a_name_that_nobody_takes_for_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_identity, "PROC", tmp_path)
    assert run_id() != run_id() and not is_dead(run_id())
    assert playbook_id() == playbook_id() and not is_dead(playbook_id())
