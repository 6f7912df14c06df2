# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files; systemctl and umount are scripts that keep the kernel's list of mounts in a file."""

from __future__ import annotations

import errno
import os
import stat
import struct
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import mounts
from ansible_collections.flotilla.swarm.plugins.modules import mount
from module_runner import run_module_main

SYSTEMCTL = r"""#!/bin/bash
cd "{dir}"
echo "systemctl $*" >> calls
for name; do :; done
case "$1" in
  show) for unit in "$@"; do case $unit in *.mount|*.automount)
          echo "Id=$unit"; test -e "units/$unit" && echo LoadState=loaded || echo LoadState=not-found
          test -e "enabled-$unit" && echo "UnitFileState=enabled" || echo "UnitFileState=disabled"; echo;; esac; done;;
  enable) touch "enabled-$name";;
  disable) rm -f "enabled-$name";;
  start) case $name in *.automount) exit 0;; esac
    . ./read "units/$name"
    case $what in broken*) echo "mount.nfs: access denied by server" > journal; exit 1;; esac
    grep -q " $where " mountinfo || echo "36 22 0:41 / $where rw - $type $what $options" >> mountinfo;;
esac
"""
READ = r"""
what=$(sed -n 's/^What=//p' "$1"); where=$(sed -n 's/^Where=//p' "$1")
type=$(sed -n 's/^Type=//p' "$1"); options=$(sed -n 's/^Options=//p' "$1" | sed 's/,_netdev//; s/nfsvers/vers/')
"""
UMOUNT = r"""#!/bin/sh
test -e "{dir}/dead" && {{ trap "" TERM; while :; do sleep 0.1; done; }}
test -e "{dir}/busy" && {{ echo "umount: $1: target is busy." >&2; exit 32; }}
echo "umount $1" >> "{dir}/calls"
grep -v " $1 " "{dir}/mountinfo" > "{dir}/less"; mv "{dir}/less" "{dir}/mountinfo"
"""


class Machine:
    def __init__(self, directory: Path) -> None:
        self.directory, self.units, self.point = directory, directory / "units", directory / "srv" / "data"
        self.flags: list[int] = []
        (directory / "bin").mkdir()
        self.units.mkdir()
        (directory / "read").write_text(READ)
        (directory / "mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        journal = f'#!/bin/sh\ncat "{directory}/journal" 2>/dev/null\n'
        for name, text in {"systemctl": SYSTEMCTL, "umount": UMOUNT}.items():
            (directory / "bin" / name).write_text(text.format(dir=directory))
        (directory / "bin" / "journalctl").write_text(journal)
        for path in (directory / "bin").iterdir():
            path.chmod(0o755)

    def run(self, check: bool = False, absent: t.Sequence[str] = (), **more: t.Any) -> dict[str, t.Any]:
        wanted = [] if absent else [{"path": str(self.point), "source": "h:/data", **more}]
        return run_module_main(mount.main, {"mounts": wanted, "absent": list(absent)}, check=check, diff=True)

    def calls(self) -> list[str]:
        path = self.directory / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    @property
    def mounted(self) -> str:
        lines = [line for line in (self.directory / "mountinfo").read_text().splitlines() if f" {self.point} " in line]
        return lines[0] if lines else ""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Its file system makes nothing immutable, and what it was asked is in ``made.flags``."""
    made = Machine(tmp_path)

    def ioctl(_directory: int, request: int, argument: bytes) -> bytes:
        if request == mount.SET_FLAGS:
            made.flags.append(struct.unpack("i", argument)[0])
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return struct.pack("i", 0x80000)  # as ext4 says of a directory with extents

    monkeypatch.setattr("fcntl.ioctl", ioctl)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(mounts, "UNIT_DIRECTORY", str(made.units))
    monkeypatch.setattr(mount, "MOUNTINFO", str(tmp_path / "mountinfo"))
    monkeypatch.setattr(mount, "FSTAB", str(tmp_path / "fstab"))
    return made


def test_mounted_and_a_second_run_only_reads(machine: Machine) -> None:
    result = machine.run()
    assert (result["exit_code"], result["plan"][0]["action"]) == (0, "create")
    assert "h:/data" in machine.mounted
    assert stat.S_IMODE(machine.point.stat().st_mode) == 0
    assert machine.flags == [0x80000, 0x80010]
    machine.calls()
    assert not machine.run()["changed"]
    assert [call.split()[1] for call in machine.calls()] == ["show"]


def test_check_mode(machine: Machine) -> None:
    planned = machine.run(check=True)
    assert [call.split()[1] for call in machine.calls()] == ["show"]
    assert not machine.point.exists()
    assert planned["plan"] == machine.run()["plan"]


def test_what_was_mounted_before_a_failure_is_told(machine: Machine) -> None:
    other = machine.point.with_name("other")
    given = [{"path": str(machine.point), "source": "h:/data"}, {"path": str(other), "source": "broken:/data"}]
    result = run_module_main(mount.main, {"mounts": given})
    assert result["exit_code"] == 1 and result["changed"] and machine.mounted and not other.exists()
    assert result["msg"].endswith(f"Nothing of it remains. Before that, these were changed: mount {machine.point}."), result["msg"]


def test_another_source_is_mounted_in_its_place(machine: Machine) -> None:
    machine.run()
    result = machine.run(source="other:/data")
    assert result["plan"][0]["reason"] == "unmounted and mounted again"
    assert "other:/data" in machine.mounted
    assert not machine.run(source="other:/data")["changed"]


def test_what_is_in_use_is_left_alone(machine: Machine) -> None:
    machine.run()
    before = machine.mounted, sorted(machine.units.iterdir())
    (machine.directory / "busy").touch()
    result = machine.run(preset="readonly")
    assert result["exit_code"] == 1
    assert "target is busy" in result["msg"]
    assert "Nothing was changed" in result["msg"]
    assert (machine.mounted, sorted(machine.units.iterdir())) == before
    (machine.directory / "busy").unlink()
    assert machine.run(preset="readonly")["changed"]


def test_a_server_that_does_not_answer_keeps_nobody_waiting(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.run()
    before = machine.mounted, [(path.name, path.read_text()) for path in sorted(machine.units.iterdir()) if path.is_file()]
    (machine.directory / "dead").touch()
    monkeypatch.setattr(mount, "UNMOUNT_SECONDS", 0.2)
    monkeypatch.setattr(mount, "KILL_SECONDS", 0.2)
    for again in (machine.run(source="other:/data"), machine.run(absent=[str(machine.point)])):
        assert again["exit_code"] == 1 and not again["changed"]
        assert "took longer than 0.2 s" in again["msg"] and f"umount --force --lazy {machine.point}" in again["msg"]
    assert (machine.mounted, [(path.name, path.read_text()) for path in sorted(machine.units.iterdir()) if path.is_file()]) == before
    (machine.directory / "dead").unlink()
    assert machine.run(source="other:/data")["changed"] and "other:/data" in machine.mounted


def test_a_failure_brings_the_former_mount_back(machine: Machine) -> None:
    machine.run()
    result = machine.run(source="broken:/data")
    assert "access denied by server" in result["msg"]
    assert "The former unit was restored." in result["msg"]
    assert "h:/data" in machine.mounted
    assert not machine.run()["changed"]


def test_a_first_failure_leaves_nothing(machine: Machine) -> None:
    assert "Nothing of it remains." in machine.run(source="broken:/data")["msg"]
    assert list(machine.units.iterdir()) == []
    assert not machine.point.exists()


def test_a_directory_that_holds_something(machine: Machine) -> None:
    machine.point.mkdir(parents=True)
    (machine.point / "precious").touch()
    assert "holds precious" in machine.run()["msg"]
    assert machine.calls() == [
        f"systemctl show --property Id,LoadState,ActiveState,UnitFileState {mounts.escape(str(machine.point))}.mount"
    ]


def test_a_unit_of_somebody_else(machine: Machine) -> None:
    (machine.units / f"{mounts.escape(str(machine.point))}.mount").write_text("[Mount]\nWhat=x\n")
    assert "is the mount point of a unit" in machine.run()["msg"]


def test_what_was_unmounted_by_hand_comes_back(machine: Machine) -> None:
    machine.run()
    (machine.directory / "mountinfo").write_text("")
    (result,) = machine.run()["plan"]
    assert [field["path"] for field in result["fields"]] == ["mounted"]
    assert machine.mounted


def test_absent(machine: Machine) -> None:
    machine.run(automount=True, engine_waits=True)
    assert len([path for path in machine.units.rglob("*") if path.is_file()]) == 3
    (machine.directory / "busy").touch()
    assert "target is busy" in machine.run(absent=[str(machine.point)])["msg"]
    (machine.directory / "busy").unlink()
    assert machine.run(absent=[str(machine.point)])["changed"]
    assert [path for path in machine.units.rglob("*") if path.is_file()] == []
    assert (machine.mounted, machine.point.exists()) == ("", False)
    assert not machine.run(absent=[str(machine.point)])["changed"]
