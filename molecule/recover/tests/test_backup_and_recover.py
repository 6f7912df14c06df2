# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup of a live swarm of three managers, and its return: from the archive on another host, and after the majority was lost.

The tests build on one another. What the engines say is read through the Docker SDK on the nodes, not through the collection.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.lab.scenario import ROOT, Finished, Lab

LAB = os.environ.get("FLOTILLA_LAB", "recover")
lab = Lab(LAB)
on = lab.on
ENVIRONMENT = {**os.environ, "FLOTILLA_LAB": LAB, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
MANAGERS = ("m1", "m2", "m3")
# Not those of the lab's inventory.
LABELS = {"nodes_labels": {"m1": {"keeper": "yes"}, "w1": {"spare": "yes"}}, "nodes_label_policies": {}}
PASSWORD, SECRET = "horse-battery", "quiet-otter-7"

LOOK = """
import docker, json
api = docker.APIClient(timeout=30)
swarm = api.info()["Swarm"]
seen = {"state": swarm["LocalNodeState"], "cluster": (swarm.get("Cluster") or {}).get("ID", "")}
if swarm["ControlAvailable"] and seen["cluster"]:
    seen["nodes"] = {n["ID"]: [n["Description"].get("Hostname", ""), n["Status"]["State"], n["Spec"]["Availability"],
                     n["Spec"].get("Labels") or {}] for n in api.nodes()}
    for kind in ("services", "secrets", "configs"):
        seen[kind] = {o["ID"]: o["Spec"]["Name"] for o in getattr(api, kind)()}
print(json.dumps(seen))
"""

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
        "debian:trixie", ["sh", "-c", "cat /run/secrets/password; exec sleep infinity"],
        secrets=[docker.types.SecretReference(secret.id, "password")],
        configs=[docker.types.ConfigReference(config.id, "settings")],
    ),
    networks=[{"Target": network.id}],
    placement=docker.types.Placement(constraints=["node.labels.keeper != no"]),
)
client.api.create_service(template, name="reader", endpoint_spec=docker.types.EndpointSpec(mode="dnsrr"))
"""

TASKS = """
import docker, json
client = docker.from_env()
print(json.dumps([c.logs().decode() for c in client.containers.list(filters={"label": "com.docker.swarm.service.name=reader"})]))
"""


def play(playbook: str, *arguments: str, **variables: Any) -> Finished:
    command = ["ansible-playbook", "-i", "inventories/lab", playbook, *arguments, "-e", json.dumps(variables)]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return Finished(done.returncode, done.stdout)


def look(node: str) -> dict[str, Any]:
    return dict(json.loads(on(node, "python3 -", LOOK)))


def held(node: str) -> dict[str, Any]:
    seen = look(node)
    return {kind: seen[kind] for kind in ("cluster", "services", "secrets", "configs")}


def labels(node: str) -> dict[str, dict[str, str]]:
    return {name: given for name, state, _availability, given in look(node)["nodes"].values() if state == "ready"}


def await_secret(node: str) -> None:
    """A task of the service runs on the node, and has read its secret."""
    deadline = time.monotonic() + 120
    while SECRET not in json.loads(on(node, "python3 -", TASKS) or "[]"):
        assert time.monotonic() < deadline, on(node, "docker service ps reader 2>&1 || true")
        time.sleep(1)


def recover(host: str, *arguments: str, **variables: Any) -> Finished:
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
    on("m1", "python3 -", SEED)
    return held("m1")


def members(unlock_key_file: Path) -> Finished:
    given = {"swarm_settings": {"autolock": True}, "swarm_unlock_key_file": str(unlock_key_file)}
    return play("molecule/recover/members.yml", **given, **LABELS)


def backup(directory: Path, *arguments: str, **variables: Any) -> Finished:
    return play("playbooks/backup.yml", *arguments, backup_directory=str(directory), backup_vault_password=PASSWORD, **variables)


def test_the_leader_is_never_taken_and_check_mode_stops_no_engine(backups: Path) -> None:
    started = {node: on(node, "systemctl show docker --property InvocationID") for node in MANAGERS}
    planned = backup(backups, "--check", "--diff")
    assert planned.rc == 0 and "2 of 3 managers stay" in planned.text, planned.out
    assert {node: on(node, "systemctl show docker --property InvocationID") for node in MANAGERS} == started
    assert not list(backups.iterdir())


def test_a_manager_that_does_not_lead_is_archived_and_comes_back_unlocked(backups: Path, swarm: dict[str, Any]) -> None:
    done = backup(backups)
    assert done.rc == 0, done.out
    (archive,) = backups.iterdir()
    assert archive.read_bytes().startswith(b"$ANSIBLE_VAULT") and archive.stat().st_mode & 0o777 == 0o600
    assert SECRET not in done.out and PASSWORD not in done.out
    assert {look(node)["state"] for node in MANAGERS} == {"active"} and held("m1") == swarm
    assert {availability for _name, _state, availability, _labels in look("m1")["nodes"].values()} == {"active"}
    assert not any(on(node, "ls -A /var/backups/flotilla-swarm 2>/dev/null || true") for node in MANAGERS)


def test_the_newest_archives_are_kept(backups: Path) -> None:
    (first,) = backups.iterdir()
    assert backup(backups, backup_keep=1).rc == 0
    (second,) = backups.iterdir()
    assert second.name > first.name


def test_a_swarm_that_lives_is_not_recovered(backups: Path, swarm: dict[str, Any]) -> None:
    (archive,) = backups.iterdir()
    for variables in ({"backup_recover_archive": str(archive)}, {}):
        refused = recover("m2", **variables)
        assert refused.rc and f"the swarm {swarm['cluster']} lives" in refused.text, refused.out
    unconfirmed = recover("m2", confirm="another")
    assert unconfirmed.rc and "confirm=lab" in unconfirmed.text
    assert held("m1") == swarm


def test_an_archive_brings_the_swarm_back_on_a_clean_host(backups: Path, swarm: dict[str, Any], unlock_key_file: Path) -> None:
    (archive,) = backups.iterdir()
    wanted = labels("m1")["m1"]
    assert play("molecule/recover/leave.yml", "--limit", "w1,w2").rc == 0
    on("w1", "base64 -d >/tmp/image.tar", on("m1", "base64 -w0 /var/lib/flotilla-images/debian-trixie.tar"))
    on("w1", "python3 -", 'import docker; docker.from_env().images.load(open("/tmp/image.tar", "rb"))')
    for node in MANAGERS:
        lab("stop", "--hard", node)
    given = {"backup_recover_archive": str(archive)}
    refused = recover("w1", **given)
    assert refused.rc and "there is no unlock_key" in refused.text, refused.out
    wrong = recover("w1", **given, backup_vault_password="wrong")
    assert wrong.rc and "can't be decrypted with vault_password" in wrong.text
    wrong = recover("w1", **given, backup_recover_unlock_key="SWMKEY-1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert wrong.rc and "does not fit" in wrong.text
    assert look("w1")["state"] == "inactive"

    key = unlock_key_file.read_text().strip()
    done = recover("w1", **given, backup_recover_unlock_key=key)
    assert key not in done.out and "Nothing of the archive is missing" in done.text, done.out
    assert held("w1") == swarm
    nodes = look("w1")["nodes"].values()
    assert wanted in [given for _name, _state, _availability, given in nodes]
    assert sorted(name for name, state, _availability, _labels in nodes if state == "ready") == ["w1", "w2"]
    await_secret("w1")


def test_after_its_majority_was_lost_one_locked_manager_brings_the_swarm_back(swarm: dict[str, Any], unlock_key_file: Path) -> None:
    """The three managers still have the state from before, and are locked since their power failed."""
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
    done = recover("m1", backup_recover_unlock_key=unlock_key_file.read_text().strip())
    assert done.rc == 0, done.out
    assert held("m1") == swarm
    assert sorted(labels("m1")) == ["m1", "m2", "m3", "w1", "w2"] and labels("m1")["m1"]["keeper"] == "yes"
    await_secret("m1")


def test_the_next_run_locks_the_managers_again_and_then_changes_nothing(unlock_key_file: Path, swarm: dict[str, Any]) -> None:
    before = unlock_key_file.read_text()
    assert members(unlock_key_file).rc == 0 and unlock_key_file.read_text() != before
    again = members(unlock_key_file)
    assert again.rc == 0 and "changed=1" not in again.out, again.out
    assert held("m1") == swarm
