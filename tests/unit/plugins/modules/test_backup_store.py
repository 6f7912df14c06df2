# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.catalog import sum_line
from ansible_collections.flotilla.swarm.plugins.modules import backup_store
from module_runner import run_module_main

FILES = {"swarm.tar.gz.vault": b"state", "m1/volume.db.tar.gz.00000.vault": b"data"}


def run(directory: Path, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return run_module_main(backup_store.main, {"directory": str(directory), **options}, check=check, diff=True)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for day in (1, 2, 3):
        backup = tmp_path / f"abc-2026010{day}T000000Z"
        (backup / "m1").mkdir(parents=True)
        for name, data in FILES.items():
            (backup / name).write_bytes(data)
        (backup / "SHA256SUMS").write_text("".join(sum_line(name, hashlib.sha256(data).hexdigest()) for name, data in FILES.items()))
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
    path.write_bytes(b"dada")
    faults = [each["faults"] for each in run(directory)["backups"]]
    assert faults == [[], ["m1/volume.db.tar.gz.00000.vault does not match its checksum"], []]
    assert [each["faults"] for each in run(directory, verify=False)["backups"]] == [[], [], []]


def test_what_leads_out_of_a_backup_is_none_of_its_files(directory: Path) -> None:
    backup = directory / "abc-20260102T000000Z"
    with (backup / "SHA256SUMS").open("a") as sums:
        for name in ("../precious/x", "/etc/passwd", "m1//x", "m1/link", "m2/x"):
            sums.write(sum_line(name, "0" * 64))
    (directory / "precious/x").write_text("x")
    (backup / "m1/link").symlink_to("/etc/passwd")
    (backup / "m2").symlink_to(directory / "precious")
    (directory / "abc-20260103T000000Z/SHA256SUMS").unlink()
    (directory / "abc-20260103T000000Z/SHA256SUMS").symlink_to("/dev/zero")
    for verify in (True, False):
        result = run(directory, verify=verify)
        newest, changed, _oldest = [each["faults"] for each in result["backups"]]
        assert newest == ["SHA256SUMS is empty"] and changed == ["m1/link is missing", "m2/x is missing"]


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
