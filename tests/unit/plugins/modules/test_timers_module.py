# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``timers`` on a host whose systemd is a script that notes what it is told."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import timers
from module_runner import run_module_main

JOB = {"name": "drift", "command": ["/srv/run", "plan"], "calendar": "daily"}
# Units wait once they were started; systemd knows every time but "never".
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{log}
[ "$1" = restart ] && touch {waiting}/$2
[ "$1" = disable ] && rm -f {waiting}/$3
if [ "$1" = show ]; then
  shift 3
  for unit; do
    [ -e {waiting}/$unit ] && state="active\\nUnitFileState=enabled" || state="inactive\\nUnitFileState=disabled"
    printf "Id=$unit\\nLoadState=loaded\\nActiveState=$state\\n\\n"
  done
fi
exit 0
"""
ANALYZE = '#!/bin/sh\ncase "$*" in *never*) echo "Failed to parse calendar specification" >&2; exit 1;; esac\n'


class Host:
    def __init__(self, folder: Path) -> None:
        self.units, self.log = folder / "units", folder / "log"
        for path in (self.units, folder / "bin", folder / "waiting"):
            path.mkdir()
        self.log.touch()
        for name, text in {"systemctl": SYSTEMCTL.format(log=self.log, waiting=folder / "waiting"), "systemd-analyze": ANALYZE}.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)

    def run(self, *jobs: dict[str, t.Any], check: bool = False) -> dict[str, t.Any]:
        return run_module_main(timers.main, {"prefix": "swarm", "timers": list(jobs)}, check=check)

    def told(self) -> list[str]:
        """What systemd was told to do since the last look."""
        lines = [line for line in self.log.read_text().splitlines() if not line.startswith("show")]
        self.log.write_text("")
        return lines


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(timers, "DIRECTORY", str(host.units))
    return host


def test_units_are_written_and_then_left_alone(host: Host) -> None:
    assert host.run(JOB)["changed"]
    assert sorted(path.name for path in host.units.iterdir()) == ["swarm-drift.service", "swarm-drift.timer"]
    assert host.told() == ["daemon-reload", "enable swarm-drift.timer", "restart swarm-drift.timer"]
    assert not host.run(JOB)["changed"]
    assert host.told() == []


def test_those_that_are_gone_are_removed_and_others_stay(host: Host) -> None:
    (host.units / "other.timer").touch()
    host.run(JOB)
    host.told()
    assert [(each["action"], each["name"]) for each in host.run()["plan"]] == [("remove", "swarm-drift")]
    assert host.told() == ["disable --now swarm-drift.timer", "daemon-reload"]
    assert [path.name for path in host.units.iterdir()] == ["other.timer"]


def test_check_mode_writes_nothing(host: Host) -> None:
    assert host.run(JOB, check=True)["changed"]
    assert not list(host.units.iterdir()) and host.told() == []


def test_a_time_that_systemd_does_not_know_is_refused_before_anything_is_written(host: Host) -> None:
    result = host.run(JOB, {**JOB, "name": "other", "calendar": "never"})
    assert result["msg"].startswith("calendar: Failed to parse calendar specification. Write it as systemd.time(7) says"), result["msg"]
    assert not list(host.units.iterdir())


def test_a_failure_after_the_first_of_two_names_what_was_changed(host: Host, tmp_path: Path) -> None:
    script = tmp_path / "bin/systemctl"
    script.write_text(script.read_text().replace("exit 0", '[ "$2" = swarm-other.timer ] && exit 1\nexit 0'))
    result = host.run(JOB, {**JOB, "name": "other"})
    assert "swarm-drift" in result["msg"] and "Nothing was changed" not in result["msg"], result["msg"]
