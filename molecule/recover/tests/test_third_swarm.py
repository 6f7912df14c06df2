# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive of another swarm, and hosts in a third one: both swarms stay as they were.

The tests build on one another, and begin with hosts that are in no swarm.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenario import until
from tests.scenario.recover import lab, look, on, play

START = """
import docker
client = docker.from_env()
client.configs.create(name="NAME", data=b"NAME")
client.volumes.create("precious")
"""
ALONE = "import docker; docker.from_env().swarm.init(advertise_addr='127.0.0.1')"
NODE = "import docker, json; print(json.dumps(docker.APIClient().info()['Swarm']))"


def state(*nodes: str) -> dict[str, Any]:
    """What each host is, with the id of its engine's run: a restart would show."""
    return {node: [look(node), on(node, "systemctl show docker --property InvocationID")] for node in nodes}


def member(node: str) -> dict[str, Any]:
    return dict(json.loads(on(node, "python3 -", NODE)))


def make_swarm(name: str, *nodes: str, managers: list[str]) -> str:
    given = {"swarm_managers": managers, "swarm_allow_even_managers": True, "nodes_labels": {}, "nodes_label_policies": {}}
    made = play("molecule/recover/members.yml", "--limit", ",".join(nodes), **given)
    assert made.rc == 0, made.out
    on("m1", "python3 -", START.replace("NAME", name))
    return str(look("m1")["cluster"])


def recover(host: str, *arguments: str, **variables: Any) -> Any:
    given: dict[str, Any] = {"backup_recover_host": host, "backup_accept_unauthenticated": True, "confirm": "lab", "swarm_name": "lab"}
    given.update(nodes_labels={}, nodes_label_policies={})
    return play("playbooks/recover.yml", *arguments, **{**given, **variables})


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An archive of a swarm that is gone, and the address and id that it had."""
    directory = tmp_path_factory.mktemp("backups")
    cluster = make_swarm("old", "m1", managers=["m1"])
    given = {"backup_managers": ["m1"], "backup_single": True, "backup_drain": False}
    done = play("playbooks/backup.yml", backup_directory=str(directory), **given)
    assert done.rc == 0, done.out
    (archive,) = directory.iterdir()
    address = str(member("m1")["NodeAddr"])
    assert play("molecule/recover/leave.yml", "--limit", "m1").rc == 0
    return {"archive": str(archive), "cluster": cluster, "address": address}


def test_the_archive_of_another_swarm_leaves_a_healthy_one_alone(old: dict[str, str]) -> None:
    cluster = make_swarm("new", "m1", "w2", managers=["m1"])
    assert cluster != old["cluster"] and member("w2")["LocalNodeState"] == "active"
    before = state("m1", "m2", "w1", "w2")
    attack = {"backup_recover_archive": old["archive"], "backup_recover_advertise_addr": old["address"]}
    for arguments in ((), ("--limit", "w1"), ("--check",)):
        refused = recover("w1", *arguments, **attack)
        words = f"the archive is of swarm {old['cluster']}, and m1 is a manager of swarm {cluster}"
        assert refused.rc and words in refused.text, refused.out
    meant = recover("w1", **attack, swarm_cluster_id=cluster)
    assert meant.rc and f"swarm {cluster} is expected (swarm_cluster_id)" in meant.text, meant.out
    assert state("m1", "m2", "w1", "w2") == before


def test_around_the_confirmation_leads_no_way(old: dict[str, str]) -> None:
    before = state("m1", "w1")
    attack = {"backup_recover_archive": old["archive"], "backup_recover_advertise_addr": old["address"]}
    for arguments, variables, words in (
        (("--limit", "w2"), {"confirm": ""}, "confirm is missing"),
        (("--start-at-task", "Recover | Make one host the only manager of the swarm"), {"confirm": "prod"}, "confirm is 'prod'"),
        (("--start-at-task", "Rejoin | Leave the lost swarm"), {"confirm": ""}, "confirm is missing"),
        ((), {"confirm": "", "swarm_name": ""}, "swarm_name is not given"),
    ):
        refused = recover("w1", *arguments, **attack, **variables)
        assert refused.rc and words in refused.text, refused.out
    assert state("m1", "w1") == before


def test_a_member_of_a_third_swarm_never_leaves_it() -> None:
    """m2 and w2 are in the swarm of m1 and w1 in one of its own; then m1 is left without a majority."""
    cluster = make_swarm("more", "m1", "m2", "w2", managers=["m1", "m2"])
    on("w1", "python3 -", ALONE)
    third = state("w1")
    lab("stop", "--hard", "m2")
    until(lambda: not look("m1")["nodes"], "m1 is without a majority")
    done = recover("m1")
    assert f"w1 is in swarm {third['w1'][0]['cluster']}, but swarm {cluster} is expected" in done.text, done.out
    assert state("w1") == third and look("m1")["cluster"] == cluster
    assert member("w2")["LocalNodeState"] == "active"
    torn = play("playbooks/teardown.yml", confirm="lab", swarm_name="lab", stacks_present=[], registry_stack="")
    assert torn.rc and f"w1 is in swarm {third['w1'][0]['cluster']}, but swarm {cluster} is expected" in torn.text, torn.out
    assert state("w1") == third and look("m1")["state"] == look("w2")["state"] == "inactive", torn.out
