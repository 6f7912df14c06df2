# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an archive holds: nothing is written outside of its directory, and no engine stops for one that is refused.

FLOTILLA_ARCHIVES is the number of archives, 5,000 unless set: three of five of a manager's state, the others of a volume or path.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import typing as t
from pathlib import Path
from random import Random
from unittest import mock

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.index import part_names
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.manifest import KINDS
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.member_state import MemberState
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.modules import data_restore, recover
from hostile_archive import Entry, assemble, bad_names, change_bytes, change_entries, pack

COUNT = int(os.environ.get("FLOTILLA_ARCHIVES", "5000"))
STATE = {"certificates/swarm-node.key": b"BEGIN PRIVATE KEY", "raft/wal/0.wal": bytes(3000), "docker-state.json": b"{}", "key": b"k"}
CONFIRMED = {"confirm": "prod", "swarm_name": "prod", "cluster_id": ""}
UNNEEDED = {"advertise_addr": "", "managers": [], "node_key": ""}
MANIFEST = {
    "format": 1,
    "cluster_id": "cluster",
    "node_id": "node",
    "hostname": "m3",
    "address": "127.0.0.1",
    "engine_version": "29.0.0",
    "autolock": False,
    "archived_at": "2026-01-01T00:00:00Z",
    "objects": {kind: {"id": "name"} for kind in KINDS},
}


def tree(directory: Path) -> dict[str, tuple[t.Any, ...]]:
    """All that is below a directory: kind and mode, owner, and content or where it leads."""
    found: dict[str, tuple[t.Any, ...]] = {}
    for path in directory.rglob("*"):
        status = path.lstat()
        text = os.readlink(path) if path.is_symlink() else path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path.relative_to(directory))] = (status.st_mode, status.st_uid, status.st_gid, text)
    return found


class Sandbox:
    """A host: its engine's directory, or a directory to restore, in the midst of files that must stay as they are."""

    def __init__(self, directory: Path) -> None:
        self.docker, self.outside, self.sent = directory / "host/docker", directory / "host/outside", directory / "sent"
        self.host = directory / "host"
        for made in (self.docker / "swarm", self.outside, self.host / "srv", self.sent):
            made.mkdir(parents=True)
        (self.docker / "swarm/former").write_text("former")
        (self.outside / "canary").write_text("canary")
        self.before = tree(self.host)

    def place(self, events: list[str]) -> t.Any:
        """A host with an engine in no swarm, that tells when it is stopped."""
        place = mock.MagicMock()
        place.member.inspect.side_effect = lambda _name: (MemberState("this host", "inactive"), {"ServerVersion": "29.0.0"})
        place.state_directory.return_value = str(self.docker / "swarm")
        place.host.space.side_effect = lambda _path: mock.Mock(free=2**40)
        place.host.read.return_value = ""
        place.host.run.side_effect = run
        place.stop_engine.side_effect = lambda: events.append("stop")
        place.member.require_engine.return_value.get.return_value = []
        return place

    def clean(self) -> None:
        """As it was before, for the next archive."""
        shutil.rmtree(self.docker)
        (self.docker / "swarm").mkdir(parents=True)
        (self.docker / "swarm/former").write_text("former")
        shutil.rmtree(self.host / "srv")
        (self.host / "srv").mkdir()


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


def run(command: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout, done.stderr


def state_archive(random: Random, outside: str) -> tuple[bytes, dict[str, str]]:
    """A changed archive, and the sums of the files that its manifest names."""
    files = dict(STATE)
    names = {name: f"swarm/{name}" for name in files}
    document: dict[str, t.Any] = {**MANIFEST}
    turn = random.random()
    if turn < 0.3:  # the manifest names it too, with the right sum
        name = random.choice(bad_names(outside))
        files[name] = b"evil"
        names[name] = random.choice([f"swarm/{name}", f"swarm//{name}", name])
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    document["files"] = sums
    if 0.3 <= turn < 0.45:
        key = random.choice(list(document))
        document[key] = random.choice([None, 1, [], {}, "", {"a": 1}, {"a": {"b": 2}}, "x" * 5000, {"../x": "0" * 64}, {"a": ["b"]}])
    entries = [Entry("manifest.json", json.dumps(document).encode()), Entry("configs/nginx.conf", b"listen 80;")]
    entries += [Entry(names[name], data) for name, data in files.items()]
    if turn >= 0.45:
        entries = change_entries(entries, random, outside)
    tar = assemble(entries)
    return pack(change_bytes(tar, random) if random.random() < 0.2 else tar, random), document["files"]


def test_no_archive_of_a_state_writes_elsewhere_or_stops_an_engine_in_vain(sandbox: Sandbox) -> None:
    random, archive = Random(1), sandbox.sent / "archive.tar.gz"
    taken = refused = 0
    for _number in range(COUNT * 3 // 5):
        data, sums = state_archive(random, str(sandbox.outside))
        archive.write_bytes(data)
        events: list[str] = []
        place = sandbox.place(events)
        params = {"archive": str(archive), **CONFIRMED, **UNNEEDED}
        try:
            (change,) = recover.plan(recover.observe(place, params), params).changes
            recover.apply(place, change, None)
        except FlotillaError:
            refused += 1
            assert events == [] and tree(sandbox.host) == sandbox.before
            continue
        taken += 1
        assert events == ["stop"]
        made = tree(sandbox.docker / "swarm")
        files = {name: hashlib.sha256(content).hexdigest() for name, (mode, *_owner, content) in made.items() if stat.S_ISREG(mode)}
        assert files == sums
        assert {mode for mode, *_rest in made.values()} <= {stat.S_IFREG | 0o600, stat.S_IFDIR | 0o700}
        (kept,) = (path for path in sandbox.docker.iterdir() if path.name != "swarm")
        assert kept.name.startswith("swarm.before-") and (kept / "former").read_text() == "former"
        sandbox.clean()
        assert tree(sandbox.host) == sandbox.before
    assert refused > 5 * taken > 0, (refused, taken)


def packed_by_tar(directory: Path) -> bytes:
    """What GNU tar makes of a directory with all that a volume may have."""
    (directory / "sub").mkdir(parents=True)
    (directory / "sub/one").write_text("one")
    os.link(directory / "sub/one", directory / "two")
    (directory / "away").symlink_to("/nowhere")
    (directory / "link").symlink_to("sub")
    with (directory / "holes").open("wb") as stream:
        stream.truncate(2**20)
    (directory / ("d" * 120)).write_text("long")
    (directory / "sub/one").chmod(0o4755)
    os.mkfifo(directory / "pipe")
    pack_options = ["--create", "--numeric-owner", "--xattrs", "--acls", "--sparse", "--one-file-system"]
    return subprocess.run(["tar", *pack_options, f"--directory={directory}", "."], check=True, capture_output=True).stdout


def data_archive(random: Random, packed: bytes, outside: str) -> bytes:
    entries = [
        Entry("./", kind=b"5", mode=0o755),
        Entry("./sub/", kind=b"5", mode=0o755),
        Entry("./sub/key", b"data" * 300),
        Entry("./link", kind=b"2", target="sub"),
        Entry("./hard", kind=b"1", target="./sub/key"),
        Entry("./owned", b"x", owner=1234),
    ]
    if random.random() < 0.3:
        return pack(change_bytes(packed, random), random)
    tar = assemble(change_entries(entries, random, outside))
    return pack(change_bytes(tar, random) if random.random() < 0.1 else tar, random)


def test_no_archive_of_data_writes_elsewhere(sandbox: Sandbox, tmp_path: Path) -> None:
    random, packed, target = Random(2), packed_by_tar(tmp_path / "source"), sandbox.host / "srv/papers"
    taken = refused = 0
    for number in range(COUNT * 2 // 5):
        (part,) = part_names("path", str(target), 1)
        (sandbox.sent / part).write_bytes(data_archive(random, packed, str(sandbox.outside)))
        proven = number % 2 == 0
        archive = {"kind": "path", "name": str(target), "labels": {}, "parts": [str(sandbox.sent / part)], "authenticated": proven}
        limits = {"members": 12, "bytes": 10_000} if number % 3 else {}
        place = sandbox.place([])
        params = {"archives": [{**archive, **limits}], "names": [str(target)], "host": "m1", "cluster_id": "", **CONFIRMED}
        try:
            (change,) = data_restore.plan(data_restore.observe(place, params), params).changes
            data_restore.apply(place, change, None)
        except FlotillaError:
            refused += 1
            assert tree(sandbox.host) == sandbox.before and not list(sandbox.sent.iterdir())
            continue
        taken += 1
        if not proven:
            check_unproven(target)
        shutil.rmtree(target)
        assert tree(sandbox.host) == sandbox.before
    assert refused > taken > 0, (refused, taken)


def check_unproven(target: Path) -> None:
    """No rights, no devices, and no way out of it."""
    for path in target.rglob("*"):
        mode = path.lstat().st_mode
        assert stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode), path
        assert stat.S_ISLNK(mode) or not mode & 0o7000, path
        assert (path.parent.resolve() / os.readlink(path) if path.is_symlink() else path).resolve().is_relative_to(target), path
