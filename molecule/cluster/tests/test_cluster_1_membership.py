# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership on five real nodes: what may go wrong with inventories, limits and timing, in the order of a swarm's life.

The tests build on one another. What the engines say is read through the Docker SDK on the nodes, not through the collection.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.scenario import by_name, finish
from tests.scenario.cluster import MEMBERS, NODES, ONE, THREE, converge, lab, leave, look, on, play, settled, start, wipe

LABELS = {"w4": {"database": True}}

# Where it leads, the managers choose another leader first.
FORGET = """
import docker, time
api = docker.APIClient()
node = api.inspect_node({0!r})
api.update_node({0!r}, node["Version"]["Index"], {{**node["Spec"], "Role": "worker"}})
for attempt in range(30):
    try:
        api.remove_node({0!r}, force=True)
        break
    except docker.errors.APIError:
        time.sleep(1)
else:
    raise SystemExit("it is still there")
"""


@pytest.fixture
def nodes_off() -> Iterator[list[str]]:
    """Names in it are switched on again after the test."""
    off: list[str] = []
    yield off
    for node in off:
        lab("start", node)


def test_a_plan_on_fresh_hosts_changes_nothing() -> None:
    run = play("--check", "--diff", swarm_managers=ONE, nodes_labels=LABELS, networks_present=[{"name": "front"}])
    assert run.rc == 0, run.out
    assert "initialise" in run.text and run.text.count("join") >= 4
    assert {look(node)["state"] for node in NODES} == {"inactive"}


def test_a_pool_that_a_host_has_a_route_into_makes_no_swarm() -> None:
    on("w3", "ip route add 10.66.5.0/24 dev $(ip -o route show default | sed 's/.* dev //; s/ .*//')")
    run = play(swarm_managers=ONE, swarm_default_addr_pool=["10.66.0.0/16"])
    on("w3", "ip route del 10.66.5.0/24")
    assert run.rc != 0 and "default_addr_pool: w3 has 10.66.5.0/24" in run.text and "overlaps 10.66.0.0/16" in run.text
    assert {look(node)["state"] for node in NODES} == {"inactive"}


def test_two_runs_at_once_make_one_swarm() -> None:
    both = [start(MEMBERS, swarm_managers=ONE) for _ in range(2)]
    runs = [finish(process) for process in both]
    assert 0 in [run.rc for run in runs], runs[0].out + runs[1].out
    clusters = {look("m1")["cluster"]}
    converge(ONE, nodes_labels=LABELS)
    assert settled(ONE) and {look("m1")["cluster"]} == clusters


def test_a_second_run_changes_nothing() -> None:
    assert set(converge(ONE, nodes_labels=LABELS).changed.values()) == {0}


def test_managers_are_promoted_and_demoted_in_one_run_under_their_ids() -> None:
    ids = {node["name"]: node["id"] for node in look()["nodes"]}
    converge(THREE)
    assert settled(THREE)
    converge(["m1", "w2", "w3"])
    assert settled(["m1", "w2", "w3"])
    assert {node["name"]: node["id"] for node in look()["nodes"]} == ids
    converge(THREE)
    assert settled(THREE)


def test_a_wiped_first_manager_joins_the_swarm_again() -> None:
    before = look()
    wipe("m1")
    assert look()["state"] == "inactive"
    converge(THREE)
    after = look()
    assert (after["cluster"], after["id"] == before["id"]) == (before["cluster"], False)
    assert settled(THREE) and len(after["nodes"]) == len(NODES), "its ghost is gone"


def test_leaving_and_joining_three_times_leaves_no_ghosts_and_brings_the_labels_back() -> None:
    for _ in range(3):
        leave("w4")
        converge(THREE, nodes_labels=LABELS)
        (node,) = [each for each in look()["nodes"] if each["name"] == "w4"]
        assert (node["role"], node["state"], node["labels"]) == ("worker", "ready", {"database": "true"})


def test_an_inventory_that_wants_another_swarm_is_refused() -> None:
    cluster = look()["cluster"]
    run = play(swarm_managers=THREE, swarm_cluster_id="another")
    assert run.rc != 0 and f"is in swarm {cluster}, but swarm another is wanted" in run.text
    assert set(converge(THREE, swarm_cluster_id=cluster).changed.values()) == {0}
    leave("w4")
    alone = play("--limit", "w4", swarm_managers=["w4"], swarm_cluster_id=cluster)
    assert alone.rc != 0 and f"swarm {cluster} is wanted, and no manager is in it" in alone.text and look("w4")["state"] == "inactive"
    converge(THREE, nodes_labels=LABELS)
    assert settled(THREE)


def test_hosts_that_were_removed_behind_their_back_join_again() -> None:
    """A manager and a worker. The engine of neither notices: the one says that it is active, the other, restarted, that it is pending."""
    ids = {node["name"]: node["id"] for node in look()["nodes"]}
    for name in ("w2", "w4"):
        on("m1", "python3 -", FORGET.format(ids[name]))
    on("w4", "systemctl restart docker")
    assert (look("w2")["state"], look("w4")["state"]) == ("active", "pending")
    plan = play("--check", swarm_managers=THREE)
    assert plan.rc == 0 and plan.text.count("managers no longer list node") == 2, plan.out
    run = converge(THREE, nodes_labels=LABELS)
    assert f"managers no longer list node {ids['w2']}" in run.text and settled(THREE)
    now = {node["name"]: node["id"] for node in look()["nodes"]}
    assert [name for name in NODES if now[name] != ids[name]] == ["w2", "w4"] and len(look()["nodes"]) == len(NODES)
    assert by_name(look())["w4"]["labels"] == {"database": "true"}


def test_hosts_with_one_name_get_their_own_labels() -> None:
    ids = {node["name"]: node["id"] for node in look()["nodes"]}
    on("w4", "hostname w3 && systemctl restart docker")
    try:
        run = converge(THREE, nodes_labels={"w3": {"third": True}, "w4": {"fourth": True}})
        labels = {node["id"]: (node["name"], node["labels"]) for node in look()["nodes"]}
        assert labels[ids["w3"]] == ("w3", {"third": "true"}), run.out
        assert labels[ids["w4"]] == ("w3", {"database": "true", "fourth": "true"})
    finally:
        on("w4", "hostname w4 && systemctl restart docker")
    converge(THREE, nodes_labels={"w3": {"third": None}, "w4": {"fourth": None}})
    assert settled(THREE)


def test_a_host_of_another_swarm_is_refused_with_both_ids() -> None:
    leave("w4")
    on("w4", "python3 -", "import docker; docker.APIClient().init_swarm(advertise_addr='127.0.0.1')")
    ours, theirs = look()["cluster"], look("w4")["cluster"]
    run = play(swarm_managers=THREE)
    assert run.rc != 0 and ours in run.text and theirs in run.text
    assert look("w4")["cluster"] == theirs
    leave("w4")
    converge(THREE)
    assert settled(THREE)


def test_a_fresh_host_makes_no_swarm_while_the_managers_are_off(nodes_off: list[str]) -> None:
    cluster = look()["cluster"]
    leave("w4")
    for node in THREE:
        lab("stop", "--hard", node)
        nodes_off.append(node)
    run = play("--limit", "w4", swarm_managers=THREE)
    assert run.rc != 0
    assert "it is unknown whether a swarm exists" in run.text and all(f"{node} does not answer" in run.text for node in THREE)
    lab("start", "m1")
    nodes_off.remove("m1")
    alone = play("--limit", "m1,w4", swarm_managers=THREE)
    assert alone.rc != 0 and f"no manager of swarm {cluster} can act: m1 is" in alone.text, alone.out
    assert look("w4")["state"] == "inactive"
    while nodes_off:
        lab("start", nodes_off.pop())
    for node in THREE:
        on(node, "systemctl start docker")  # it may be starting still, and this waits as the role of engines does
    converge(THREE)
    assert settled(THREE) and look()["cluster"] == cluster


@pytest.mark.parametrize(("stopped", "witness"), [("w1", "m1"), ("m1", "w1")], ids=["a manager", "the first manager"])
def test_a_stopped_node_is_named_and_the_rest_is_done(nodes_off: list[str], stopped: str, witness: str) -> None:
    lab("stop", stopped)
    nodes_off.append(stopped)
    run = play(swarm_managers=THREE, nodes_labels={"w3": {"seen": True}})
    assert run.rc != 0 and f"fatal: [{stopped}]: UNREACHABLE" in run.text
    assert by_name(look(witness))["w3"]["labels"] == {"seen": "true"}
    lab("start", nodes_off.pop())
    converge(THREE, nodes_labels={"w3": {"seen": None}})
    assert settled(THREE)


def test_the_next_run_finishes_when_the_leader_dies_in_the_middle(nodes_off: list[str]) -> None:
    leave("w4")
    process = start(MEMBERS, swarm_managers=THREE)
    time.sleep(4)
    lab("stop", "--hard", "m1")
    nodes_off.append("m1")
    finish(process)
    lab("start", nodes_off.pop())
    converge(THREE)
    assert settled(THREE)


def test_nodes_are_taken_out_one_by_one_until_one_manager_is_left() -> None:
    run = play(playbook="playbooks/remove_node.yml", nodes_target=["w4"], swarm_managers=THREE)
    assert run.rc != 0 and "confirm is missing" in run.text and len(look()["nodes"]) == len(NODES)
    run = play(playbook="playbooks/remove_node.yml", nodes_target=["w4"], confirm="lab")
    assert run.rc == 0, run.out
    assert look("w4")["state"] == "inactive" and "w4" not in by_name(look())
    again = play(playbook="playbooks/remove_node.yml", nodes_target=["w4"], confirm="lab")
    assert again.rc == 0 and set(again.changed.values()) == {0}, again.out
    converge(ONE)
    assert settled(ONE)
