# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of an engine that has to stop. molecule/recover archives real managers."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import backup
from fake_engine import FakeEngine, node
from module_runner import run_module_main

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "{dir}/verbs"
if [ "$1" = stop ]; then echo "Job for docker.service failed because a timeout was exceeded." >&2; exit 1; fi
"""


def test_an_engine_that_did_not_stop_in_time_is_started_again(
    tmp_path: Path, fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "systemctl").write_text(SYSTEMCTL.format(dir=tmp_path))
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], info={"DockerRootDir": str(tmp_path)})
    result = run_module_main(backup.main, {"docker_host": fake.docker_host, "directory": str(tmp_path / "made"), "single": True})
    assert result["exit_code"] == 1 and "a timeout was exceeded" in result["msg"]
    assert (tmp_path / "verbs").read_text().splitlines()[-1] == "start docker.socket docker.service"
    assert not (tmp_path / "made").exists()
