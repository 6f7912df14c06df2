# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.catalog import sum_line
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.seal import make_seal
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError, PlanError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_files import BackupFiles, pack_stacks
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_reader import BackupReader, read_archive_file

PASSWORD = "horse-battery"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    files = BackupFiles(tmp_path / "backup", PASSWORD)
    files.keep("swarm.tar.gz", b"state")
    files.keep("m1/volume.db.tar.gz.00000", b"data")
    files.keep("m1/index.json", b"{}")
    return tmp_path / "backup"


def test_files_are_secret_and_sha256sum_can_check_them(backup: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in backup.rglob("*") if path.is_file()} == {0o600}
    assert not any(b"state" in path.read_bytes() for path in backup.rglob("*") if path.is_file())
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=backup, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [("absent", "has no absent"), ("m1/volume.db.tar.gz.00000", "is damaged"), ("m1/index.json", "not a complete backup")],
)
def test_what_is_not_whole_is_refused(backup: Path, name: str, words: str) -> None:
    (backup / "m1/volume.db.tar.gz.00000.vault").write_text("other")
    (backup / "m1/index.json.vault").unlink()
    with pytest.raises(PlanError, match=words):
        BackupReader(backup, PASSWORD, False).read(name)
    assert BackupReader(backup, PASSWORD, False).read("swarm.tar.gz") == b"state"


def drop_file(backup: Path) -> None:
    """Also from the list, as somebody does who wants a recovery to go on without it."""
    (backup / "m1/volume.db.tar.gz.00000.vault").unlink()
    lines = (backup / "SHA256SUMS").read_text().splitlines(keepends=True)
    (backup / "SHA256SUMS").write_text("".join(line for line in lines if "volume.db" not in line))


def put_plain_file(backup: Path) -> None:
    (backup / "swarm.tar.gz.vault").unlink()
    (backup / "swarm.tar.gz").write_bytes(b"mine")
    lines = (backup / "SHA256SUMS").read_text().splitlines(keepends=True)
    kept = "".join(line for line in lines if "swarm.tar.gz" not in line)
    (backup / "SHA256SUMS").write_text(kept + sum_line("swarm.tar.gz", hashlib.sha256(b"mine").hexdigest()))


def take_file_of_another(backup: Path) -> None:
    other = BackupFiles(backup.with_name("older"), PASSWORD)
    other.keep("swarm.tar.gz", b"older")
    for name in ("swarm.tar.gz.vault", "SHA256SUMS", "SHA256SUMS.hmac"):
        (backup.with_name("older") / name).replace(backup / name)


def take_seal_off(backup: Path) -> None:
    (backup / "SHA256SUMS.hmac").unlink()


def seal_without_password(backup: Path) -> None:
    (backup / "SHA256SUMS.hmac").write_text(make_seal("", backup.name, (backup / "SHA256SUMS").read_bytes(), b"0" * 16))


def write_no_seal(backup: Path) -> None:
    (backup / "SHA256SUMS.hmac").write_bytes(b"\xff\x00 flotilla")


@pytest.mark.parametrize("change", [drop_file, put_plain_file, take_file_of_another, take_seal_off, seal_without_password, write_no_seal])
def test_a_backup_that_its_password_did_not_make_is_refused(backup: Path, change: t.Callable[[Path], None]) -> None:
    change(backup)
    with pytest.raises(PlanError, match=r"is not authenticated: .* accept_unauthenticated=true"):
        BackupReader(backup, PASSWORD, False)
    accepted = BackupReader(backup, PASSWORD, True)
    assert not accepted.authenticated and accepted.read("swarm.tar.gz") in (b"state", b"mine", b"older")


def test_a_backup_under_another_name_is_refused(backup: Path) -> None:
    """An older one could pass for a newer one."""
    moved = backup.rename(backup.with_name("newer"))
    with pytest.raises(PlanError, match="its name or files were changed"):
        BackupReader(moved, PASSWORD, False)
    linked = backup.with_name("latest")
    linked.symlink_to(moved.rename(backup))
    assert BackupReader(linked, PASSWORD, False).authenticated


@pytest.mark.parametrize(("password", "words"), [("", "there is no vault_password"), ("wrong", "sealed with another password")])
def test_another_password_or_none_authenticates_nothing(backup: Path, password: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        BackupReader(backup, password, False)
    with pytest.raises(PlanError, match="no vault_password" if not password else "can't be decrypted with vault_password"):
        BackupReader(backup, password, True).read("swarm.tar.gz")


def test_a_backup_without_a_password_is_used_only_if_that_is_accepted(tmp_path: Path) -> None:
    BackupFiles(tmp_path / "open", "").keep("swarm.tar.gz", b"state")
    for password in ("", PASSWORD):
        with pytest.raises(PlanError, match=r"it has no SHA256SUMS\.hmac"):
            BackupReader(tmp_path / "open", password, False)
        assert BackupReader(tmp_path / "open", password, True).read("swarm.tar.gz") == b"state"


def test_one_file_is_authenticated_as_a_part_of_its_backup(backup: Path, tmp_path: Path) -> None:
    path = backup / "swarm.tar.gz.vault"
    assert read_archive_file(path, PASSWORD, False) == b"state"
    alone = tmp_path / "elsewhere.vault"
    alone.write_bytes(path.read_bytes())
    with pytest.raises(PlanError, match="it is outside the directory"):
        read_archive_file(alone, PASSWORD, False)
    assert read_archive_file(alone, PASSWORD, True) == b"state"
    with pytest.raises(PlanError, match="there is no"):
        read_archive_file(tmp_path / "nothing", PASSWORD, True)


@pytest.mark.parametrize("kind", ["link", "pipe", "directory link", "vault"])
def test_what_is_no_file_of_the_backup_is_not_read(backup: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "outside").mkdir()
    part = backup / "m1/volume.db.tar.gz.00000.vault"
    part.replace(tmp_path / "outside" / part.name)
    if kind == "link":
        part.symlink_to(tmp_path / "outside" / part.name)
    elif kind == "pipe":
        os.mkfifo(part)
    elif kind == "vault":
        part.write_bytes(b"$ANSIBLE_VAULT;1.1;AES256\nzz\n")
    else:
        for file in (backup / "m1").iterdir():
            file.unlink()
        (backup / "m1").rmdir()
        (backup / "m1").symlink_to(tmp_path / "outside")
    with pytest.raises(PlanError, match="m1"):
        BackupReader(backup, PASSWORD, True).read("m1/volume.db.tar.gz.00000")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "m1/../../x", "m1/x\ny", "m1/..", ""])
def test_a_host_names_no_file_outside_of_the_backup(backup: Path, name: str) -> None:
    before = {path: path.read_bytes() for path in backup.parent.rglob("*") if path.is_file()}
    with pytest.raises(FlotillaError, match="is not a valid file name"):
        BackupFiles(backup, PASSWORD).keep(name, b"x")
    (backup.parent / "outside").mkdir()
    (backup / "m2").symlink_to(backup.parent / "outside")
    with pytest.raises(FlotillaError, match="is a link"):
        BackupFiles(backup, PASSWORD).keep("m2/x", b"x")
    assert {path: path.read_bytes() for path in backup.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("password", ["", "other"])
def test_nothing_is_added_to_a_backup_of_another_password(backup: Path, password: str) -> None:
    with pytest.raises(FlotillaError, match="are not sealed with this vault_password"):
        BackupFiles(backup, password).keep("m2/x", b"x")
    (backup / "SHA256SUMS").write_text("")
    with pytest.raises(FlotillaError, match="are not sealed with this vault_password"):
        BackupFiles(backup, PASSWORD).keep("m2/x", b"x")


def test_a_backup_begins_in_a_new_directory(backup: Path) -> None:
    with pytest.raises(FlotillaError, match="File exists"):
        BackupFiles(backup, PASSWORD).begin()


def test_hosts_write_at_the_same_time(tmp_path: Path) -> None:
    def write(host: int) -> None:
        for number in range(5):
            BackupFiles(tmp_path / "backup", PASSWORD).keep(f"m{host}/{number}", b"x")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    reader = BackupReader(tmp_path / "backup", PASSWORD, False)
    assert all(reader.read(f"m{host}/{number}") == b"x" for host in range(4) for number in range(5))


def test_a_transfer_is_compared_and_bounded(tmp_path: Path) -> None:
    files, data = BackupFiles(tmp_path / "backup", ""), b"x" * 100
    content, digest = base64.b64encode(data).decode(), hashlib.sha256(data).hexdigest()
    for answer, most in (({"content": content[4:]}, 100), ({"content": "no base64!"}, 100), ({}, 100), ({"content": content}, 99)):
        with pytest.raises(FlotillaError, match="did not arrive complete|at most 99"):
            files.bring(mock.Mock(return_value=answer), "a", "/a", digest, most)
    assert files.bring(mock.Mock(return_value={"content": content}), "a", "/a", digest, 100).read_bytes() == data


def test_stack_files_are_packed_below_their_stack(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/web.yml").write_text("services: {}")
    (tmp_path / "web.env").write_text("A=1")
    stacks: list[dict[str, t.Any]] = [
        {"name": "web", "files": ["stacks/web.yml"], "env_files": "absent.env"},
        {"name": "b", "content": "services: {}"},
    ]
    with pytest.raises(PlanError, match=r"absent\.env was not found"):
        pack_stacks(stacks, [tmp_path])
    packed = tmp_path / "packed.tar.gz"
    packed.write_bytes(pack_stacks([{**stacks[0], "env_files": [str(tmp_path / "web.env")]}, stacks[1]], [tmp_path]))
    listed = subprocess.run(["tar", "-tzf", str(packed)], check=True, capture_output=True, text=True).stdout.split()
    assert listed == ["web/stacks/web.yml", f"web{tmp_path}/web.env", "b/content.yml"]
    assert pack_stacks([], [tmp_path]) == b""
    with pytest.raises(PlanError, match=r"stacks has the name '\.\./web'"):
        pack_stacks([{"name": "../web", "content": ""}], [tmp_path])
