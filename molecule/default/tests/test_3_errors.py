# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong input: one clear message, an exit code, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import ROOT, Run, Seen, declared

DEPLOY, PLAN, SITE = "playbooks/deploy.yml", "playbooks/plan.yml", "site.yml"


def stack(content: str) -> dict[str, Any]:
    return {"stacks_present": [{"name": "wrong", "content": content}]}


def without_variable() -> dict[str, Any]:
    stacks = declared("stacks")["stacks_present"]
    del stacks[0]["env"]["SITE_DOMAIN"]
    return {"stacks_present": stacks}


BIND = "services:\n  web:\n    image: debian:trixie\n    volumes: ['/srv/nowhere:/data']\n"
SMALL = """
services:
  a: &service {image: "nginx:1.28", networks: [small]}
  b: *service
  c: *service
networks:
  small: {ipam: {config: [{subnet: 10.210.0.0/29}]}}
"""

CASES = {
    "a variable that the file demands": (DEPLOY, [], without_variable, ["SITE_DOMAIN", "stack.yml"]),
    "an undefined variable": (
        DEPLOY, [], lambda: stack("services:\n  web:\n    image: nginx:$TAG\n"), ["TAG", "content:3"],
    ),
    "a YAML syntax error": (DEPLOY, [], lambda: stack("services:\n  web: [\n"), ["content:3", "not valid YAML"]),
    "a label that is a list": (
        SITE, ["--tags", "nodes"], lambda: {"nodes_labels": {"w1": {"zones": ["a", "b"]}}}, ["w1", "zones", "list"],
    ),
    "an unknown key of daemon.json": (
        SITE, ["--tags", "engine"], lambda: {"engine_daemon_config": {"log-driverr": "local"}}, ["log-driverr", "log-driver"],
    ),
    "a bind mount that no node has": (DEPLOY, [], lambda: stack(BIND), ["/srv/nowhere", "web"]),
    "no manager": (SITE, [], lambda: {"preflight_managers_group": "nobody"}, ["nobody", "manager"]),
    "a key of a stack that is none": (
        DEPLOY, [], lambda: {"stacks_present": [{"name": "wrong", "content": BIND, "keep_replica": True}]}, ["keep_replica is not a known"],
    ),
    "a network that has too few addresses": (
        DEPLOY, [], lambda: {"stacks_present": [{"name": "wrong", "content": SMALL, "resolve_image": "never"}]},
        ["network wrong_small has 5 addresses, and needs at least 7"],
    ),
    "a look for drift without a file": (PLAN, [], lambda: {"plan_fail_on_drift": True}, ["plan_fail_on_drift needs plan_file"]),
    "a format of preflight that is none": (
        "playbooks/preflight.yml", [], lambda: {"preflight_format": "yaml"}, ["preflight_format is 'yaml'. Expected text or json."],
    ),
    "a format of status that is none": (
        "playbooks/status.yml", [], lambda: {"status_format": "yaml"}, ["status_format is 'yaml'. Expected table or json."],
    ),
    "no confirmation": ("playbooks/teardown.yml", [], dict, ["confirm is missing", "confirm=lab"]),
    "another name as confirmation": ("playbooks/teardown.yml", [], lambda: {"confirm": "prod"}, ["'prod'", "confirm=lab"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_wrong_input_is_told_and_changes_nothing(case: str, play: Callable[..., Run], look: Callable[[], Seen]) -> None:
    playbook, arguments, variables, words = CASES[case]
    before = look()
    run = play(playbook, *arguments, **variables())
    said = " ".join(run.out.split())
    assert run.rc != 0
    assert [word for word in words if word not in said] == [], run.out[-3000:]
    assert "Traceback" not in run.out
    assert set(run.changed.values()) <= {0}
    assert look() == before


def test_an_inventory_without_any_node_does_not_pass_for_a_success(play: Callable[..., Run], tmp_path: Path) -> None:
    empty = tmp_path / "hosts.yml"
    empty.write_text("all: {children: {swarm_managers: {}}}\n")
    run = play(SITE, inventory=str(empty))
    assert run.rc != 0
    assert "has no hosts. Put the nodes into the groups" in " ".join(run.out.split())


def test_an_error_in_a_file_names_file_and_line(play: Callable[..., Run], tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("services:\n  web:\n    image: a\n   ports: [80]\n")
    run = play(DEPLOY, stacks_present=[{"name": "wrong", "files": [str(broken)]}])
    said = " ".join(run.out.split())
    assert run.rc != 0
    assert "broken.yml" in said
    assert "line 4" in said or ":4" in said


def test_an_export_to_everybody_is_refused(manager: Any, play: Callable[..., Run]) -> None:
    exports = [{"path": "/srv/media", "clients": ["*"], "options": ["rw"]}]
    playbook = ROOT / "molecule/default/nfs_exports.yml"
    run = play(str(playbook), exports=exports)
    said = " ".join(run.out.split())
    assert run.rc != 0
    assert "*" in said and "allow_unsafe" in said
    assert not manager.file("/etc/exports.d/flotilla.exports").exists


def test_a_user_who_is_not_root_is_told(play: Callable[..., Run], manager: Any) -> None:
    manager.run_expect([0], "useradd --create-home visitor && install -d -m 700 -o visitor ~visitor/.ssh")
    manager.run_expect([0], "install -m 600 -o visitor /root/.ssh/authorized_keys ~visitor/.ssh/authorized_keys")
    # Not over the connection that is open already, which is root's.
    run = play(SITE, "--limit", "m1", ansible_user="visitor", ansible_ssh_args="-o ControlPath=none")
    manager.run_expect([0], "userdel --remove visitor")
    said = " ".join(run.out.split())
    assert run.rc != 0
    assert "m1" in said and "become" in said
    assert set(run.changed.values()) <= {0}


def test_a_host_without_the_sdk_is_told_how_to_get_it(play: Callable[..., Run], manager: Any) -> None:
    """A Python that finds no packages stands for a host without it."""
    bare = "/usr/local/bin/python-without-packages"
    manager.run_expect([0], "printf %s > %s && chmod 755 %s", '#!/bin/sh\nexec python3 -S "$@"\n', bare, bare)
    run = play(DEPLOY, ansible_python_interpreter=bare)
    manager.run_expect([0], "rm %s", bare)
    said = " ".join(run.out.split())
    assert run.rc != 0
    assert "python3-docker" in said
    assert "Traceback" not in run.out
