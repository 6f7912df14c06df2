# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a manager may be stopped for a backup, when a swarm may be recovered, and what an archive is worth."""

from __future__ import annotations

import io
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.manifest import (
    Manifest,
    check_backup,
    check_recovery,
    find_lost,
    foreign_address,
    name_objects,
    warn_of_version,
)
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.member_state import MemberState
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.node import Node
from ansible_collections.flotilla.swarm.plugins.module_utils._io.archive import (
    cut,
    join,
    put_back,
    read_file,
    set_aside,
    sums_of,
    unpack,
    write_archive,
)
from ansible_collections.flotilla.swarm.plugins.module_utils._io.member import is_own_address
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError


def manager(name: str, leader: bool = False, reachable: bool = True) -> Node:
    return Node(name, name, "", "manager", "active", "ready", {}, "", leader, reachable, f"{name}:2377")


def managers(letters: str) -> list[Node]:
    """``L`` leads, ``m`` is reachable, ``x`` is not; then a worker."""
    made = [manager(f"m{n}", letter == "L", letter != "x") for n, letter in enumerate(letters)]
    return [*made, Node("w", "w", "", "worker", "active", "ready", {}, "", False, False, "")]


@pytest.mark.parametrize(
    ("letters", "which", "single", "words"),
    [
        ("Lmm", "m1", False, "2 of 3 managers remain"),
        ("Lmmmx", "m2", False, "3 of 5 managers remain"),
        ("L", "m0", True, "has no manager meanwhile"),
    ],
)
def test_a_manager_may_be_stopped(letters: str, which: str, single: bool, words: str) -> None:
    assert words in check_backup(which, managers(letters), single)


@pytest.mark.parametrize(
    ("letters", "which", "single", "words"),
    [
        ("L", "m0", False, "is the only manager"),
        ("Lmm", "m0", False, "is the leader"),
        ("Lmm", "m0", True, "is the leader"),
        ("Lm", "m1", True, "1 of 2 managers would be reachable, and 2 are needed"),
        ("Lmx", "m1", True, "1 of 3 managers would be reachable, and 2 are needed"),
        ("Lmmxx", "m1", False, "2 of 5 managers would be reachable, and 3 are needed"),
        ("Lmm", "other", False, "not in the list of nodes"),
    ],
)
def test_a_manager_may_not_be_stopped(letters: str, which: str, single: bool, words: str) -> None:
    with pytest.raises(PlanError) as error:
        check_backup(which, managers(letters), single)
    assert words in str(error.value)


def manifest(**given: t.Any) -> Manifest:
    objects = {"services": {"s1": "web"}, "secrets": {"k1": "password"}, "configs": {}, "networks": {"n1": "app"}, "nodes": {"m1": "m1"}}
    plain = {"cluster_id": "abc", "node_id": "m1", "hostname": "m1", "address": "10.0.0.1", "engine_version": "26.1.5", "autolock": False}
    return Manifest(**{**plain, "archived_at": "2026-11-22T20:00:00Z", "objects": objects, "files": {}, **given})


def seen(name: str, state: str = "active", role: str = "manager", acting: bool = False, cluster_id: str = "abc") -> MemberState:
    return MemberState(name, state, role=role, cluster_id=cluster_id, acting=acting)


CLEAN, LEFT = MemberState("this host", "inactive"), seen("this host", "pending")


@pytest.mark.parametrize(
    ("archive", "own", "others"),
    [
        (manifest(), CLEAN, []),
        (manifest(), CLEAN, [MemberState("m2", "unreachable"), seen("m3", "locked")]),
        (None, LEFT, [MemberState("m2", "unreachable"), MemberState("m3", "unreachable")]),
        (None, seen("this host", "locked"), []),
    ],
)
def test_a_swarm_may_be_recovered(archive: Manifest | None, own: MemberState, others: list[MemberState]) -> None:
    check_recovery(archive, own, others)


@pytest.mark.parametrize(
    ("archive", "own", "others", "words"),
    [
        (None, seen("this host", acting=True), [], "the swarm abc is up: this host can act"),
        (None, LEFT, [seen("m2", acting=True)], "the swarm abc is up: m2 can act"),
        (manifest(), CLEAN, [seen("m2", acting=True), seen("m3", acting=True)], "is up: m2, m3 can act"),
        (
            manifest(),
            CLEAN,
            [seen("m1", acting=True, cluster_id="another")],
            "the archive is of swarm abc, and m1 is a manager of swarm another",
        ),
        (manifest(), CLEAN, [seen("m1", cluster_id="another")], "and m1 is a manager of swarm another without a leader"),
        (manifest(), CLEAN, [seen("m1", "locked", cluster_id="another")], "and m1 is locked"),
        (manifest(), CLEAN, [seen("m1", acting=True), seen("m2", acting=True, cluster_id="another")], "the swarm abc is up: m1 can act"),
        (None, LEFT, [seen("m2", acting=True, cluster_id="another")], "this host has the state of swarm abc, and m2 is a manager of swarm"),
        (manifest(), LEFT, [], "Make it leave first"),
        (manifest(), seen("this host", role="worker", cluster_id="another"), [], "is a worker of swarm another. Make it leave first"),
        (None, CLEAN, [], "no state of a manager, and no archive"),
        (None, seen("this host", role="worker"), [], "no state of a manager, and no archive"),
    ],
)
def test_a_swarm_must_not_be_recovered(archive: Manifest | None, own: MemberState, others: list[MemberState], words: str) -> None:
    with pytest.raises(PlanError) as error:
        check_recovery(archive, own, others)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("archive", "own", "words"),
    [
        (manifest(), CLEAN, "the archive is of swarm abc, but swarm xyz is expected (swarm_cluster_id)"),
        (None, LEFT, "this host has the state of swarm abc, but swarm xyz is expected (swarm_cluster_id)"),
    ],
)
def test_only_the_swarm_that_is_meant_is_recovered(archive: Manifest | None, own: MemberState, words: str) -> None:
    check_recovery(archive, own, [], "abc")
    with pytest.raises(PlanError) as error:
        check_recovery(archive, own, [seen("m2", acting=True)], "xyz")
    assert words in str(error.value)


def test_what_is_missing_after_a_recovery_is_listed() -> None:
    listed: dict[str, list[t.Any]] = {
        "services": [{"ID": "s1", "Spec": {"Name": "web"}}],
        "secrets": [],
        "configs": [],
        "networks": [{"Id": "n1", "Name": "app", "Scope": "swarm"}, {"Id": "n2", "Name": "bridge", "Scope": "local"}],
        "nodes": [{"ID": "m1", "Description": {"Hostname": "m1"}}],
    }
    present = name_objects(listed)
    assert present["networks"] == {"n1": "app"} and present["nodes"] == {"m1": "m1"}
    assert find_lost(manifest(), present) == ["secret password"]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    made = tmp_path / "docker" / "swarm"
    for name, text in (("certificates/swarm-node.key", "key"), ("raft/wal/0.wal", "log"), ("docker-state.json", "{}")):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    return made


def archive_of(state: Path) -> Path:
    path = state.parent.parent / "backups" / "a.tar.gz"
    write_archive(str(path), str(state), manifest(files=sums_of(str(state))), {"nginx.conf": b"listen 80;"})
    return path


def test_an_archive_gives_back_what_was_put_in_for_its_owner_alone(state: Path, tmp_path: Path) -> None:
    path = archive_of(state)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    read, key = read_file(str(path), str(tmp_path), 2**30)
    assert key == "key" and read.objects == manifest().objects
    unpack(str(path), read, str(tmp_path / "swarm"))
    assert sums_of(str(tmp_path / "swarm")) == sums_of(str(state))
    with tarfile.open(path) as tar:
        assert tar.extractfile("configs/nginx.conf").read() == b"listen 80;"  # type: ignore[union-attr]
    made = [tmp_path / "swarm", *(file for file in (tmp_path / "swarm").rglob("*") if file.is_file())]
    assert {file.stat().st_mode & 0o077 for file in made} == {0}


def test_a_damaged_archive_is_refused(state: Path, tmp_path: Path) -> None:
    path = archive_of(state)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PlanError, match="can't be read as an archive"):
        read_file(str(path), str(tmp_path), 2**30)
    path.unlink()
    with pytest.raises(PlanError, match="there is no archive"):
        read_file(str(path), str(tmp_path), 2**30)
    write_archive(str(path), str(state), manifest(files={**sums_of(str(state)), "docker-state.json": "0" * 64}), {})
    with pytest.raises(PlanError, match="is damaged: 'docker-state.json' do not match"):
        read_file(str(path), str(tmp_path), 2**30)


@pytest.mark.parametrize("size", [1, 10, 999, 1000, 1001, 5000])
def test_parts_of_a_file_are_the_file(tmp_path: Path, size: int) -> None:
    path, data = tmp_path / "a", bytes(range(256)) * 4
    path.write_bytes(data[:1000])
    parts = cut(str(path), size)
    assert not path.exists() and len(parts) == -(-1000 // size)
    assert [part["path"] for part in parts] == sorted(part["path"] for part in parts)
    assert {Path(part["path"]).stat().st_mode & 0o777 for part in parts} == {0o600}
    join([part["path"] for part in parts], str(path))
    assert path.read_bytes() == data[:1000] and [path] == list(tmp_path.iterdir())


def test_an_empty_file_is_one_part(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert len(cut(str(tmp_path / "a"), 10)) == 1


@pytest.mark.parametrize("document", ["[]", "{}", '{"format": 2}'])
def test_another_archive_is_none_of_ours(tmp_path: Path, document: str) -> None:
    path = tmp_path / "other.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        head = tarfile.TarInfo("manifest.json")
        head.size = len(document)
        tar.addfile(head, io.BytesIO(document.encode()))
    with pytest.raises(PlanError, match="not an archive of a swarm's state"):
        read_file(str(path), str(tmp_path), 2**30)


def test_nothing_is_written_outside_of_the_state(state: Path, tmp_path: Path) -> None:
    (state.parent / "evil").write_text("x")
    path = state.parent / "evil.tar.gz"
    sums = {**sums_of(str(state)), "../evil": sums_of(str(state.parent))["evil"]}
    write_archive(str(path), str(state), manifest(files=sums), {})
    with pytest.raises(PlanError, match=r"'swarm/\.\./evil' leads out of the directory"):
        read_file(str(path), str(tmp_path), 2**30)
    with pytest.raises(PlanError, match="leads out of the directory"):
        unpack(str(path), manifest(files=sums), str(tmp_path / "swarm"))
    assert not (tmp_path / "evil").exists() and not (tmp_path / "swarm").exists()


def test_former_state_is_kept_and_comes_back(state: Path) -> None:
    before = sums_of(str(state))
    kept = set_aside(str(state), "20261122T200000Z")
    assert not state.exists() and sums_of(kept) == before
    state.mkdir()
    (state / "half").write_text("")
    put_back(str(state), kept, "20261122T200100Z")
    assert sums_of(str(state)) == before and (state.parent / "swarm.failed-20261122T200100Z/half").exists()
    assert set_aside(str(state.parent / "nothing"), "x") == ""


def test_another_version_of_the_engine_is_warned_of() -> None:
    written = manifest()
    assert warn_of_version(None, "29.0.0") == warn_of_version(written, written.engine_version) == ()
    (warning,) = warn_of_version(written, "29.0.0")
    assert written.engine_version in warning and "29.0.0" in warning


def test_the_archived_managers_address_is_told_to_a_host_that_has_another() -> None:
    said = str(foreign_address(manifest()))
    assert f"had the address {manifest().address}" in said and f"advertise_addr={manifest().address}" in said


def test_addresses_of_interfaces_are_known() -> None:
    assert is_own_address("127.0.0.1") and not is_own_address("192.0.2.1") and not is_own_address("")
