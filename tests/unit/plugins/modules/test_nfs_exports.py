# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files; exportfs is a script that lists what stands in them and refuses what a real one refuses."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import nfs_exports
from module_runner import run_module_main

EXPORTFS = r"""#!/bin/sh
echo "$@" >> "{dir}/calls"
lines() {{ cat "{dir}"/exports "{dir}"/exports.d/*.exports 2>/dev/null | grep -v '^#'; }}
if [ "$1" = -s ]; then
  lines | while read -r path clients; do
    for c in $clients; do
      case $c in unknown*) ;; db1*) echo "$path  db1.example.com${{c#db1}}";; *) echo "$path  $c";; esac
    done
  done
  exit
fi
lines | grep -q gone && {{ echo "exportfs: Failed to stat /srv/gone: No such file or directory" >&2; exit 1; }}
lines | grep -q unknown && echo "exportfs: Failed to resolve unknown-host" >&2
exit 0
"""
CLIENT = "10.0.0.5"


class Machine:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.main = directory / "exports"
        self.parts = directory / "exports.d"
        self.own = self.parts / "grading.exports"
        self.srv = directory / "srv"
        self.srv.mkdir()
        (directory / "bin").mkdir()
        self.command = directory / "bin" / "exportfs"
        self.command.write_text(EXPORTFS.format(dir=directory))
        self.command.chmod(0o755)

    def calls(self) -> list[str]:
        calls = self.directory / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def export(self, client: str = CLIENT, path: str = "", **more: t.Any) -> dict[str, t.Any]:
        return {"path": path or str(self.srv), "clients": [client], **more}

    def run(self, *exports: dict[str, t.Any], check: bool = False, **args: t.Any) -> dict[str, t.Any]:
        return run_module_main(nfs_exports.main, {"name": "grading", "exports": list(exports), **args}, check=check, diff=True)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(nfs_exports, "MAIN_FILE", str(made.main))
    monkeypatch.setattr(nfs_exports, "DIRECTORY", str(made.parts))
    return made


def test_a_new_file(machine: Machine) -> None:
    result = machine.run(machine.export())
    assert (result["changed"], result["exit_code"], result["warnings"]) == (True, 0, [])
    assert machine.own.read_text().splitlines()[1:] == [f"{machine.srv} {CLIENT}(rw,sync,no_subtree_check)"]
    assert machine.own.stat().st_mode & 0o777 == 0o644
    assert machine.calls() == ["-ra", "-s"]


def test_a_second_run_does_nothing(machine: Machine) -> None:
    machine.run(machine.export())
    assert not machine.run(machine.export())["changed"]
    assert machine.calls() == ["-ra", "-s"]


def test_check_mode(machine: Machine) -> None:
    result = machine.run(machine.export(), check=True)
    assert result["changed"]
    assert CLIENT in result["diff"]["prepared"]
    assert not machine.parts.exists()
    assert machine.calls() == []


def test_exact_state_and_the_files_of_others(machine: Machine) -> None:
    machine.main.write_text("/other 10.0.0.9(ro)\n")
    machine.run(machine.export(), machine.export("10.0.0.6"))
    machine.run(machine.export("10.0.0.6"))
    assert CLIENT not in machine.own.read_text()
    assert machine.main.read_text() == "/other 10.0.0.9(ro)\n"


def test_no_exports_remove_the_file(machine: Machine) -> None:
    machine.run(machine.export())
    result = machine.run()
    assert result["changed"]
    assert result["plan"][0]["action"] == "remove"
    assert not machine.own.exists()
    assert Path(result["backup"]).exists()
    assert not machine.run()["changed"]


@pytest.mark.parametrize(
    ("export", "found"),
    [
        ({"path": "/srv", "clients": ["*"]}, "is everyone"),
        ({"path": "/srv", "clients": [CLIENT], "options": ["rw", "no_root_squash"]}, "no_root_squash"),
        ({"path": "/srv", "clients": [CLIENT], "options": ["rw", "insecure"]}, "insecure"),
        ({"path": "srv", "clients": [CLIENT]}, "not an absolute path"),
        ({"path": "/srv", "clients": []}, "exported to nobody"),
    ],
)
def test_refused(machine: Machine, export: dict[str, t.Any], found: str) -> None:
    result = machine.run(export)
    assert (result["exit_code"], result["changed"]) == (1, False)
    assert found in result["msg"]
    assert not machine.parts.exists()


def test_unsafe_with_the_switch(machine: Machine) -> None:
    assert machine.run(machine.export("*"), allow_unsafe=True)["changed"]


def test_a_name_that_makes_no_file(machine: Machine) -> None:
    assert "is not a valid file name" in machine.run(machine.export(), name="../../etc/passwd")["msg"]


@pytest.mark.parametrize(("client", "path"), [(CLIENT, "/srv/gone"), ("unknown-host", "")])
def test_what_exportfs_refuses_is_undone(machine: Machine, client: str, path: str) -> None:
    machine.run(machine.export())
    former = machine.own.read_text()
    result = machine.run(machine.export(client, path))
    assert result["exit_code"] == 1
    assert (path or client) in result["msg"]
    assert "The former file was restored and exported again." in result["msg"]
    assert machine.own.read_text() == former
    assert machine.calls()[-1] == "-ra"


def test_a_client_that_the_server_lists_by_its_full_name(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 2, 17, "db1.example.com", ("10.0.0.5", 0)), (2, 2, 17, "", ("10.0.0.6", 0))]
    monkeypatch.setattr("socket.getaddrinfo", lambda name, *_more, **_flags: found)
    result = machine.run(machine.export("db1"))
    assert (result["exit_code"], result["changed"]) == (0, True)
    assert not machine.run(machine.export("db1"))["changed"]


def test_a_refused_first_file_leaves_none(machine: Machine) -> None:
    assert machine.run(machine.export("unknown-host"))["exit_code"] == 1
    assert not machine.own.exists()


def test_a_fault_of_others_is_not_ours(machine: Machine) -> None:
    machine.main.write_text("/srv/gone 10.0.0.9(ro)\n")
    assert machine.run(machine.export())["exit_code"] == 0
    assert machine.own.exists()


def test_mistakes_of_others_are_told(machine: Machine) -> None:
    machine.main.write_text("# mine\n/srv 10.0.0.9 (rw)\n")
    warnings = machine.run(machine.export())["warnings"]
    assert len(warnings) == 1
    assert f"{machine.main}:2: the blank between 10.0.0.9 and (rw)" in warnings[0]


def test_an_export_of_others(machine: Machine) -> None:
    machine.main.write_text(f"{machine.srv} {CLIENT}(ro)\n")
    result = machine.run(machine.export())
    assert f"is already in {machine.main}:1" in result["msg"]
    assert not machine.own.exists()


def test_without_a_server(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.command.unlink()
    check = machine.run(machine.export(), check=True)
    assert (check["exit_code"], check["changed"]) == (0, True)
    assert "there is no exportfs on this host" in check["warnings"][0]
    result = machine.run(machine.export())
    assert "Install nfs-kernel-server" in result["msg"]
    assert not machine.own.exists()
    assert machine.run()["exit_code"] == 0
