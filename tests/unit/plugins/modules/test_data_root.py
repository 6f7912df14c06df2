# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real directories and a fake engine, whose root is what daemon.json says when systemctl starts it."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.data_root import Entry, Place, filesystem_of, refuse, unlike
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.modules import data_root
from fake_engine import FakeEngine, node
from module_runner import CONFIRMED, run_module_main

SYSTEMCTL = """#!/bin/sh
cd "{bin}"
case "$1" in
  show) echo "ExecStart={{ path=x ; argv[]=/usr/bin/dockerd $(cat flags) ; ignore_errors=no }}";;
  *) echo "$1 $2" >> verbs
     if [ "$1 $2" = "start docker.service" ] && test -e refuse && grep -q moved "{config}"; then echo "it does not start" >&2; exit 1; fi;;
esac
"""
UTILS = "ansible_collections.flotilla.swarm.plugins.module_utils._core.host"
ROOMY = Place((), "ext4", 10**12)


class Machine:
    def __init__(self, directory: Path, engine: FakeEngine) -> None:
        self.engine, self.bin = engine, directory / "bin"
        self.config, self.former, self.wanted = directory / "daemon.json", directory / "docker", directory / "moved"
        self.bin.mkdir()
        (self.bin / "flags").write_text("-H fd://")
        (self.bin / "systemctl").write_text(SYSTEMCTL.format(bin=self.bin, config=self.config))
        (self.bin / "systemctl").chmod(0o755)
        self.config.write_text(json.dumps({"labels": ["a=b"], "data-root": str(self.former)}))
        for path, text in {"swarm/state.json": "{}", "volumes/v/_data/one": "precious"}.items():
            (self.former / path).parent.mkdir(parents=True)
            (self.former / path).write_text(text)
        volume = self.former / "volumes/v/_data"
        os.link(volume / "one", volume / "two")
        (volume / "link").symlink_to("/nowhere")
        (volume / "one").chmod(0o4750)

    def run(self, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        args = {**CONFIRMED, "docker_host": self.engine.docker_host, "path": str(self.wanted), "config": str(self.config), **more}
        return run_module_main(data_root.main, args, check=check, diff=True)

    def verbs(self) -> list[str]:
        path = self.bin / "verbs"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_engine: t.Callable[..., FakeEngine]) -> Machine:
    made = Machine(tmp_path, fake_engine(volumes=[{"Name": "v"}]))
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    monkeypatch.setattr(data_root, "PATIENCE", 0.0)
    (tmp_path / "mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
    monkeypatch.setattr(data_root, "MOUNTINFO", str(tmp_path / "mountinfo"))
    return made


def test_moved_and_a_second_run_does_nothing(machine: Machine) -> None:
    before = {path.relative_to(machine.former): path.lstat().st_mode for path in machine.former.rglob("*")}
    result = machine.run()
    assert (result["exit_code"], result["former"], result["pending"]) == (0, str(machine.former), False)
    assert json.loads(machine.config.read_text()) == {"labels": ["a=b"], "data-root": str(machine.wanted)}
    for root in (machine.former, machine.wanted):
        assert {path.relative_to(root): path.lstat().st_mode for path in root.rglob("*")} == before
    assert (machine.wanted / "volumes/v/_data/two").stat().st_nlink == 2
    verbs = machine.verbs()
    assert verbs[:2] == ["stop docker.socket", "stop docker.service"]
    assert verbs[-1] == "start docker.service"
    assert not machine.run()["changed"]
    assert machine.verbs() == verbs
    assert not machine.engine.writes


def test_a_directory_behind_a_link_is_measured_and_copied(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine.former.rename(machine.former.with_name("elsewhere"))
    machine.former.symlink_to(real)
    (real / "volumes/v/_data/big").write_bytes(os.urandom(3 * 2**20))
    lstat = os.lstat

    def on_two_disks(path: t.Any, **more: t.Any) -> os.stat_result:
        status = lstat(path, **more)
        return os.stat_result((*status[:2], 99, *status[3:])) if str(path) == str(machine.former) else status

    monkeypatch.setattr(os, "lstat", on_two_disks)
    result = machine.run()
    assert (result["exit_code"], result["former"]) == (0, str(machine.former)), result
    assert result["plan"][0]["reason"] == "3 MiB are copied"
    assert (machine.wanted / "volumes/v/_data/two").read_text() == "precious"
    assert "are one inside the other" in machine.run(path=str(machine.wanted / "in"))["msg"]


def test_check_mode_says_the_same_and_changes_nothing(machine: Machine) -> None:
    planned = machine.run(check=True)
    assert planned["plan"][0]["cost"] == "restarts engine"
    assert (machine.verbs(), machine.wanted.exists()) == ([], False)
    assert planned["plan"] == machine.run()["plan"]


def test_a_node_of_a_swarm_waits_until_it_is_drained(machine: Machine) -> None:
    (machine.former / "swarm/docker-state.json").write_text("{}")
    result = machine.run()
    assert (result["changed"], result["pending"], machine.verbs()) == (False, True, [])
    assert machine.run(check=True)["plan"][0]["cost"] == "restarts engine of a node in a swarm"
    assert machine.run(activate="always")["changed"]


@pytest.mark.parametrize("fault", ["start", "copy", "knowledge"])
def test_a_failure_leaves_the_former_data_in_use(machine: Machine, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = machine.config.read_text()
    if fault == "start":
        (machine.bin / "refuse").touch()
    elif fault == "copy":
        (machine.bin / "cp").write_text('#!/bin/sh\n/bin/cp "$@"; for last; do :; done; echo other > "$last/volumes/v/_data/one"\n')
        (machine.bin / "cp").chmod(0o755)
    else:
        monkeypatch.setattr(f"{UTILS}.data_root.lost", lambda before, after: ["the node: a, now b"])
    result = machine.run()
    assert (result["exit_code"], result["changed"]) == (1, False)
    assert {"start": "it does not start", "copy": "not the same in the copy", "knowledge": "differs from before"}[fault] in result["msg"]
    assert f"The engine runs with {machine.former} again, and the copy was removed." in result["msg"]
    assert machine.config.read_text() == before
    assert not machine.wanted.exists()
    assert machine.verbs()[-1] == "start docker.service"
    assert (machine.former / "volumes/v/_data/one").read_text() == "precious"


def test_without_a_file_none_is_left_by_a_failure(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.config.unlink()
    monkeypatch.setattr(f"{UTILS}.daemon_json.data_root", lambda config, flags: config.get("data-root") or str(machine.former))
    (machine.bin / "refuse").touch()
    assert machine.run()["exit_code"] == 1
    assert not machine.config.exists()


def test_a_flag_of_the_unit(machine: Machine) -> None:
    (machine.bin / "flags").write_text("-H fd:// --data-root /elsewhere")
    assert "data-root: the service unit" in machine.run()["msg"]
    assert machine.verbs() == []


def test_a_flag_that_names_the_wanted_directory(machine: Machine) -> None:
    (machine.bin / "flags").write_text(f"-H fd:// --data-root {machine.former}")
    machine.config.write_text("{}")
    result = machine.run(path=str(machine.former))
    assert (result["exit_code"], result["changed"], result["pending"]) == (0, False, False)


def test_the_node_has_to_be_the_same(machine: Machine, fake_engine: t.Callable[..., FakeEngine]) -> None:
    machine.engine = fake_engine(nodes=[node("m1", "manager", leader=True)])
    assert machine.run(activate="always")["exit_code"] == 0


@pytest.mark.parametrize(
    ("wanted", "place", "words"),
    [
        ("data", ROOMY, "not an absolute path"),
        ("/data/", ROOMY, "not an absolute path"),
        ("/data/../x", ROOMY, "not an absolute path"),
        ("/", ROOMY, "not an absolute path"),
        ("/var/lib/docker/new", ROOMY, "are one inside the other"),
        ("/var/lib", ROOMY, "are one inside the other"),
        ("/data", Place(("precious",), "ext4", 10**12), "holds precious"),
        ("/data", Place((), "nfs4", 10**12), "is on nfs4"),
        ("/data", Place((), "fuse.sshfs", 10**12), "is on fuse.sshfs"),
        ("/data", Place((), "overlay", 10**12), "is on overlay"),
        ("/data", Place((), "ext4", 10**9), "953 MiB free, and 1465 MiB are needed"),
    ],
)
def test_refused(wanted: str, place: Place, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        refuse("/var/lib/docker", wanted, place, 10**9)


def test_accepted() -> None:
    refuse("/var/lib/docker", "/var/lib/docker2", Place((), "xfs", 2 * 10**9), 10**9)


def test_the_file_system_of_a_path() -> None:
    table = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /data rw - xfs b rw\n3 1 8:3 / /database rw - nfs4 c rw\n"
    assert [filesystem_of(path, table) for path in ("/data/docker", "/data", "/database/x", "/srv")] == ["xfs", "xfs", "nfs4", "ext4"]


def test_copies_are_compared() -> None:
    one = Entry("file", 0o644, (0, 0), "5 1", 1)
    assert unlike({"a": one, "b": one}, {"a": one, "b": one}) == []
    assert unlike({"a": one, "b": one}, {"a": Entry("file", 0o644, (0, 1), "5 1", 1), "c": one}) == ["a", "b", "c"]
