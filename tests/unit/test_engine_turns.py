# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which turns role engine restarts nodes, and what it refuses, rendered by Ansible itself from the role's own variables."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine_turns import Ran, member, take_turns

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles/engine"


def render(folder: Path, template: str, hosts: dict[str, dict[str, Any]], **variables: Any) -> dict[str, Any]:
    """Host -> what the template is there."""
    task = {"name": "Say", "ansible.builtin.copy": {"content": template, "dest": f"{folder}/{{{{ inventory_hostname }}}}.json"}}
    play = [{"hosts": "all", "gather_facts": False, "vars_files": [str(ROLE / "vars/main.yml")], "tasks": [task]}]
    (folder / "play.yml").write_text(json.dumps(play))
    (folder / "group_vars").mkdir()
    (folder / "group_vars/all.yml").write_text((ROLE / "defaults/main.yml").read_text())
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables}
    (folder / "hosts.json").write_text(json.dumps({"all": {"vars": here, "hosts": hosts}}))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.json", "play.yml"]
    done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in hosts}


KINDS = {"m1": "leader", "m2": "manager", "m3": "manager", "w1": "worker", "w2": "worker", "w3": "worker", "new": "outside", "dead": "off"}
MEMBERS = {name: {"__engine_member": {"name": name, "kind": kind, "drain": kind in ("worker", "manager")}} for name, kind in KINDS.items()}


def test_workers_come_first_in_batches_and_the_leader_last(tmp_path: Path) -> None:
    """A host without a turn, or whose turn is over, is in none."""
    hosts: dict[str, dict[str, Any]] = {**MEMBERS, "untouched": {}, "over": {"__engine_member": {}}}
    for host, batch in (("w1", 1), ("w2", "2"), ("w3", 9)):
        hosts[host] = {**hosts[host], "engine_batch": batch}
    turns = render(tmp_path, "{{ __engine_order | to_json }}", hosts)
    names = {host: [[member["name"] for member in turn] for turn in turns[host]] for host in ("w1", "w2", "w3")}
    managers = [["m2"], ["m3"], ["m1"]]
    assert names == {
        "w1": [["new", "dead"], ["w1"], ["w2"], ["w3"], *managers],
        "w2": [["new", "dead"], ["w1", "w2"], ["w3"], *managers],
        "w3": [["new", "dead"], ["w1", "w2", "w3"], *managers],
    }


def answer(name: str, margin: int, reachable: int = 3, **told: Any) -> dict[str, Any]:
    quorum = {"managers": 3, "reachable": reachable, "needed": 2, "margin": margin}
    nodes = [
        {
            "node_id": host,
            "leader": host == "m1",
            "availability": "active",
            "labels": {"io.flotilla.swarm.turn": "true"} if host == "w2" else {},
        }
        for host in KINDS
    ]
    nodes[3]["availability"] = nodes[4]["availability"] = "drain"
    return {"item": name, "acting": True, "quorum": quorum, "nodes": nodes, "settings": {"autolock": False}, **told}


def own(name: str, state: str = "active") -> dict[str, Any]:
    return {"state": state, "role": "manager" if name.startswith("m") else "worker" if state == "active" else "", "node_id": name}


HOSTS = {name: {"__engine_own": own(name)} for name in ("m1", "m2", "w1", "w2", "w3")}
HOSTS |= {"new": {"__engine_own": own("new", "inactive")}, "dead": {"__engine_own": own("dead", "no engine")}}


def test_what_a_node_is_to_its_turn(tmp_path: Path) -> None:
    """A node that somebody drained is left so; one that an earlier turn drained is ours."""
    seen = {"results": [answer("m1", 1), answer("m2", 1)]}
    template = "{{ [__engine_kind, __engine_drains, __engine_refusal] | to_json }}"
    assert render(tmp_path, template, HOSTS, __engine_seen=seen) == {
        "m1": ["leader", True, ""],
        "m2": ["manager", True, ""],
        "w1": ["worker", False, ""],
        "w2": ["worker", True, ""],
        "w3": ["worker", True, ""],
        "new": ["outside", False, ""],
        "dead": ["off", False, ""],
    }


LOCKING = {"results": [answer("m1", 1, settings={"autolock": True})]}
LOST: dict[str, Any] = {"results": [{"item": "m1", "unreachable": True}]}
REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "a manager that would lock itself": ({**HOSTS["m1"], "__engine_seen": LOCKING}, "the swarm locks managers that restart"),
    "a worker of such a swarm": ({**HOSTS["w3"], "__engine_seen": LOCKING}, ""),
    "no leader": ({**HOSTS["w3"], "__engine_seen": {"results": [answer("m1", 1, acting=False)]}}, "no manager can act"),
    "no answer": ({**HOSTS["w3"], "__engine_seen": LOST}, "no manager can act"),
    "outside": ({**HOSTS["new"], "__engine_seen": LOST}, ""),
    "locked": ({"__engine_own": own("m1", "locked"), "__engine_seen": LOST}, "it is a manager that is locked"),
    "batch": ({**HOSTS["w3"], "__engine_seen": {"results": [answer("m1", 1)]}, "engine_batch": 0}, "engine_batch is 0, expected 1 or more"),
}


def test_what_is_refused_before_the_first_turn(tmp_path: Path) -> None:
    names = {case: case.replace(" ", "-") for case in REFUSALS}
    hosts = {names[case]: variables for case, (variables, _words) in REFUSALS.items()}
    said = render(tmp_path, "{{ __engine_refusal | to_json }}", hosts)
    assert [
        case for case, (_vars, words) in REFUSALS.items() if words not in said[names[case]] or bool(words) != bool(said[names[case]])
    ] == []


def test_a_manager_waits_for_the_quorum(tmp_path: Path) -> None:
    cases = {"none-to-spare": (0, "manager"), "a-worker": (0, "worker"), "one-to-spare": (1, "manager"), "the-leader": (1, "leader")}
    hosts: dict[str, dict[str, Any]] = {
        case: {
            "__engine_turn": [{"name": "m2", "kind": kind, "drain": True}],
            "__engine_seen": {"results": [answer("m2", margin), answer("m1", margin)]},
        }
        for case, (margin, kind) in cases.items()
    }
    said = render(tmp_path, "{{ [__engine_quorum_refusal | length > 0, __engine_manager] | to_json }}", hosts)
    assert said == {case: [case == "none-to-spare", "m1"] for case in cases}


SMALL = {"m1": member("manager"), "w1": member(), "w2": member(), "w3": member()}
UPGRADE = "upgrade_packages.yml"
MARKED = {"io.flotilla.swarm.turn": "true"}


def states(ran: Ran) -> dict[str, tuple[str, dict[str, str]]]:
    return {name: (host["availability"], host["labels"]) for name, host in ran.state["hosts"].items()}


ACTIVE: dict[str, tuple[str, dict[str, str]]] = dict.fromkeys(SMALL, ("active", {}))


def test_each_node_is_drained_for_its_turn_alone_by_a_manager_that_stays(tmp_path: Path) -> None:
    swarm = {"m1": member("manager"), "m2": member("manager"), "m3": member("manager"), "w1": member()}
    ran = take_turns(tmp_path, swarm, due=["m1", "m2", "w1"])
    assert ran.rc == 0, ran.out
    steps = [("m1", "w1"), ("m1", "m2"), ("m2", "m1")]
    assert ran.state["log"] == [each for by, node in steps for each in ([by, {node: "drain"}], [node, "acts"], [by, {node: "previous"}])]
    assert states(ran) == dict.fromkeys(swarm, ("active", {}))


def test_between_two_turns_there_is_time_to_look(tmp_path: Path) -> None:
    began = time.monotonic()
    ran = take_turns(tmp_path, {"m1": member("manager"), "w1": member(), "w2": member()}, engine_pause=1)
    assert ran.rc == 0 and ran.acted == ["w1", "w2", "m1"], ran.out
    waits = ran.out.count("ok: [m1 -> localhost]")
    assert waits == 2 and time.monotonic() - began >= waits, ran.out


def test_a_failed_upgrade_stays_drained_and_the_rest_is_untouched(tmp_path: Path) -> None:
    """The others of its batch are done, and get their availability back."""
    ran = take_turns(tmp_path, SMALL, UPGRADE, due=["w1", "w2", "w3"], engine_batch=2, state={"fails": ["w1"], "room": 2})
    assert ran.rc == 2 and "w1 failed, and stays drained" in ran.text and "went on" not in ran.text, ran.out
    assert sorted(ran.acted) == ["w1", "w2"] and states(ran) == {**ACTIVE, "w1": ("drain", MARKED)}


def test_the_next_run_gives_a_node_back_that_was_left_drained(tmp_path: Path) -> None:
    swarm = {**SMALL, "w1": member(availability="drain", labels=dict(MARKED)), "w2": member(availability="drain")}
    ran = take_turns(tmp_path, swarm, UPGRADE, due=["w1", "w2"])
    assert ran.rc == 0, ran.out
    assert ran.acted == ["w1", "w2"] and states(ran) == {**ACTIVE, "w2": ("drain", {})}, "w2 was drained by somebody else"


def test_an_engine_that_is_as_before_gets_its_node_back(tmp_path: Path) -> None:
    ran = take_turns(tmp_path, SMALL, due=["w1", "w2"], state={"fails": ["w1"]})
    assert ran.rc == 2 and "stays drained" not in ran.text and "w1 failed, so the nodes that come after were not touched" in ran.text, (
        ran.out
    )
    assert ran.acted == ["w1"] and states(ran) == ACTIVE


def test_a_node_that_does_not_get_empty_is_left_alone(tmp_path: Path) -> None:
    ran = take_turns(tmp_path, SMALL, UPGRADE, due=["w1", "w2"], state={"stuck": ["w1"]})
    assert ran.rc == 2 and "w1 could not be drained, and the engine there was not touched" in ran.text and "went on" not in ran.text, (
        ran.out
    )
    assert ran.acted == [] and states(ran) == ACTIVE


@pytest.mark.parametrize(
    ("swarm", "more", "words"),
    [
        (SMALL, {"due": ["w1", "w2"], "engine_batch": 2}, "no room for w1 and w2"),
        (
            {"m1": member("manager"), "m2": member("manager"), "m3": member("manager", "no engine"), "w1": member()},
            {"due": ["m1", "w1"]},
            "the managers would lose their quorum",
        ),
    ],
)
def test_before_the_first_turn_all_of_them_are_checked(swarm: dict[str, Any], more: dict[str, Any], words: str, tmp_path: Path) -> None:
    ran = take_turns(tmp_path, swarm, UPGRADE, **more)
    assert ran.rc == 2 and words in ran.text and ran.state["log"] == [] and "went on" not in ran.text, ran.out


def test_a_manager_that_is_off_is_brought_back_first(tmp_path: Path) -> None:
    """A run that was stopped there goes on, although the quorum could spare no other one."""
    swarm = {"m1": member("manager"), "m2": member("manager"), "m3": member("manager", "no engine"), "w1": member()}
    ran = take_turns(tmp_path, swarm, UPGRADE, due=["m2", "m3"])
    assert ran.rc == 0, ran.out
    assert ran.acted == ["m3", "m2"]
