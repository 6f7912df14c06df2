# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that reads a service with two replicas misses no answer while the manager that runs one of them is archived. And the surveys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenario.controller import Controller, answers_of
from tests.scenario.recover import LABELS, look, on, play
from tests.scenario.web import await_homes, create_service, load_image, reading, remove_service


@pytest.fixture(autouse=True)
def members(tmp_path: Path) -> None:
    given = {"swarm_settings": {"autolock": True}, "swarm_unlock_key_file": str(tmp_path / "unlock.key")}
    made = play("molecule/recover/members.yml", **given, **LABELS)
    assert made.rc == 0, made.out
    load_image()


def test_a_client_misses_no_answer_during_a_backup(tmp_path: Path) -> None:
    create_service("web", 2, port=8080, constraints=("node.role == manager",))
    homes, leader = await_homes("web", 2), look()["leader"]
    away = next(node for node in homes if node != leader)
    with reading() as client:
        done = play("playbooks/backup.yml", backup_directory=str(tmp_path / "backups"), backup_manager=away)
        assert away not in await_homes("web", 2)
    remove_service("web")
    assert done.rc == 0, done.out
    assert client.failures == [] and client.requests > 50, (client.requests, client.failures[:5])


def test_surveys_drive_backup_listing_and_restore(controller: Controller, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    made = "import docker; print(docker.from_env().volumes.create('kept').attrs['Mountpoint'])"
    place = on("w1", "python3 -", made).strip()
    on("w1", f"echo precious >{place}/file")

    def launch(name: str, **answers: str) -> str:
        (tmp_path / name).mkdir(exist_ok=True)
        given = {variable: answer or "" for variable, answer in answers_of(name, controller).items()}
        job = controller.launch(name, {**given, "backup_directory": str(backups), **answers}, tmp_path / name)
        said = " ".join(job.stdout.read().split())
        assert job.status == "successful", said[-4000:]
        return said

    assert "neither encrypted nor authenticated" in launch("backup", backup_volumes="kept")
    (backup,) = backups.iterdir()
    assert "volume kept of w1" in launch("list_backups")
    on("w1", "python3 -", "import docker; docker.from_env().volumes.get('kept').remove()")
    answers = {"backup_restore_from": str(backup), "backup_accept_unauthenticated": "true", "confirm": "lab"}
    assert "Restored: volume kept of w1." in launch("restore", **answers)
    assert on("w1", f"cat {place}/file") == "precious\n"
