# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role runner on w1, with a repository on m1 that it reads over SSH: its jobs play the newest commit, and none is left when it has none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenario.hosts import address, on, play

HOME = "/var/lib/swarm-runner"
UNIT = "swarm_runner-tell"
# What the repository holds: an inventory of the host itself, and a playbook that tells of it.
TASK = {"name": "Tell", "ansible.builtin.debug": {"msg": "{{ word }} of {{ extra }}"}}
PLAYBOOK = [{"hosts": "all", "gather_facts": False, "tasks": [TASK]}]
HOSTS = {"all": {"hosts": {"here": {"ansible_connection": "local", "word": "first"}}}}
GIT = "git -C /srv/work -c user.name=test -c user.email=test@example.org"


def commit(word: str) -> None:
    hosts = json.dumps(HOSTS).replace("first", word)
    on("m1", f"echo '{hosts}' > /srv/work/hosts.json && {GIT} add -A && {GIT} commit -qm '{word} word' && {GIT} push -q origin HEAD:main")


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    on("m1", "command -v git || (apt-get update -qq && apt-get install -y -qq --no-install-recommends git) >/dev/null")
    on("m1", "rm -rf /srv/git /srv/work && git init -q --bare -b main /srv/git && git clone -q /srv/git /srv/work 2>&1")
    on("m1", f"echo '{json.dumps(PLAYBOOK)}' > /srv/work/tell.yml && mkdir /srv/work/group_vars")
    commit("first")
    made = on("m1", "rm -f /tmp/key*; ssh-keygen -q -t ed25519 -N '' -C runner -f /tmp/key && cat /tmp/key.pub /tmp/key && rm /tmp/key*")
    public, _, private = made.partition("\n")
    on("m1", f"grep -q ' runner$' /root/.ssh/authorized_keys || echo '{public}' >> /root/.ssh/authorized_keys")
    host_key = on("m1", "cut -d' ' -f1-2 /etc/ssh/ssh_host_ed25519_key.pub")
    return {
        "runner_repository": f"ssh://root@{address('m1')}/srv/git",
        "runner_inventory": "hosts.json",
        "runner_deploy_key": private,
        "runner_vault_password": "of-the-runner",
        "runner_known_hosts": [f"{address('m1')} {host_key}"],
        "runner_jobs": [{"name": "tell", "playbook": "tell.yml", "calendar": "hourly", "arguments": ["-e", "extra='a $HOME%n'"]}],
    }


def run(settings: dict[str, Any], *arguments: str, **more: Any) -> Any:
    return play("runner", "--limit", "w1", *arguments, **{**settings, **more})


def told() -> str:
    """What the job says of a run of now."""
    return on("w1", f"systemctl start {UNIT}; journalctl --unit {UNIT} --output cat --no-pager --lines 30")


def test_check_mode_before_it_is_there(settings: dict[str, Any]) -> None:
    checked = run(settings, "--check", "--diff")
    assert checked.rc == 0, checked.out
    assert on("w1", f"ls -d {HOME} /etc/systemd/system/swarm_runner* 2>/dev/null; getent passwd swarm-runner || true") == ""


def test_a_job_plays_the_newest_commit(settings: dict[str, Any]) -> None:
    made = run(settings, "-vvvv")
    assert made.rc == 0, made.out[-6000:]
    assert "OPENSSH" not in made.out and "of-the-runner" not in made.out
    assert f"{UNIT}.timer" in on("w1", "systemctl list-timers --all --no-pager")
    said = told()
    assert "first word" in said and "first of a $HOME%n" in said, said
    commit("second")
    said = told()
    assert "second word" in said and "second of a $HOME%n" in said, said


def test_a_second_run_is_silent(settings: dict[str, Any]) -> None:
    assert run(settings).changed == {"w1": 0}
    checked = run(settings, "--check", "--diff")
    assert checked.rc == 0 and checked.changed == {"w1": 0}, checked.out


def test_without_the_git_server_the_last_commit_is_played(settings: dict[str, Any]) -> None:
    on("m1", "mv /srv/git /srv/gone")
    try:
        said = told()
        assert "can't be fetched, so the last commit is used" in said and "second of" in said, said
        assert run(settings).rc != 0, "site.yml tells that the repository can't be read"
    finally:
        on("m1", "mv /srv/gone /srv/git")


def test_keys_are_for_its_user_alone() -> None:
    assert on("w1", f"stat -c '%U %a' {HOME}/.ssh {HOME}/.ssh/git {HOME}/.ssh/hosts {HOME}/vault_password | sort -u") == (
        "swarm-runner 600\nswarm-runner 700"
    )


def test_wrong_times_and_missing_settings_are_refused(settings: dict[str, Any]) -> None:
    wrong = [{**settings["runner_jobs"][0], "calendar": "every now and then"}]
    assert "Failed to parse calendar specification" in run(settings, runner_jobs=wrong).text
    assert "runner_jobs is set without runner_repository or runner_inventory" in run(settings, runner_repository="").text


def test_without_jobs_nothing_runs(settings: dict[str, Any]) -> None:
    gone = run(settings, runner_jobs=[])
    assert gone.rc == 0, gone.out
    assert on("w1", "ls /etc/systemd/system/swarm_runner* 2>/dev/null; systemctl list-timers --all --no-legend 'swarm_runner*'") == ""
    assert run(settings, runner_jobs=[]).changed == {"w1": 0}
    on("w1", f"userdel swarm-runner; rm -rf {HOME}")
    on("m1", "rm -rf /srv/git /srv/work")
