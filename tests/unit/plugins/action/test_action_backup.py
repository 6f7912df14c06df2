# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of data_backup and data_restore, in real runs of ansible-playbook: what arrives, encrypted, and what is sent."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine, volume
from playbook_runs import play_in

MEANT = {"confirm": "lab", "swarm_name": "lab"}
PASSWORD, CONTENT = "horse-battery", "quiet-otter-7"


class Site:
    """A host with one volume, and a controller with one directory of backups; both are this machine."""

    def __init__(self, directory: Path, start: Callable[..., FakeEngine]) -> None:
        self.directory, self.backup = directory, directory / "backups/abc-20260101T000000Z"
        self.fake = start(info={"DockerRootDir": str(directory / "docker")}, volumes=[volume("db")])
        self.data = directory / "docker/volumes/db/_data"
        (self.data / "file").write_text(CONTENT)

    def play(self, module: str, *options: str, **arguments: Any) -> tuple[dict[str, Any], str]:
        """The task's result, and all that was printed."""
        given = {"docker_host": self.fake.docker_host, "vault_password": PASSWORD, **arguments}
        tasks = [{f"flotilla.swarm.{module}": given}]
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
        (self.directory / "play.yml").write_text(json.dumps([play]))
        done = play_in(self.directory, "play.yml", *options, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal")
        _head, _arrow, result = done.stdout.partition("=> ")
        found, _end = json.JSONDecoder().raw_decode(result.lstrip())
        return found, done.stdout + done.stderr

    def archive(self, *options: str, **arguments: Any) -> tuple[dict[str, Any], str]:
        given = {"volumes": ["db"], "directory": str(self.directory / "archives"), "dest": "backups/abc-20260101T000000Z", **arguments}
        return self.play("data_backup", *options, **given)

    def restore(self, *options: str, **arguments: Any) -> tuple[dict[str, Any], str]:
        return self.play("data_restore", *options, src="backups/abc-20260101T000000Z", host="localhost", **MEANT, **arguments)

    def lose(self) -> None:
        del self.fake.host.volumes["db"]
        shutil.rmtree(self.data)


@pytest.fixture
def site(tmp_path: Path, fake_engine: Callable[..., FakeEngine]) -> Site:
    return Site(tmp_path, fake_engine)


def test_a_volume_comes_to_the_controller_encrypted_and_goes_back(site: Site) -> None:
    result, said = site.archive("-vvv")
    assert result["changed"] and PASSWORD not in said and CONTENT not in said
    files = sorted(str(path.relative_to(site.backup)) for path in site.backup.rglob("*") if path.is_file())
    assert files == ["SHA256SUMS", "SHA256SUMS.hmac", "localhost/index.json.vault", "localhost/volume.db.tar.gz.00000.vault"]
    assert all((site.backup / name).read_bytes().startswith(b"$ANSIBLE_VAULT") for name in files[2:])
    assert not list((site.directory / "archives").iterdir())

    site.lose()
    looked, _said = site.restore("--check")
    assert looked["restored"] == ["volume db of localhost"] and "db" not in site.fake.host.volumes
    result, said = site.restore("-vvv")
    assert result["changed"] and (site.data / "file").read_text() == CONTENT and PASSWORD not in said and CONTENT not in said
    again, _said = site.restore()
    assert not again["changed"] and again["lost"] == ["volume db of localhost: it holds data"]


def test_check_mode_brings_nothing(site: Site) -> None:
    result, _said = site.archive("--check")
    assert result["changed"] and not site.backup.exists()


@pytest.mark.parametrize(
    ("change", "words"), [("password", "was sealed with another password"), ("damage", "is damaged"), ("loss", "not a complete backup")]
)
def test_what_cannot_be_read_stops_before_the_host_is_touched(site: Site, change: str, words: str) -> None:
    site.archive()
    site.lose()
    part = site.backup / "localhost/volume.db.tar.gz.00000.vault"
    if change == "damage":
        part.write_bytes(part.read_bytes().replace(b"1", b"2"))
    if change == "loss":
        part.unlink()
    result, said = site.restore(vault_password="wrong" if change == "password" else PASSWORD)
    assert words in result["msg"] and "Traceback" not in said and "db" not in site.fake.host.volumes


def test_without_a_password_there_is_a_warning_and_a_switch(site: Site) -> None:
    result, said = site.archive(vault_password="")
    assert result["changed"] and "the backup is neither encrypted nor authenticated" in " ".join(said.split()), said
    site.lose()
    refused, said = site.restore(vault_password="")
    assert "it has no SHA256SUMS.hmac" in refused["msg"] and "Traceback" not in said and "db" not in site.fake.host.volumes
    taken, _said = site.restore(vault_password="", accept_unauthenticated=True)
    assert taken["changed"] and (site.data / "file").read_text() == CONTENT


@pytest.mark.parametrize("accepted", [False, True])
def test_no_index_fetches_a_file_of_the_controller(site: Site, accepted: bool) -> None:
    """It would be sent to the host as a part of an archive."""
    site.archive(vault_password="")
    index = site.backup / "localhost/index.json"
    archives = json.loads(index.read_text())
    archives["archives"][0]["parts"] = ["../../play.yml"]
    index.write_text(json.dumps(archives))
    digest = hashlib.sha256(index.read_bytes()).hexdigest()
    with (site.backup / "SHA256SUMS").open("a") as sums:
        sums.write(f"{digest}  localhost/index.json\n{digest}  ../../play.yml\n")
    site.lose()
    refused, said = site.restore(vault_password="", accept_unauthenticated=accepted)
    words = "is not one that data_backup wrote" if accepted else "is not authenticated"
    assert words in refused["msg"] and "Traceback" not in said and "db" not in site.fake.host.volumes


def test_a_backup_without_this_host_has_nothing_for_it(site: Site) -> None:
    site.archive()
    result, _said = site.play("data_restore", src=str(site.backup), host="elsewhere")
    assert (result["changed"], result["restored"], result["lost"]) == (False, [], [])
