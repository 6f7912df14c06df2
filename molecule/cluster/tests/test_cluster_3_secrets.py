# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens, keys and passwords: hosts join, managers are locked and unlocked, everything is rotated, and nothing of it is told anywhere."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import Run, finish
from tests.scenario.cluster import MEMBERS, NODES, THREE, converge, lab, leave, look, on, play, settled, start, wipe
from tests.scenario.leaks import find, forms, left_on_nodes, read_secrets, watching
from tests.scenario.web import SERVER, await_homes, load_image

PASSWORDS = {
    "vault": "a-horse-for-the-vault",
    "registry": "a-battery-for-the-registry",
    "secret": "a-staple-for-the-secret",
    "environment": "correct-for-the-environment",
}
JOIN = """
import docker
try:
    docker.APIClient(timeout=60).join_swarm([{!r}], {!r})
except docker.errors.APIError:
    print("refused")
else:
    print("joined")
"""
STACK = {
    "services": {
        "hushed": {
            "image": "web:1",
            "command": ["/usr/bin/python3", "-c", SERVER],
            "environment": {"DATABASE_PASSWORD": "${DATABASE_PASSWORD}"},
            "secrets": ["login"],
            "deploy": {"endpoint_mode": "dnsrr", "update_config": {"monitor": "1s"}},
        }
    },
    "secrets": {"login": {"environment": "LOGIN"}},
}


@pytest.fixture(scope="module", autouse=True)
def swarm() -> None:
    converge(THREE)
    assert settled(THREE)
    load_image()


def declared(folder: Path) -> dict[str, Any]:
    """A swarm with everything in it that is secret."""
    (folder / "vault-password").write_text(PASSWORDS["vault"])
    (folder / "vault-password").chmod(0o600)
    return {
        "swarm_managers": THREE,
        "swarm_settings": {"autolock": True},
        "swarm_unlock_key_file": str(folder / "unlock.key"),
        "swarm_unlock_key_vault_password": PASSWORDS["vault"],
        "swarm_rotate": ["worker_token", "manager_token", "unlock_key", "ca"],
        "confirm": "lab",
        "volumes_present": [],
        "registry_stack": "",
        "images_build": [],
        "stacks_registry_auth": [{"registry": "registry.example", "username": "somebody", "password": PASSWORDS["registry"]}],
        "stacks_present": [
            {
                "name": "hush",
                "content": STACK,
                "env": {"LOGIN": PASSWORDS["secret"], "DATABASE_PASSWORD": PASSWORDS["environment"]},
                "resolve_image": "never",
            }
        ],
    }


def write_all(folder: Path) -> dict[str, str]:
    """The environment in which Ansible writes all that it can: a log, a cache of facts; its temporary files go where the test looks."""
    for name in ("local", "temporary"):
        (folder / name).mkdir()
    return {
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "TMPDIR": str(folder / "temporary"),
    }


def test_what_is_planted_is_found(tmp_path: Path) -> None:
    """In the arguments and the files of processes that do not live long, as it is and in base64, on a node and on the controller."""
    secret = "planted-" + "for-the-search"
    covered = base64.b64encode(f"a{secret}b".encode()).decode()
    assert any(form in covered for form in forms(secret)) and secret not in covered
    hidden = f"printf %s 'no {covered}' >/tmp/planted && sleep 0.2 && rm /tmp/planted"
    with watching(tmp_path) as seen:
        on("w3", f"{hidden}; sh -c 'sleep 0.2' SWMTKN-1-planted; logger SWMKEY-1-planted; echo {covered} >/root/.left")
        (tmp_path / "local").write_text("SWMKEY-1-planted")
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.2)", secret], check=True)
        (tmp_path / "local").unlink()
    found = {" ".join(name.split()[:2]) for name in find([secret], seen.texts)}
    assert found == {"controller process", "controller file", "w3 process", "w3 file"}
    assert left_on_nodes([secret]) == ["w3 /root/.left", "w3 journal"]
    on("w3", "rm /root/.left; sleep 2; journalctl --rotate --vacuum-time=1s")


def test_no_secret_is_told(tmp_path: Path) -> None:
    """The most words, a log, a cache of facts, and a look every few milliseconds at every process and every temporary file."""
    environ = write_all(tmp_path)
    variables = tmp_path / "variables.json"
    variables.write_text(json.dumps(declared(tmp_path)))
    given = ["-vvvv", "--diff", "--vault-password-file", str(tmp_path / "vault-password"), "-e", f"@{variables}"]
    leave("w4")
    wipe("w2")
    places = [tmp_path / "local", tmp_path / "temporary", Path.home() / ".ansible/tmp"]
    with watching(*places) as seen:
        runs = [run("site.yml", *given, environ=environ)]
        secrets = read_secrets()
        await_homes("hush_hushed", 1)
        on("w1", "systemctl restart docker")
        assert look("w1")["state"] == "locked"
        runs += [run(MEMBERS, *given, environ=environ), run("playbooks/rotate.yml", *given, environ=environ)]
    assert settled(THREE) and look("w1")["state"] == "active"
    rotated = read_secrets()
    assert (len(secrets), len(rotated), len(secrets & rotated)) == (3, 3, 0)
    assert {try_to_join(token) for token in secrets if "TKN" in token} == {"refused"}
    secrets |= rotated | set(PASSWORDS.values())
    key_file = tmp_path / "unlock.key"
    assert key_file.read_text().startswith("$ANSIBLE_VAULT;") and key_file.stat().st_mode & 0o777 == 0o600
    facts = {path.name.rpartition("_")[2]: path for path in (tmp_path / "facts").iterdir()}
    assert set(NODES) <= set(facts)
    logs = {name: path.read_text() for name, path in {"log": tmp_path / "ansible.log", **facts}.items()}
    outputs = {f"output {number}": done.out for number, done in enumerate(runs)}
    told = find(secrets, {**seen.texts, **logs, **outputs, "key file": key_file.read_text()})
    assert not told, told
    assert {name.split()[0] for name in seen.texts if " process " in name} == {"controller", *NODES}
    assert left_on_nodes(secrets) == []


def try_to_join(token: str) -> str:
    """On w4, once it has left."""
    if look("w4")["state"] != "inactive":
        leave("w4")
    address = on("m1", "python3 -", "import docker; print(docker.APIClient().info()['Swarm']['NodeAddr'])").strip()
    return on("w4", "python3 -", JOIN.format(address, token)).strip()


def test_a_manager_that_rebooted_is_unlocked_by_the_next_run(tmp_path: Path) -> None:
    """With the key in a file that its owner alone can read."""
    key_file = tmp_path / "unlock.key"
    locking: dict[str, Any] = {"swarm_settings": {"autolock": True}, "swarm_unlock_key_file": str(key_file)}
    converge(THREE, **locking)
    assert key_file.stat().st_mode & 0o777 == 0o600 and key_file.read_text().strip() in read_secrets()
    lab("stop", "w1")
    lab("start", "w1")
    assert look("w1")["state"] == "locked"
    converge(THREE, **locking)
    assert settled(THREE) and look("w1")["state"] == "active"
    assert set(converge(THREE, **locking).changed.values()) == {0}


def test_managers_restart_without_a_key_again() -> None:
    converge(THREE, swarm_settings={"autolock": False})
    on("w1", "systemctl restart docker")
    assert settled(THREE) and look("w1")["state"] == "active"
    gone = play(playbook="playbooks/deploy.yml", stacks_present=[], stacks_absent=["hush"])
    assert gone.rc == 0, gone.out


def run(playbook: str, *arguments: str, environ: dict[str, str]) -> Run:
    done = finish(start(playbook, *arguments, environ=environ))
    assert done.rc == 0, done.out[-6000:]
    return done
