# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership on five real nodes: what may go wrong with inventories, limits and timing, in the order of a swarm's life.

The tests build on one another. What the engines say is read through the Docker SDK on the nodes, not through the collection.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
LAB = os.environ.get("FLOTILLA_LAB", "cluster")
INVENTORY = "inventories/lab"
MEMBERS = "molecule/cluster/members.yml"
NODES = ("m1", "w1", "w2", "w3", "w4")
ONE, THREE = ["m1"], ["m1", "w1", "w2"]
LABELS = {"w4": {"database": True}}

LOOK = """
import docker, json
api = docker.APIClient(timeout=30)
swarm = api.info()["Swarm"]
nodes = api.nodes() if swarm["ControlAvailable"] and swarm.get("Cluster") else []
print(json.dumps({
    "state": swarm["LocalNodeState"], "id": swarm["NodeID"], "cluster": (swarm.get("Cluster") or {}).get("ID", ""),
    "nodes": [
        [n["Description"]["Hostname"], n["ID"], n["Spec"]["Role"], n["Status"]["State"], n["Spec"].get("Labels") or {}] for n in nodes
    ],
}))
"""


@dataclass(frozen=True)
class Run:
    """A playbook that ran to its end."""

    rc: int
    out: str

    @property
    def changed(self) -> dict[str, int]:
        """Host -> number of changed tasks."""
        rows = [line for line in self.out.split("PLAY RECAP", 1)[-1].splitlines() if "changed=" in line]
        return {row.split()[0]: int(row.split("changed=")[1].split()[0]) for row in rows}

    @property
    def text(self) -> str:
        """The output with its lines joined: messages are wrapped."""
        return " ".join(self.out.split())


def start(playbook: str, *arguments: str, **variables: Any) -> subprocess.Popen[str]:
    given = {"nodes_labels": {}, "nodes_label_policies": {}, "networks_present": [], "nodes_remove_ghosts": True, **variables}
    command = ["ansible-playbook", "-i", INVENTORY, playbook, *arguments, "-e", json.dumps({"swarm_name": "lab", **given})]
    environment = {**os.environ, "FLOTILLA_LAB": LAB, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str]) -> Run:
    out, _err = process.communicate()
    return Run(process.returncode, out)


def play(*arguments: str, playbook: str = MEMBERS, **variables: Any) -> Run:
    return finish(start(playbook, *arguments, **variables))


def converge(managers: list[str], **variables: Any) -> Run:
    """Run to success for these managers."""
    run = play(swarm_managers=managers, **variables)
    assert run.rc == 0, run.out
    return run


def lab(*arguments: str) -> None:
    subprocess.run(["python3", "-m", "tests.lab", arguments[0], "--name", LAB, *arguments[1:]], cwd=ROOT, check=True)


def on(node: str, command: str, stdin: str = "") -> str:
    argv = ["python3", "-m", "tests.lab", "ssh", "--name", LAB, node, command]
    done = subprocess.run(argv, cwd=ROOT, input=stdin, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def look(node: str = "m1") -> dict[str, Any]:
    return dict(json.loads(on(node, "python3 -", LOOK)))


def roles(node: str = "m1") -> dict[str, str]:
    """Host name -> role of the nodes that are up; a name that is there twice has both."""
    found: dict[str, str] = {}
    for name, _id, role, state, _labels in look(node)["nodes"]:
        if state == "ready":
            found[name] = f"{found[name]} and {role}" if name in found else role
    return found


def wanted(managers: list[str]) -> dict[str, str]:
    return {name: "manager" if name in managers else "worker" for name in NODES}


def settled(managers: list[str], seconds: float = 60) -> bool:
    """Whether all nodes are up in their roles; a node that changed its role may blink for some seconds."""
    until = time.monotonic() + seconds
    while roles() != wanted(managers):
        if time.monotonic() > until:
            return False
        time.sleep(2)
    return True


def leave(node: str) -> None:
    on(node, "python3 -", "import docker; docker.APIClient(timeout=60).leave_swarm(force=True)")


def wipe(node: str) -> None:
    on(node, "systemctl stop docker docker.socket && rm -rf /var/lib/docker/swarm && systemctl start docker")


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
    ids = {row[0]: row[1] for row in look()["nodes"]}
    converge(THREE)
    assert settled(THREE)
    converge(["m1", "w2", "w3"])
    assert settled(["m1", "w2", "w3"])
    assert {row[0]: row[1] for row in look()["nodes"]} == ids
    converge(THREE)


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
        (node,) = [row for row in look()["nodes"] if row[0] == "w4"]
        assert node[2:] == ["worker", "ready", {"database": "true"}]


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
    assert "whether a swarm exists can't be told" in run.text and all(f"{node} does not answer" in run.text for node in THREE)
    assert look("w4")["state"] == "inactive"
    while nodes_off:
        lab("start", nodes_off.pop())
    converge(THREE)
    assert settled(THREE) and look()["cluster"] == cluster


def test_a_stopped_node_is_named_and_the_rest_is_done(nodes_off: list[str]) -> None:
    lab("stop", "w1")
    nodes_off.append("w1")
    run = play(swarm_managers=THREE, nodes_labels={"w3": {"seen": True}})
    assert run.rc != 0 and "fatal: [w1]: UNREACHABLE" in run.text
    assert next(row[4] for row in look()["nodes"] if row[0] == "w3") == {"seen": "true"}
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


def test_a_drain_without_room_is_refused() -> None:
    image = "tar -ch -C / usr/bin/sleep lib64/ld-linux-x86-64.so.2 lib/x86_64-linux-gnu/libc.so.6"
    load = (
        "import docker, subprocess; api = docker.APIClient(timeout=90); "
        f"api.import_image_from_data(subprocess.check_output({image.split()}), 'tiny', '1')"
    )
    for node in ("w3", "w4"):
        on(node, "python3 -", load)
    create = (
        "import docker; docker.APIClient().create_service({'ContainerSpec': {'Image': 'tiny:1', 'Command': ['/usr/bin/sleep', '9999']},"
        " 'Placement': {'Constraints': ['node.hostname == w3']}}, name='tied')"
    )
    on("m1", "python3 -", create)
    time.sleep(5)
    refused = play(playbook="playbooks/drain.yml", swarm_managers=THREE, nodes_target=["w3"])
    assert refused.rc != 0 and "tied has 1 task there, and no other node" in refused.text
    free = create.replace("tied", "free").replace("== w3", "!= m1")
    on("m1", "python3 -", free)
    on("m1", "python3 -", "import docker; docker.APIClient().remove_service('tied')")
    done = play(playbook="playbooks/drain.yml", swarm_managers=THREE, nodes_target=["w3"])
    assert done.rc == 0, done.out
    back = play(playbook="playbooks/activate.yml", swarm_managers=THREE, nodes_target=["w3"])
    assert back.rc == 0 and set(play(playbook="playbooks/activate.yml", swarm_managers=THREE, nodes_target=["w3"]).changed.values()) == {0}
    on("m1", "python3 -", "import docker; docker.APIClient().remove_service('free')")


def test_public_subnets_are_refused() -> None:
    run = play(swarm_managers=THREE, networks_present=[{"name": "dns", "subnet": "8.8.8.0/24"}])
    assert run.rc != 0 and "8.8.8.0/24 is a public range" in run.text


def test_a_subnet_that_a_host_has_a_route_into_is_refused() -> None:
    on("w3", "ip route add 10.66.0.0/24 dev $(ip -o route show default | sed 's/.* dev //; s/ .*//')")
    run = play(swarm_managers=THREE, networks_present=[{"name": "routed", "subnet": "10.66.0.0/25"}])
    on("w3", "ip route del 10.66.0.0/24")
    assert run.rc != 0 and "w3 has 10.66.0.0/24" in run.text and "overlaps 10.66.0.0/25" in run.text
    converge(THREE, networks_present=[{"name": "routed", "subnet": "10.66.0.0/25"}])
    converge(THREE, networks_absent=["routed"])


def test_a_locked_manager_is_unlocked_and_no_secret_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One long run with all that writes: the log, the fact cache, the most words."""
    monkeypatch.setenv("ANSIBLE_LOG_PATH", str(tmp_path / "ansible.log"))
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN", "jsonfile")
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN_CONNECTION", str(tmp_path / "facts"))
    key_file = tmp_path / "unlock.key"
    locking: dict[str, Any] = {"swarm_settings": {"autolock": True}, "swarm_unlock_key_file": str(key_file)}
    leave("w4")
    outputs = [finish(start(MEMBERS, "-vvvv", swarm_managers=THREE, **locking))]
    key = key_file.read_text().strip()
    assert key.startswith("SWMKEY-1-") and key_file.stat().st_mode & 0o777 == 0o600
    on("w1", "systemctl restart docker")
    assert look("w1")["state"] == "locked"
    outputs.append(finish(start(MEMBERS, "-vvvv", swarm_managers=THREE, **locking)))
    assert [run.rc for run in outputs] == [0, 0], outputs[-1].out
    assert settled(THREE)
    told = [run.out for run in outputs] + [path.read_text() for path in tmp_path.rglob("*") if path.is_file() and path != key_file]
    assert len(told) > 3
    assert not [text for text in told if "SWMKEY-1-" in text or "SWMTKN-1-" in text]
    converge(THREE, swarm_settings={"autolock": False})


def test_nodes_are_taken_out_one_by_one_until_one_manager_is_left() -> None:
    run = play(playbook="playbooks/remove_node.yml", nodes_target=["w4"], swarm_managers=THREE)
    assert run.rc != 0 and "confirm is missing" in run.text and len(look()["nodes"]) == len(NODES)
    run = play(playbook="playbooks/remove_node.yml", nodes_target=["w4"], confirm="lab")
    assert run.rc == 0, run.out
    assert look("w4")["state"] == "inactive" and "w4" not in {row[0] for row in look()["nodes"]}
    converge(ONE)
    assert settled(ONE)
