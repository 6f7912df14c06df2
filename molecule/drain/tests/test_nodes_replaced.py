# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that take over from others, among them every manager in sequence, while a client reads a service; and one that is dead."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario import Run, by_name
from tests.scenario.cluster import NODES, THREE, converge, lab, look, on, play, roles, settled
from tests.scenario.web import PORT, await_homes, create_service, load_image, reading, remove_service

REPLACE = "playbooks/replace_node.yml"
LABELS = {"m1": {"rack": 1}, "w1": {"rack": 2}, "w2": {"rack": 3}}


@pytest.fixture(scope="module", autouse=True)
def swarm() -> None:
    """Three managers with labels and one worker; w4 is in no swarm."""
    converge(THREE, nodes_labels=LABELS)
    assert settled(THREE)
    load_image()
    done = play(playbook="playbooks/remove_node.yml", swarm_managers=THREE, nodes_target=["w4"], confirm="lab")
    assert done.rc == 0, done.out


def replace(old: str, new: str, *arguments: str, **variables: Any) -> Run:
    given = {"nodes_old": old, "nodes_new": new, "confirm": "lab", "swarm_managers": THREE, **variables}
    return play(*arguments, playbook=REPLACE, **given)


def labels(manager: str) -> dict[str, dict[str, str]]:
    return {node["name"]: node["labels"] for node in look(manager)["nodes"] if node["labels"]}


def test_it_asks_for_the_name_of_the_swarm_and_for_hosts_that_can_be() -> None:
    before = look("w1")
    missing = play(playbook=REPLACE, nodes_old="m1", nodes_new="w4")
    assert missing.rc != 0 and "This lets w4 take over from m1" in missing.text and "confirm is missing" in missing.text
    for old, new in (("m1", "m1"), ("m1", "w9")):
        refused = replace(old, new)
        assert refused.rc != 0 and "Give the node that goes, and another host" in refused.text
    for old, new, absent in (("m1", "", "nodes_new"), ("", "w4", "nodes_old"), ("", "", "nodes_old")):
        refused = replace(old, new)
        assert refused.rc != 0 and f"{absent} is not given" in refused.text and not any(refused.changed.values())
    nothing = replace("", "", check_allow_nothing=True)
    assert nothing.rc == 0 and not any(nothing.changed.values()), nothing.out
    assert look("w1") == before and look("w4")["state"] == "inactive"


def test_check_mode_says_what_it_would_do() -> None:
    before = look("w1")
    plan = replace("m1", "w4", "--check")
    assert plan.rc == 0, plan.out
    for part in ("join on w4", 'labels.rack: (none) -> "1"', 'role: "manager" -> "worker"', "leave"):
        assert part in plan.text
    assert look("w1") == before and look("w4")["state"] == "inactive"


def test_every_manager_is_replaced_while_nobody_who_reads_notices() -> None:
    """Each in its turn by the host that is free; the first one, and the leader, too."""
    create_service("web", replicas=2, port=PORT, manager="w1")
    await_homes("web", 2, "w1")
    cluster = look("w1")["cluster"]
    managers, free = list(THREE), "w4"
    with reading() as reader:
        for old in THREE:
            done = replace(old, free, nodes_surge="all")
            assert done.rc == 0, done.out
            managers[managers.index(old)], free = free, old
            through = managers[0]
            assert look(old)["state"] == "inactive"
            assert sorted(name for name, role in roles(through).items() if role == "manager") == sorted(managers)
            assert look(through)["cluster"] == cluster and len(look(through)["nodes"]) == 4
    assert reader.failures == [] and reader.requests > 200
    assert managers == ["w4", "m1", "w1"] and free == "w2"
    assert labels("m1") == {"w4": {"rack": "1"}, "m1": {"rack": "2"}, "w1": {"rack": "3"}}
    again = replace("w2", "w1", swarm_managers=managers)
    assert again.rc == 0 and set(again.changed.values()) == {0}, again.out
    remove_service("web", "m1")


def test_a_dead_host_is_replaced() -> None:
    """Now the managers are w4, m1 and w1, w3 is a worker, and w2 is free."""
    managers = ["w4", "m1", "w1"]
    lab("stop", "--hard", "w4")
    try:
        early = replace("w4", "w2", swarm_managers=managers)
        done = early if early.rc == 0 else replace("w4", "w2", swarm_managers=managers)
        assert done.rc == 0, done.out
        assert {name: role for name, role in roles("m1").items() if role == "manager"} == dict.fromkeys(["m1", "w1", "w2"], "manager")
        assert labels("m1")["w2"] == {"rack": "1"} and "w4" not in by_name(look("m1"))
        again = replace("w4", "w2", swarm_managers=managers)
        assert again.rc == 0 and not any(count for host, count in again.changed.items() if host != "w4"), again.out
    finally:
        lab("start", "w4")


def test_the_dead_host_joins_again_when_it_is_back() -> None:
    """It still takes itself for a manager of the swarm, which does not list it any more."""
    assert on("w4", "python3 -", "import docker; print(docker.APIClient().info()['Swarm']['NodeID'])").strip(), "its engine remembers"
    converge(THREE)
    assert settled(THREE) and len(look()["nodes"]) == len(NODES)
    on("w4", "true")
