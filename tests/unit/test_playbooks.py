# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole playbooks against a fake engine: what they decide by what the modules tell them. The scenarios of molecule do it on real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine, node, volume
from playbook_runs import play_on

ROOT = Path(__file__).parents[2]
INVENTORY = """
all:
  vars: {swarm_name: lab, ansible_connection: local, ansible_python_interpreter: PYTHON}
  children: {swarm_managers: {hosts: {m1: {}}}, swarm_workers: {hosts: {}}}
"""


class Site:
    """A swarm of one manager, with a volume of stack vault and one of no stack."""

    def __init__(self, directory: Path, start: Callable[..., FakeEngine]) -> None:
        self.directory = directory
        self.fake = start(
            nodes=[node("m1", role="manager", leader=True)],
            images={"app:1": {"digest": f"sha256:{'a' * 64}", "local": True}},
            volumes=[volume("vault_data", labels={"com.docker.stack.namespace": "vault"}), volume("store")],
        )
        (directory / "hosts.yml").write_text(INVENTORY.replace("PYTHON", sys.executable))

    def play(self, playbook: str, *arguments: str, **variables: Any) -> str:
        """What was printed, its lines joined; the exit code stands at its end."""
        return play_on(self.fake, self.directory / "hosts.yml", f"playbooks/{playbook}.yml", *arguments, **variables)

    def secrets(self) -> list[str]:
        return sorted(item["Spec"]["Name"] for item in self.fake.cluster.secrets.values())


@pytest.fixture
def site(tmp_path: Path, fake_engine: Callable[..., FakeEngine]) -> Site:
    return Site(tmp_path, fake_engine)


def stack(password: str, level: str = "info") -> dict[str, Any]:
    service = {"image": "app:1", "secrets": ["password"], "environment": {"LEVEL": level}}
    content = {"services": {"reader": service}, "secrets": {"password": {"environment": "PASSWORD"}}}
    return {"name": "vault", "content": content, "env": {"PASSWORD": password}, "resolve_image": "never"}


def test_a_rotation_changes_secrets_and_nothing_else(site: Site) -> None:
    assert site.play("deploy", stacks_present=[stack("one")]).endswith("rc=0")
    (before,) = site.secrets()
    refused = site.play("rotate", stacks_present=[stack("two", level="debug")], stacks_rotate="vault")
    assert "vault also differs from the inventory in vault_reader" in refused and refused.endswith("rc=2") and site.secrets() == [before]

    said = site.play("rotate", stacks_present=[stack("two")], stacks_rotate="vault")
    (after,) = site.secrets()
    assert said.endswith("rc=0") and f"New secrets: {after}" in said and after != before, said
    again = site.play("rotate", stacks_present=[stack("two")], stacks_rotate=["vault"])
    assert "none is replaced" in again and "changed=0" in again and site.secrets() == [after]


def test_a_volume_that_exists_with_other_options_refuses_its_stack(site: Site) -> None:
    cache = {"services": {"app": {"image": "app:1", "volumes": ["cache:/c"]}}, "volumes": {"cache": {"name": "store", "driver": "other"}}}
    said = site.play("deploy", stacks_present=[{"name": "web", "content": cache, "resolve_image": "never"}])
    assert 'volume store of web_app exists on m1: driver is "local", wanted is "other"' in said and said.endswith("rc=2"), said
    assert not site.fake.cluster.services


def test_check_mode_changes_nothing_whatever_plan_only_says(site: Site) -> None:
    for plan_only in ("false", False, "true"):
        said = site.play("deploy", "--check", stacks_present=[stack("one")], plan_only=plan_only)
        assert said.endswith("rc=0") and site.secrets() == [] and not site.fake.writes, said


@pytest.mark.parametrize(
    ("playbook", "variables", "words"),
    [
        ("deploy", {"stacks_present": [{"nam": "vault"}]}, "stacks_present[0].nam is not a known key. Write name."),
        (
            "deploy",
            {"stacks_present": [{**stack("one"), "keep_replica": True}]},
            "stacks_present[0].keep_replica is not a known key. Write",
        ),
        ("stats", {"services_names": ["vault_*"], "services_stacks": "other"}, "No task of vault_*, other runs on the hosts that answer"),
        ("backup", {"backup_manager": "m9"}, "backup_manager is 'm9', expected one of m1"),
        ("rebalance", {"services_names": ["vault_reader"]}, "there is no service vault_reader"),
        ("scale", {}, "scale: no service is named. Give replicas"),
        ("restart", {"services_name": "vault_reader"}, "-e: services_name is not a variable of any role. Write services_names."),
        ("update", {"services_names": "vault_reader", "update_imgae": "app:2"}, "is not a variable of any role. Write update_image."),
        ("update", {"services_names": "vault_reader", "services_update": {"imgae": "app:2"}}, "imgae is not a known key. Write image."),
        ("update", {"services_names": "vault_reader", "update_ports": "[80:80]"}, "update_ports is not JSON"),
        ("logs", {}, "no service is named. Give name, stack, label or task"),
        ("rotate", {"swarm_rotate": ["tokens"]}, "-e: swarm_rotate[0] is 'tokens'. Expected worker_token, manager_token,"),
        ("recover", {"backup_recover_host": "m9", "confirm": "lab"}, "backup_recover_host is 'm9', expected a host of the inventory"),
        (
            "remove_node",
            {"nodes_target": "m1, w9", "confirm": "lab"},
            "w9: neither a host of the inventory nor a node of the swarm, whose nodes are m1",
        ),
        ("remove_node", {"nodes_target": ["m1"], "confirm": "lab"}, "Taking m1 out of the managers: it is the only manager"),
        ("replace_node", {"nodes_old": "m1", "nodes_new": "m1", "confirm": "lab"}, "nodes_old is 'm1' and nodes_new is 'm1'. Give"),
    ],
)
def test_wrong_input_is_told_and_changes_nothing(site: Site, playbook: str, variables: dict[str, Any], words: str) -> None:
    said = site.play(playbook, **variables)
    assert said.endswith("rc=2") and words in said and "Traceback" not in said and not site.fake.writes, said


def test_an_update_is_what_a_survey_was_answered_or_what_is_given_whole(site: Site) -> None:
    assert site.play("deploy", stacks_present=[stack("one")]).endswith("rc=0")
    unanswered = {"services_names": "", "update_image": "", "update_environment": "{}", "update_mounts": "[]"}
    nothing = site.play("update", **unanswered, services_allow_empty=True)
    assert "update: no service is named" in nothing and nothing.endswith("rc=0"), nothing
    answered = {**unanswered, "services_names": "vault_reader", "update_environment": '{"LEVEL": null}'}
    said = site.play("update", "--check", "--diff", **answered, update_constraints="node.role == manager")
    assert said.endswith("rc=0") and "environment.LEVEL: (hidden) -> (none)" in said and "node.role == manager" in said, said
    given = {"services_update": {"secret_environment": {"TOKEN": "hush-hush"}}, "update_image": "other:1"}
    _options, played = site.play("update", "-vvvv", services_names="vault_reader", **given).split("PLAY [Update services]")
    assert played.endswith("rc=0") and "environment.TOKEN" in played and "other:1" not in played, played
    assert "hush-hush" not in played, played


def test_verdicts_that_fail_may_be_a_text(site: Site) -> None:
    said = site.play("health", health_fail_on="unhealthy,degraded")
    assert said.endswith("rc=0"), said
    limits = {"health_min_disk_free_mb": 10**9}
    assert "The swarm is unhealthy." in site.play("health", health_fail_on="degraded,unhealthy", **limits)


def test_a_project_that_could_not_be_planned_is_left_as_it_is(site: Site) -> None:
    labels = {"com.docker.compose.project": "media", "com.docker.compose.service": "cleaner"}
    site.fake.host.containers.append({"Id": "id", "Names": ["/media-cleaner-1"], "State": "exited", "Labels": labels, "Mounts": []})
    (site.directory / "compose.yml").write_text("services: {cleaner: {image: 'app:1', unknown: 1}}")
    given = {"migrate_host": "m1", "migrate_project": "media", "migrate_files": str(site.directory / "compose.yml")}
    said = site.play("migrate_from_compose", **given)
    assert said.endswith("rc=2") and "runs on m1 as before" in said, said
    assert not site.fake.writes


def test_a_recovery_can_be_planned(site: Site) -> None:
    site.fake.cluster.has_leader = False
    said = site.play("recover", "--check", "--diff", backup_recover_host="m1", confirm="lab")
    assert said.endswith("rc=0") and "m1 would be the only manager" in said and "1 to change. Nothing was changed." in said, said
    assert not site.fake.writes


def test_a_backup_under_another_name_is_not_taken_for_an_empty_one(site: Site) -> None:
    backup = site.directory / "txvxoxwyk7oe-20261122T200000Z"
    backup.mkdir()
    (backup / "SHA256SUMS").write_text(f"{'0' * 64}  swarm.tar.gz\n")
    refused = site.play("restore", confirm="lab", backup_restore_from=str(backup))
    assert "is not authenticated: it has no SHA256SUMS.hmac" in refused and refused.endswith("rc=2"), refused
    assert site.play("restore", confirm="lab", backup_restore_from=str(backup), backup_accept_unauthenticated="true").endswith("rc=0")
    said = site.play("restore", confirm="lab", backup_restore_from=str(backup.rename(site.directory / "the good one")))
    assert "is not the name of a backup" in said and said.endswith("rc=2"), said


@pytest.mark.parametrize("given", ["a ssh-ed25519 A\nb ssh-ed25519 B\n", ["a ssh-ed25519 A", "b ssh-ed25519 B"]])
def test_keys_of_servers_may_be_one_text(given: Any) -> None:
    command = [str(Path(sys.executable).with_name("ansible")), "-i", "m1,", "-c", "local", "m1", "-m", "ansible.builtin.debug"]
    command += ["-a", "var=__sshfs_mount_servers", "-e", "@roles/sshfs_mount/vars/main.yml"]
    command += ["-e", json.dumps({"sshfs_mount_known_hosts": given})]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, check=False)
    assert "".join(done.stdout.split()).endswith("__sshfs_mount_servers:|-assh-ed25519Abssh-ed25519B"), done.stdout


def test_teardown_removes_what_its_variant_names(site: Site) -> None:
    assert site.play("deploy", stacks_present=[stack("one")]).endswith("rc=0")
    unnamed = site.play("teardown", stacks_present=[stack("one")], teardown_variant="clean_slate")
    assert "This removes the stacks of the inventory and their volumes on every host" in unnamed and site.secrets()
    assert site.play("teardown", stacks_present=[stack("one")], teardown_variant="keep_state", confirm="lab").endswith("rc=0")
    assert site.secrets() == [] and sorted(site.fake.host.volumes) == ["store", "vault_data"]
    said = site.play("teardown", teardown_stacks="vault, other", teardown_variant="clean_slate", confirm="lab")
    assert said.endswith("rc=0") and sorted(site.fake.host.volumes) == ["store"], said
    assert "changed=0" in site.play("teardown", teardown_stacks="vault", teardown_variant="clean_slate", confirm="lab")
