# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real directories and a real tar; the engine is a fake whose volumes are directories of the test."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.catalog import archive_name
from ansible_collections.flotilla.swarm.plugins.module_utils._io.host import Host, Space
from ansible_collections.flotilla.swarm.plugins.modules import data_backup, data_restore
from fake_engine import FakeEngine, volume
from module_runner import CONFIRMED, run_module_main

NFS = {"type": "nfs", "o": "addr=10.0.0.5,rw", "device": ":/srv/x"}


def container(name: str, volume_name: str, state: str = "running") -> dict[str, t.Any]:
    return {"Id": f"id-{name}", "Names": [f"/{name}"], "State": state, "Mounts": [{"Type": "volume", "Name": volume_name}], "Labels": {}}


class Machine:
    def __init__(self, directory: Path, start: t.Callable[..., FakeEngine]) -> None:
        self.archives, self.shared, self.volumes = directory / "archives", directory / "shared files", directory / "docker/volumes"
        self.fake = start(
            info={"DockerRootDir": str(directory / "docker")},
            volumes=[volume("db", labels={"keeper": "yes"}), volume("other"), volume("remote", options=NFS)],
            containers=[container("db.1", "db"), container("old", "db", "exited"), container("web", "other")],
        )
        self.data = self.volumes / "db/_data"
        (self.data / "sub").mkdir()
        (self.data / "sub/one").write_bytes(os.urandom(5000))
        os.link(self.data / "sub/one", self.data / "two")
        (self.data / "link").symlink_to("/nowhere")
        (self.data / "two").chmod(0o4750)
        self.shared.mkdir()
        (self.shared / "paper").write_text("handed in")

    def backup(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        given = {"docker_host": self.fake.docker_host, "directory": str(self.archives), **options}
        return run_module_main(data_backup.main, given, check=check, diff=True)

    def restore(self, archives: list[dict[str, t.Any]], check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        given = {**CONFIRMED, "docker_host": self.fake.docker_host, "src": "x", "host": "m1", "archives": archives, **options}
        return run_module_main(data_restore.main, given, check=check, diff=True)

    def content(self) -> dict[str, t.Any]:
        found = {}
        for path in sorted(self.data.rglob("*")):
            status = path.lstat()
            text = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            links = status.st_nlink if path.is_file() else 0
            found[str(path.relative_to(self.data))] = (status.st_mode, status.st_uid, links, int(status.st_mtime), text)
        return found


@pytest.fixture
def machine(tmp_path: Path, fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(data_backup, "PART_BYTES", 1000)
    return Machine(tmp_path, fake_engine)


def parts_of(archive: dict[str, t.Any]) -> dict[str, t.Any]:
    """As the controller gives an archive of an authenticated backup back."""
    return {**archive, "parts": [part["path"] for part in archive["parts"]], "authenticated": True}


def test_a_volume_is_packed_in_parts_while_its_container_is_paused(machine: Machine) -> None:
    result = machine.backup(volumes=["d?"])
    assert (result["exit_code"], result["warnings"]) == (0, [])
    (archive,) = result["archives"]
    assert (archive["kind"], archive["name"], archive["labels"]) == ("volume", "db", {"keeper": "yes"})
    sizes = [Path(part["path"]).stat() for part in archive["parts"]]
    assert len(sizes) > 4 and {status.st_size for status in sizes[:-1]} == {1000}
    assert {status.st_mode & 0o777 for status in sizes} == {0o600} and machine.archives.stat().st_mode & 0o777 == 0o700
    assert [request.path for request in machine.fake.writes] == ["/containers/id-db.1/pause", "/containers/id-db.1/unpause"]
    assert "paused meanwhile: db.1" in result["plan"][0]["reason"]


def test_what_was_packed_is_put_back_as_it_was_and_the_second_time_left_alone(machine: Machine) -> None:
    before = machine.content()
    archives = [parts_of(archive) for archive in machine.backup(volumes=["db"], paths=[str(machine.shared)], pause=False)["archives"]]
    copies = {part: Path(part).read_bytes() for archive in archives for part in archive["parts"]}
    machine.fake.host.containers.clear()
    del machine.fake.host.volumes["db"]
    os.system(f"rm -r '{machine.data}' '{machine.shared}'")
    result = machine.restore(archives)
    assert (result["exit_code"], result["restored"], result["lost"]) == (0, ["volume db of m1", f"path {machine.shared} of m1"], [])
    assert machine.content() == before and (machine.shared / "paper").read_text() == "handed in"
    assert machine.fake.host.volumes["db"]["Labels"] == {"keeper": "yes"}
    assert not list(machine.archives.iterdir())

    for part, data in copies.items():
        Path(part).write_bytes(data)
    (machine.data / "newer").write_text("newer")
    again = machine.restore(archives)
    assert not again["changed"] and again["lost"] == [
        "volume db of m1: it holds data",
        f"path {machine.shared} of m1: it holds data",
    ]
    assert (machine.data / "newer").exists()


def test_check_mode_writes_nothing(machine: Machine) -> None:
    result = machine.backup(volumes=["db"], paths=[str(machine.shared)], check=True)
    assert result["changed"] and result["found"] == ["volume db", f"path {machine.shared}"]
    assert not machine.archives.exists() and not machine.fake.writes


def test_what_is_not_here_is_told(machine: Machine) -> None:
    result = machine.backup(volumes=["remote", "nothing*", "db"], paths=["/nowhere/at/all"], check=True)
    assert result["elsewhere"] == ["volume remote: its data is in 10.0.0.5:/srv/x; archive that by its path"]
    assert (result["found"], result["matched"]) == (["volume db"], ["remote", "db"])
    none = machine.backup(volumes=["nothing"])
    assert (none["exit_code"], none["changed"], none["matched"]) == (0, False, [])


@pytest.mark.parametrize("path", ["srv/x", "/", "//", "/srv/../etc"])
def test_a_path_that_is_no_directory_of_its_own_is_refused(machine: Machine, path: str) -> None:
    result = machine.backup(paths=[path])
    assert result["exit_code"] == 1 and f"paths has {path}" in result["msg"] and "Nothing was changed" in result["msg"]


def test_a_directory_that_can_not_hold_archives_is_named(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    relative = machine.backup(volumes=["db"], directory="backups/new")
    assert "directory is 'backups/new', expected an absolute path" in relative["msg"]
    below_a_file = str(machine.shared / "paper/new")
    assert f"making {below_a_file}: Not a directory" in machine.backup(volumes=["db"], directory=below_a_file)["msg"]
    long = machine.shared / ("\u6587" * 30)  # each letter becomes nine in the name of its archive
    long.mkdir()
    result = machine.backup(volumes=["db"], paths=[str(long)])
    assert f"packing path {long}: writing " in result["msg"] and "File name too long" in result["msg"]
    assert machine.fake.host.containers[0]["State"] == "running"


def test_too_little_room_is_seen_before_anything_is_paused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "space", lambda host, path: Space(100, 100, None))
    result = machine.backup(volumes=["db"])
    assert result["exit_code"] == 1 and "has room for 0 MiB" in result["msg"]
    assert not machine.fake.writes and not machine.archives.exists()


def test_a_container_is_let_go_when_packing_fails(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tar").write_text("#!/bin/sh\necho 'tar: no room' >&2\nexit 2\n")
    (tmp_path / "tar").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    result = machine.backup(volumes=["db"])
    assert result["exit_code"] == 1 and "packing volume db: tar: no room." in result["msg"]
    assert machine.fake.host.containers[0]["State"] == "running" and not list(machine.archives.iterdir())


def test_a_failure_leaves_none_of_the_archives_that_it_made(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [part["path"] for part in machine.backup(volumes=["other"])["archives"][0]["parts"]]
    (tmp_path / "tar").write_text('#!/bin/sh\ncase "$*" in *shared*) echo "tar: no room" >&2; exit 2;; esac\nexec /bin/tar "$@"\n')
    (tmp_path / "tar").chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        result = machine.backup(volumes=["db"], paths=[str(machine.shared)])
    assert result["exit_code"] == 1 and "tar: no room." in result["msg"]
    assert [str(path) for path in machine.archives.iterdir()] == kept

    blocking = machine.archives / f"{archive_name('path', str(machine.shared))}.00000"
    blocking.mkdir()
    assert "cutting " in machine.backup(volumes=["db"], paths=[str(machine.shared)])["msg"]
    assert {str(path) for path in machine.archives.iterdir()} == {*kept, str(blocking)}


def test_a_container_that_ended_while_it_was_paused_keeps_no_other_one_paused(machine: Machine) -> None:
    machine.fake.fail("POST", "/containers/id-db.1/unpause", 404, "No such container: id-db.1")
    machine.fake.fail("GET", "/containers/json", nth=2)  # what became of it can't be asked either
    result = machine.backup(volumes=["db", "other"])
    states = {each["Names"][0]: each["State"] for each in machine.fake.host.containers}
    assert states["/web"] == "running"
    assert result["exit_code"] == 1 and "Container db.1 is still paused" in result["msg"]
    assert "docker unpause id-db.1" in result["msg"]


def test_a_container_that_is_gone_costs_no_archive(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = data_backup._pack

    def pack_meanwhile(*given: t.Any) -> list[str]:
        machine.fake.host.containers[:] = [each for each in machine.fake.host.containers if each["Id"] != "id-db.1"]
        return pack(*given)

    monkeypatch.setattr(data_backup, "_pack", pack_meanwhile)
    result = machine.backup(volumes=["db", "other"])
    assert result["exit_code"] == 0 and [archive["name"] for archive in result["archives"]] == ["db", "other"]
    assert [each["State"] for each in machine.fake.host.containers] == ["exited", "running"]


def test_a_broken_archive_leaves_the_host_as_it_was(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    (archive,) = machine.backup(volumes=["other"])["archives"]
    part = Path(archive["parts"][0]["path"])
    whole = part.read_bytes()
    part.write_bytes(b"no archive")
    machine.fake.host.containers.clear()
    del machine.fake.host.volumes["other"]
    machine.fake.forget()
    result = machine.restore([parts_of(archive)])
    assert result["exit_code"] == 1 and "the archive of volume other can't be read as an archive" in result["msg"]
    assert not machine.fake.writes and not list(machine.archives.iterdir())

    part.write_bytes(whole)
    with monkeypatch.context() as patched:
        patched.setattr(Host, "space", lambda host, path: Space(-1, 100, None))
        result = machine.restore([parts_of(archive)])
    assert result["exit_code"] == 1 and "has room for" in result["msg"] and "It is as it was before" in result["msg"]
    assert "other" not in machine.fake.host.volumes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"authenticated": False}, "'two' has special permissions (mode 4750)"),
        ({"authenticated": False, "kept": "link"}, "'link' is a link to '/nowhere', out of the directory"),
        ({"members": 3}, "it has more than 3 members"),
        ({"bytes": 4999}, "4999 bytes"),
    ],
)
def test_what_the_backup_does_not_vouch_for_is_refused(machine: Machine, change: dict[str, t.Any], words: str) -> None:
    if change.pop("kept", ""):
        (machine.data / "two").unlink()
    (archive,) = machine.backup(volumes=["db"], pause=False)["archives"]
    machine.fake.host.containers.clear()
    os.system(f"rm -r '{machine.data}' && mkdir '{machine.data}'")
    machine.fake.forget()
    result = machine.restore([{**parts_of(archive), **change}])
    assert result["exit_code"] == 1 and words in result["msg"] and not machine.fake.writes and not list(machine.data.iterdir())


def test_a_path_of_a_backup_that_nobody_vouches_for_is_named_in_full(machine: Machine) -> None:
    (archive,) = machine.backup(paths=[str(machine.shared)])["archives"]
    given = {**parts_of(archive), "authenticated": False}
    os.system(f"rm -r '{machine.shared}'")
    result = machine.restore([given], names=[f"{machine.shared}*"])
    assert not result["changed"] and "names lists them in full" in result["lost"][0] and not machine.shared.exists()
    assert machine.restore([given], names=[str(machine.shared)])["changed"] and (machine.shared / "paper").read_text() == "handed in"


def test_holes_and_owners_and_long_names_come_back(machine: Machine) -> None:
    with (machine.data / "holes").open("wb") as stream:
        stream.truncate(50 * 2**20)
        stream.seek(20 * 2**20)
        stream.write(b"in the middle")
    long = machine.data / ("d" * 200) / ("f" * 250)
    long.parent.mkdir()
    long.write_text("far away")
    os.chown(long, 3_000_000_000, 70_000)
    os.setxattr(long, "user.mark", b"kept")
    (machine.data / "nested").mkdir(mode=0o2775)
    os.mkfifo(machine.data / "pipe")
    before = machine.content()
    (archive,) = machine.backup(volumes=["db"], pause=False)["archives"]
    assert archive["bytes"] < 2**20
    machine.fake.host.containers.clear()
    os.system(f"rm -r '{machine.data}' && mkdir '{machine.data}'")
    result = machine.restore([parts_of(archive)])
    assert result["exit_code"] == 0, result
    assert machine.content() == before
    assert os.getxattr(long, "user.mark") == b"kept" and os.stat(long).st_gid == 70_000
    assert os.stat(machine.data / "holes").st_blocks * 512 < 2**20


def test_a_volume_in_use_is_not_filled(machine: Machine) -> None:
    archives = [parts_of(archive) for archive in machine.backup(volumes=["other"])["archives"]]
    result = machine.restore(archives)
    assert not result["changed"] and result["lost"] == ["volume other of m1: web uses it"]
