# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets, tokens, unlock key and authority are replaced; then stacks, volumes and swarm go, by the variants of teardown.

The tests build on one another. The last one takes the swarm apart.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.controller import Controller
from tests.scenario.recover import LABELS, NODES, logs_of, look, on, play

FIRST, SECOND, THIRD = "calm-heron-1", "calm-heron-2", "calm-heron-3"

# What is of no stack.
OTHERS = """
import docker
client = docker.from_env()
with open("/var/lib/flotilla-images/debian-trixie.tar", "rb") as tar:
    client.images.load(tar)
client.volumes.create("store")
client.services.create("debian:trixie", ["sleep", "infinity"], name="other")
"""

SWARM = """
import docker, json
api = docker.APIClient(timeout=30)
swarm = api.inspect_swarm()
print(json.dumps({"tokens": swarm["JoinTokens"], "root": swarm["TLSInfo"]["TrustRoot"], "key": api.get_unlock_key().get("UnlockKey", ""),
                  "nodes": [n["Description"]["TLSInfo"]["TrustRoot"] for n in api.nodes()]}))
"""


def stack(password: str, level: str = "info") -> dict[str, Any]:
    service = {
        "image": "debian:trixie",
        "command": ["sh", "-c", "cat /run/secrets/password; echo; exec sleep infinity"],
        "secrets": ["password"],
        "environment": {"LEVEL": level},
        "volumes": ["data:/data"],
        "networks": ["inside"],
        "deploy": {"endpoint_mode": "dnsrr", "placement": {"constraints": ["node.hostname == m1"]}},
    }
    content = {
        "services": {"reader": service},
        "secrets": {"password": {"environment": "PASSWORD"}},
        "volumes": {"data": {}},
        "networks": {"inside": {}},
    }
    return {"name": "vault", "content": content, "env": {"PASSWORD": password}, "resolve_image": "never"}


def swarm() -> dict[str, Any]:
    return dict(json.loads(on("m1", "python3 -", SWARM)))


def secrets() -> list[str]:
    return sorted(name for name in look("m1")["secrets"] if name.startswith("vault_"))


def await_log(text: str) -> None:
    deadline = time.monotonic() + 60
    while text not in (found := logs_of("vault_reader", "m1")):
        assert time.monotonic() < deadline, (found, on("m1", "journalctl -u docker -n 30 --no-pager"))
        time.sleep(1)


def deploy(password: str) -> None:
    done = play("playbooks/deploy.yml", stacks_present=[stack(password)])
    assert done.rc == 0, done.out
    await_log(password)


@pytest.fixture(scope="module", autouse=True)
def deployed(tmp_path_factory: pytest.TempPathFactory) -> None:
    key = tmp_path_factory.mktemp("keys") / "unlock.key"
    given = {"swarm_settings": {"autolock": True}, "swarm_unlock_key_file": str(key)}
    made = play("molecule/recover/members.yml", **given, **LABELS)
    assert made.rc == 0, made.out
    on("m1", "python3 -", OTHERS)
    deploy(FIRST)


def test_a_rotation_of_what_did_not_change_replaces_nothing() -> None:
    done = play("playbooks/rotate.yml", stacks_present=[stack(FIRST)], stacks_rotate="vault")
    assert done.rc == 0 and not any(done.changed.values()) and "none is replaced" in done.text, done.out


def test_a_rotation_is_no_deploy_in_disguise() -> None:
    before = secrets()
    refused = play("playbooks/rotate.yml", stacks_present=[stack(SECOND, level="debug")], stacks_rotate="vault")
    assert refused.rc and "also differs from the inventory in vault_reader" in refused.text, refused.out
    unknown = play("playbooks/rotate.yml", stacks_present=[stack(SECOND)], stacks_rotate="vault,other")
    assert unknown.rc and "stacks_rotate names other, and stacks_present has vault" in unknown.text, unknown.out
    planned = play("playbooks/rotate.yml", "--check", "--diff", stacks_present=[stack(SECOND)], stacks_rotate="vault")
    assert planned.rc == 0 and "New secrets: vault_password_" in planned.text, planned.out
    assert secrets() == before and FIRST in logs_of("vault_reader", "m1")


def test_a_new_secret_takes_the_place_of_the_former_one() -> None:
    (before,) = secrets()
    tokens = swarm()["tokens"]
    done = play("playbooks/rotate.yml", "-vvv", stacks_present=[stack(SECOND)], stacks_rotate=["vault"])
    assert done.rc == 0 and FIRST not in done.out, done.out
    (after,) = secrets()
    await_log(SECOND)
    assert after != before and swarm()["tokens"] == tokens


def test_a_survey_rotates_secrets(controller: Controller, tmp_path: Path) -> None:
    answers: dict[str, Any] = {"stacks_rotate": "vault", "stacks_present": [stack(THIRD)]}
    job = controller.launch("rotate_secrets", answers, tmp_path)
    assert job.status == "successful", job.stdout.read()[-4000:]
    await_log(THIRD)
    assert len(secrets()) == 1


def test_a_plan_of_new_tokens_and_an_unknown_word_replace_nothing() -> None:
    before = swarm()
    planned = play("playbooks/rotate.yml", "--check", "--diff")
    assert planned.rc == 0 and "rotate worker_token, manager_token" in planned.text, planned.out
    wrong = play("playbooks/rotate.yml", swarm_rotate=["tokens"])
    assert wrong.rc and "swarm_rotate[0] is 'tokens'. Expected" in wrong.text and not any(wrong.changed.values()), wrong.out
    assert swarm() == before


def test_a_survey_rotates_tokens(controller: Controller, tmp_path: Path) -> None:
    before = swarm()
    job = controller.launch("rotate", {"swarm_rotate": "worker_token,manager_token"}, tmp_path)
    said, after = job.stdout.read(), swarm()
    assert job.status == "successful", said[-4000:]
    assert not set(before["tokens"].values()) & set(after["tokens"].values())
    assert not [token for token in after["tokens"].values() if token in said]
    assert (after["root"], after["key"]) == (before["root"], before["key"])


def test_the_unlock_key_is_replaced_and_kept(tmp_path: Path) -> None:
    before, kept = swarm()["key"], tmp_path / "unlock.key"
    done = play("playbooks/rotate.yml", swarm_rotate=["unlock_key"], swarm_unlock_key_file=str(kept))
    assert done.rc == 0, done.out
    assert kept.read_text().strip() == swarm()["key"] != before and kept.stat().st_mode & 0o777 == 0o600
    assert swarm()["key"] not in done.out


def test_a_new_authority_is_waited_for_on_all_nodes() -> None:
    before = swarm()
    done = play("playbooks/rotate.yml", swarm_rotate=["ca"], confirm="lab")
    assert done.rc == 0, done.out
    after = swarm()
    assert after["root"] != before["root"] and after["nodes"] == [after["root"]] * len(NODES)


def teardown(variant: str, *arguments: str, **variables: Any) -> Any:
    return play(
        "playbooks/teardown.yml", *arguments, stacks_present=[stack(THIRD)], registry_stack="", teardown_variant=variant, **variables
    )


def test_nothing_goes_without_the_swarms_name_or_by_an_unknown_variant() -> None:
    before = look("m1")
    unnamed = teardown("clean_slate", teardown_stacks="vault")
    assert unnamed.rc and "This removes the stacks vault and their volumes on every host" in unnamed.text, unnamed.out
    unknown = teardown("all", confirm="lab")
    assert unknown.rc and "teardown_variant is 'all'. Expected keep_state" in unknown.text, unknown.out
    planned = teardown("remove_all", "--check", "--diff", confirm="lab")
    assert planned.rc == 0, planned.out
    assert look("m1") == before


def test_keep_state_removes_stacks_alone(controller: Controller, tmp_path: Path) -> None:
    answers: dict[str, Any] = {"teardown_variant": "keep_state", "teardown_stacks": "vault", "confirm": "lab"}
    job = controller.launch("teardown", answers, tmp_path)
    assert job.status == "successful", job.stdout.read()[-4000:]
    seen = look("m1")
    assert "vault_reader" not in seen["services"] and "other" in seen["services"] and secrets() == []
    assert "vault_data" in seen["volumes"]
    again = teardown("keep_state", confirm="lab", teardown_stacks="vault")
    assert again.rc == 0 and not any(again.changed.values()), again.out


def test_clean_slate_removes_the_stacks_volumes_too() -> None:
    deploy(THIRD)
    planned = teardown("clean_slate", "--check", confirm="lab")
    assert planned.rc == 0 and "vault_reader" in look("m1")["services"], planned.out
    done = teardown("clean_slate", confirm="lab")
    assert done.rc == 0, done.out
    seen = look("m1")
    assert "vault_reader" not in seen["services"] and "vault_data" not in seen["volumes"] and "store" in seen["volumes"]
    again = teardown("clean_slate", confirm="lab")
    assert again.rc == 0 and not any(again.changed.values()), again.out


def test_remove_all_takes_the_swarm_apart_and_leaves_volumes() -> None:
    done = teardown("remove_all", confirm="lab")
    assert done.rc == 0, done.out
    assert {look(node)["state"] for node in NODES} == {"inactive"} and "store" in look("m1")["volumes"]
    again = teardown("remove_all", confirm="lab")
    assert again.rc == 0 and not any(again.changed.values()), again.out
    stranded = teardown("keep_state", confirm="lab")
    assert stranded.rc and "can act, so no stack can be removed" in stranded.text, stranded.out
