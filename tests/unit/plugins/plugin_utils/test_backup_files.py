# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import PlanError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_files import BackupFiles, pack_stacks

PASSWORD = "horse-battery"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    files = BackupFiles(tmp_path / "backup", PASSWORD)
    files.keep("swarm.tar.gz", b"state")
    files.keep("m1/volume.db.tar.gz.00000", b"data")
    return tmp_path / "backup"


def test_files_are_secret_and_sha256sum_can_check_them(backup: Path) -> None:
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
def test_what_cannot_be_read_is_refused(backup: Path, name: str, password: str, words: str) -> None:
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
