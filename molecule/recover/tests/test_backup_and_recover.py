# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup of a live swarm of three managers, and its return: from the archive on another host, and after the majority was lost.

The tests build on one another. What the engines say is read through the Docker SDK on the nodes, not through the collection.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import Run
from tests.scenario.controller import Controller, answers_of
from tests.scenario.recover import LABELS, MANAGERS, NODES, lab, logs_of, look, on, play

PASSWORD, SECRET = "horse-battery", "quiet-otter-7"

SEED = """
import docker, time
client = docker.from_env()
with open("/var/lib/flotilla-images/debian-trixie.tar", "rb") as tar:
    client.images.load(tar)
secret = client.secrets.create(name="password", data=b"quiet-otter-7")
config = client.configs.create(name="settings", data=b"level: info")
network = client.networks.create("app", driver="overlay")
template = docker.types.TaskTemplate(
    docker.types.ContainerSpec(
        "debian:trixie", ["sh", "-c", "cat /run/secrets/password; echo; exec sleep infinity"],
        secrets=[docker.types.SecretReference(secret.id, "password")],
        configs=[docker.types.ConfigReference(config.id, "settings")],
    ),
    networks=[{"Target": network.id}],
    placement=docker.types.Placement(constraints=["node.labels.keeper != no"]),
)
client.api.create_service(template, name="reader", endpoint_spec=docker.types.EndpointSpec(mode="dnsrr"))
client.containers.run("debian:trixie", ["sh", "-c", "while echo x >>/store/lines; do sleep 0.01; done"], name="writer", detach=True,
                      volumes={"store": {"bind": "/store", "mode": "rw"}})
"""

# Data that is not the swarm's, on a manager that will be lost and on a worker.
STORE = """
import docker, os
made = docker.from_env().volumes.create("store", labels={"keeper": "yes"}).attrs["Mountpoint"]
for place in (made, "/srv/papers"):
    os.makedirs(f"{place}/deep", exist_ok=True)
    with open(f"{place}/deep/deed", "w") as stream:
        stream.write("the deed of " + os.uname().nodename)
    os.chmod(f"{place}/deep/deed", 0o640)
    os.chown(f"{place}/deep/deed", 1234, 1235)
    os.setxattr(f"{place}/deep/deed", "trusted.mark", b"kept")
"""
LOSE = """
import docker, shutil
docker.from_env().volumes.get("store").remove()
shutil.rmtree("/srv/papers")
"""
FIND = """
import docker, json, os
try:
    volume = docker.from_env().volumes.get("store").attrs
except docker.errors.NotFound:
    volume = {"Mountpoint": "/nowhere", "Labels": {}}
found = {}
for name, place in (("volume", volume["Mountpoint"]), ("path", "/srv/papers")):
    path = f"{place}/deep/deed"
    if os.path.exists(path):
        status, mark = os.stat(path), os.getxattr(path, "trusted.mark").decode()
        found[name] = [open(path).read(), oct(status.st_mode & 0o7777), status.st_uid, status.st_gid, mark]
print(json.dumps([found, volume["Labels"]]))
"""
DEED = ["the deed of w2", "0o640", 1234, 1235, "kept"]
PAUSES = """
import docker, json, time
client = docker.from_env()
events = client.events(since=SINCE, until=time.time(), decode=True, filters={"event": ["pause", "unpause"]})
print(json.dumps([[e["Action"], e["Actor"]["Attributes"]["name"]] for e in events]))
"""


def held(node: str) -> dict[str, Any]:
    seen = look(node)
    services = {name: service["id"] for name, service in seen["services"].items()}
    return {"cluster": seen["cluster"], "services": services, "secrets": seen["secrets"], "configs": seen["configs"]}


def labels(node: str) -> dict[str, dict[str, str]]:
    return {each["name"]: each["labels"] for each in look(node)["nodes"] if each["state"] == "ready"}


def await_secret(*nodes: str) -> None:
    """A task of the service runs on one of the nodes, and has read its secret."""
    deadline = time.monotonic() + 120
    while SECRET not in (found := [log for node in nodes for log in logs_of("reader", node)]):
        assert time.monotonic() < deadline, found
        time.sleep(1)


def recover(host: str, *arguments: str, **variables: Any) -> Run:
    given = {"backup_recover_host": host, "backup_vault_password": PASSWORD, "confirm": "lab", **LABELS, **variables}
    return play("playbooks/recover.yml", *arguments, **given)


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backups")


@pytest.fixture(scope="module")
def unlock_key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "unlock.key"


@pytest.fixture(scope="module", autouse=True)
def swarm(unlock_key_file: Path) -> dict[str, Any]:
    """What the swarm held in the beginning."""
    made = members(unlock_key_file)
    assert made.rc == 0, made.out
    for node in ("m1", "w2"):
        on(node, "python3 -", STORE)
    on("m1", "python3 -", SEED)
    return held("m1")


def members(unlock_key_file: Path) -> Run:
    given = {"swarm_settings": {"autolock": True}, "swarm_unlock_key_file": str(unlock_key_file)}
    return play("molecule/recover/members.yml", **given, **LABELS)


def backup(directory: Path, *arguments: str, **variables: Any) -> Run:
    given = {"backup_vault_password": PASSWORD, "backup_volumes": "sto*", "backup_paths": "/srv/papers", **variables}
    return play("playbooks/backup.yml", *arguments, backup_directory=str(directory), backup_paths_group="swarm_workers", **given)


def test_the_leader_is_never_taken_and_check_mode_stops_no_engine(backups: Path) -> None:
    started = {node: on(node, "systemctl show docker --property InvocationID") for node in MANAGERS}
    planned = backup(backups, "--check", "--diff")
    assert planned.rc == 0 and "2 of 3 managers remain" in planned.text and "paused meanwhile: writer" in planned.text, planned.out
    assert {node: on(node, "systemctl show docker --property InvocationID") for node in MANAGERS} == started
    assert not list(backups.iterdir())


def test_a_manager_that_does_not_lead_is_archived_and_comes_back_unlocked(backups: Path, swarm: dict[str, Any]) -> None:
    started = on("m1", "date +%s").strip()
    done = backup(backups)
    assert done.rc == 0, done.out
    (made,) = backups.iterdir()
    files = {str(path.relative_to(made)): path for path in made.rglob("*") if path.is_file()}
    kept = ["volume.store.tar.gz.00000", "index.json"]
    wanted = ["swarm.tar.gz", "stacks.tar.gz", *(f"m1/{name}" for name in kept), *(f"w2/{name}" for name in kept)]
    plain, path = ["SHA256SUMS", "SHA256SUMS.hmac"], "w2/path.%2Fsrv%2Fpapers.tar.gz.00000.vault"
    assert sorted(files) == sorted([*plain, path, *(f"{name}.vault" for name in wanted)])
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    assert all(path.read_bytes().startswith(b"$ANSIBLE_VAULT") for name, path in files.items() if name not in plain)
    assert SECRET not in done.out and PASSWORD not in done.out and "the deed" not in done.out
    assert {look(node)["state"] for node in MANAGERS} == {"active"} and held("m1") == swarm
    assert {node["availability"] for node in look("m1")["nodes"]} == {"active"}
    assert not any(on(node, "ls -A /var/backups/flotilla-swarm 2>/dev/null || true") for node in NODES)
    assert json.loads(on("m1", "python3 -", PAUSES.replace("SINCE", started))) == [["pause", "writer"], ["unpause", "writer"]]


def test_a_name_that_no_host_has_is_told_and_removes_no_older_backup(backups: Path) -> None:
    (first,) = backups.iterdir()
    failed = backup(backups, backup_volumes="store,nothing", backup_keep=1)
    assert failed.rc and "nothing (backup_volumes, backup_paths) was found on none of" in failed.text, failed.out
    assert first in backups.iterdir()


def test_a_manager_that_is_none_is_told_before_any_engine_stops(backups: Path) -> None:
    before = set(backups.iterdir())
    refused, words = backup(backups, backup_manager="w1"), "backup_manager is 'w1', expected one of m1, m2, m3"
    assert refused.rc and words in refused.text and not any(refused.changed.values()), refused.out
    assert set(backups.iterdir()) == before


def test_the_newest_backups_are_kept_and_listed_and_a_damaged_one_is_found(backups: Path) -> None:
    before = set(backups.iterdir())
    done = backup(backups, backup_keep=1)
    assert done.rc == 0, done.out
    (newest,) = backups.iterdir()
    assert newest not in before
    listed = play("playbooks/list_backups.yml", backup_directory=str(backups))
    assert (
        listed.rc == 0
        and all(name in listed.text for name in ("volume store of m1", "volume store of w2", "path /srv/papers of w2"))
        and not any(listed.changed.values())
    ), listed.out
    nowhere = play("playbooks/list_backups.yml", "--check", backup_directory=str(backups / "nowhere"))
    assert nowhere.rc == 0 and "There is no backup in" in nowhere.text, nowhere.out
    part = newest / "w2/volume.store.tar.gz.00000.vault"
    whole = part.read_bytes()
    part.write_bytes(whole[:-9] + b"00000000" + whole[-1:])
    damaged = play("playbooks/list_backups.yml", backup_directory=str(backups))
    assert damaged.rc and "does not match its checksum" in damaged.text and f"Damaged: {newest}" in damaged.text, damaged.out
    part.write_bytes(whole)


def test_lost_data_is_put_back_and_nothing_is_written_over(backups: Path) -> None:
    (made,) = backups.iterdir()
    given = {"backup_restore_from": str(made), "backup_vault_password": PASSWORD, "confirm": "lab"}
    on("w2", "python3 -", LOSE)
    planned = play("playbooks/restore.yml", "--check", "--diff", **given)
    assert planned.rc == 0 and json.loads(on("w2", "python3 -", FIND)) == [{}, {}], planned.out
    done = play("playbooks/restore.yml", **given)
    assert done.rc == 0 and "Restored: volume store of w2, path /srv/papers of w2." in done.text, done.out
    assert "Not restored: volume store of m1: writer uses it" in done.text
    assert json.loads(on("w2", "python3 -", FIND)) == [{"volume": DEED, "path": DEED}, {"keeper": "yes"}]
    again = play("playbooks/restore.yml", **given)
    assert again.rc == 0 and not any(again.changed.values()) and "volume store of w2: it holds data" in again.text, again.out
    missing = play("playbooks/restore.yml", confirm="lab")
    assert missing.rc and "backup_restore_from is not given" in missing.text and "Traceback" not in missing.out


def test_a_swarm_that_lives_is_not_recovered(backups: Path, swarm: dict[str, Any]) -> None:
    (archive,) = backups.iterdir()
    for variables in ({"backup_recover_archive": str(archive)}, {}):
        refused = recover("m2", **variables)
        assert refused.rc and f"the swarm {swarm['cluster']} is up" in refused.text and "nothing to recover" in refused.text, refused.out
    unconfirmed = recover("m2", confirm="another")
    assert unconfirmed.rc and "confirm=lab" in unconfirmed.text
    assert held("m1") == swarm


def test_an_archive_brings_the_swarm_back_on_a_clean_host(backups: Path, swarm: dict[str, Any], unlock_key_file: Path) -> None:
    (archive,) = backups.iterdir()
    wanted = labels("m1")["m1"]
    assert play("molecule/recover/leave.yml", "--limit", "w1,w2").rc == 0
    on("w1", "base64 -d >/tmp/image.tar", on("m1", "base64 -w0 /var/lib/flotilla-images/debian-trixie.tar"))
    on("w1", "python3 -", 'import docker; docker.from_env().images.load(open("/tmp/image.tar", "rb"))')
    on("w2", "python3 -", LOSE)
    for node in MANAGERS:
        lab("stop", "--hard", node)
    given = {"backup_recover_archive": str(archive)}
    refused = recover("w1", **given)
    assert refused.rc and "which this host does not have. The engine keeps that address" in refused.text, refused.out
    (address,) = set(re.findall(r"had the address ([0-9.]+), which", refused.text))
    on("w1", f"ip address add {address}/24 dev $(ip -o route get {address} | sed 's/.* dev //; s/ .*//')")
    refused = recover("w1", **given)
    assert refused.rc and "there is no unlock_key" in refused.text, refused.out
    wrong = recover("w1", **given, backup_vault_password="wrong")
    assert wrong.rc and "was sealed with another password than vault_password" in wrong.text
    renamed = archive.rename(archive.with_name(f"{archive.name[:12]}-20991231T000000Z"))
    wrong = recover("w1", backup_recover_archive=str(renamed))
    assert wrong.rc and "its name or files were changed" in wrong.text, wrong.out
    renamed.rename(archive)
    wrong = recover("w1", **given, backup_recover_unlock_key="SWMKEY-1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert wrong.rc and "does not fit" in wrong.text
    assert look("w1")["state"] == "inactive" and json.loads(on("w2", "python3 -", FIND)) == [{}, {}]

    key = unlock_key_file.read_text().strip()
    planned = recover("w1", "--check", "--diff", **given, backup_recover_unlock_key=key)
    assert "w1 would be the only manager" in planned.text and "failed=1" not in planned.out, planned.out
    assert look("w1")["state"] == "inactive" and json.loads(on("w2", "python3 -", FIND)) == [{}, {}]
    done = recover("w1", **given, backup_recover_unlock_key=key)
    assert key not in done.out and "Nothing of the archive is missing" in done.text, done.out
    assert "Not restored: volume store of m1: its host takes no part in this run" in done.text, done.out
    assert json.loads(on("w2", "python3 -", FIND)) == [{"volume": DEED, "path": DEED}, {"keeper": "yes"}]
    assert held("w1") == swarm, done.out
    nodes = look("w1")["nodes"]
    assert wanted in [node["labels"] for node in nodes]
    assert sorted(node["name"] for node in nodes if node["state"] == "ready") == ["w1", "w2"], done.out
    await_secret("w1")


def test_after_its_majority_was_lost_one_locked_manager_brings_the_swarm_back(
    swarm: dict[str, Any], unlock_key_file: Path, controller: Controller, tmp_path: Path
) -> None:
    """The three managers still have the state from before, and are locked since their power failed. A survey drives it."""
    for node in ("w1", "w2"):
        lab("stop", "--hard", node)
    for node in ("m1", "m2"):
        lab("start", node)
    assert look("m1")["state"] == "locked"
    refused = recover("m1")
    assert refused.rc and "there is no unlock_key" in refused.text and look("m1")["state"] == "locked", refused.out
    for node in ("w1", "w2", "m3"):
        lab("start", node)
    # hosts of the other swarm with the same id would forbid it
    assert play("molecule/recover/leave.yml", "--limit", "w1,w2").rc == 0
    key = unlock_key_file.read_text().strip()
    planned = recover("m1", "--check", "--diff", backup_recover_unlock_key=key)
    assert planned.rc == 0 and "m1 would be the only manager" in planned.text and look("m1")["state"] == "locked", planned.out
    given = {variable: answer or "" for variable, answer in answers_of("recover", controller).items()}
    answers = {**given, "backup_recover_host": "m1", "backup_recover_unlock_key": key}
    job = controller.launch("recover", {**answers, **LABELS}, tmp_path)
    said = job.stdout.read()
    assert job.status == "successful" and key not in said, said[-4000:]
    assert held("m1") == swarm
    assert sorted(labels("m1")) == list(NODES) and labels("m1")["m1"]["keeper"] == "yes"
    await_secret(*NODES)


def test_the_next_run_locks_the_managers_again_and_then_changes_nothing(unlock_key_file: Path, swarm: dict[str, Any]) -> None:
    before = unlock_key_file.read_text()
    assert members(unlock_key_file).rc == 0 and unlock_key_file.read_text() != before
    again = members(unlock_key_file)
    assert again.rc == 0 and "changed=1" not in again.out, again.out
    assert held("m1") == swarm
