# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import PlanError
from ansible_collections.flotilla.swarm.plugins.modules import backup_store
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_files import BackupFiles, pack_stacks
from module_runner import run_module_main

PASSWORD = "horse-battery"


def run(directory: Path, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return run_module_main(backup_store.main, {"directory": str(directory), **options}, check=check, diff=True)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for day in (1, 2, 3):
        files = BackupFiles(tmp_path / f"abc-2026010{day}T000000Z", PASSWORD)
        files.keep("swarm.tar.gz", b"state")
        files.keep("m1/volume.db.tar.gz.00000", b"data")
    (tmp_path / "precious").mkdir()
    (tmp_path / "abc-20250101T000000Z").write_text("a file")
    return tmp_path


def test_backups_are_listed_and_whole(directory: Path) -> None:
    result = run(directory)
    assert [each["archived_at"][:10] for each in result["backups"]] == ["2026-01-03", "2026-01-02", "2026-01-01"]
    newest = result["backups"][0]
    assert (newest["files"], newest["faults"], newest["contents"]) == (
        2,
        [],
        [{"host": "m1", "kind": "volume", "name": "db", "title": "volume db of m1"}],
    )
    assert not result["changed"]


def test_a_flipped_byte_is_found_and_only_by_reading(directory: Path) -> None:
    path = directory / "abc-20260102T000000Z/m1/volume.db.tar.gz.00000.vault"
    path.write_bytes(path.read_bytes()[:-2] + b"0\n")
    faults = [each["faults"] for each in run(directory)["backups"]]
    assert faults == [[], ["m1/volume.db.tar.gz.00000.vault differs from its sum"], []]
    assert [each["faults"] for each in run(directory, verify=False)["backups"]] == [[], [], []]


def test_the_oldest_go_and_nothing_else(directory: Path) -> None:
    assert run(directory, cluster_id="abcdef", keep=2, check=True)["changed"] and len(list(directory.iterdir())) == 5
    result = run(directory, cluster_id="abcdef", keep=2, verify=False)
    assert result["changed"] and sorted(path.name for path in directory.iterdir()) == [
        "abc-20250101T000000Z",
        "abc-20260102T000000Z",
        "abc-20260103T000000Z",
        "precious",
    ]
    assert not run(directory, cluster_id="abcdef", keep=2)["changed"]


def test_no_directory_is_no_backup(tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere")["backups"] == []


def test_files_are_secret_and_sha256sum_can_check_them(directory: Path) -> None:
    backup = directory / "abc-20260101T000000Z"
    assert {path.stat().st_mode & 0o777 for path in backup.rglob("*") if path.is_file()} == {0o600}
    assert not any(b"state" in path.read_bytes() for path in backup.rglob("*") if path.is_file())
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=backup, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("swarm.tar.gz", "wrong", "can't be decrypted with vault_password"),
        ("swarm.tar.gz", "", "is encrypted, and there is no vault_password"),
        ("absent", PASSWORD, "has no absent"),
        ("m1/volume.db.tar.gz.00000", PASSWORD, "is damaged"),
    ],
)
def test_what_cannot_be_read_is_refused(directory: Path, name: str, password: str, words: str) -> None:
    backup = directory / "abc-20260101T000000Z"
    (backup / "m1/volume.db.tar.gz.00000.vault").write_text("other")
    with pytest.raises(PlanError, match=words):
        BackupFiles(backup, password).read(name)
    assert BackupFiles(backup, PASSWORD).read("swarm.tar.gz") == b"state"


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
