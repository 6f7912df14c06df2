# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining on five real nodes: with room and without, with a client that reads, and when the run is killed in the middle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.scenario import Run
from tests.scenario.cluster import THREE, availability, converge, look, on, play, settled, start
from tests.scenario.web import PORT, await_homes, create_service, homes, load_image, reading, remove_service, service_spec

DRAIN, ACTIVATE, REMOVE = "playbooks/drain.yml", "playbooks/activate.yml", "playbooks/remove_node.yml"


@pytest.fixture(scope="module", autouse=True)
def swarm() -> None:
    converge(THREE)
    assert settled(THREE)
    load_image()


@pytest.fixture
def alone() -> Iterator[str]:
    """A service of one task, and the host on which it runs."""
    create_service("alone", port=PORT, constraints=("node.role==worker",))
    (home,) = await_homes("alone", 1)
    yield home
    remove_service("alone")
    activate(home)


def drain(*nodes: str, surge: str = "none") -> Run:
    return play(playbook=DRAIN, swarm_managers=THREE, nodes_target=list(nodes), nodes_surge=surge)


def activate(*nodes: str) -> Run:
    return play(playbook=ACTIVATE, swarm_managers=THREE, nodes_target=list(nodes))


@contextmanager
def container(node: str, name: str) -> Iterator[None]:
    """A container that is no task."""
    wait = ["/usr/bin/python3", "-c", "import time; time.sleep(900)"]
    on(node, "python3 -", f"import docker; docker.from_env().containers.run('web:1', {wait!r}, name={name!r}, detach=True)")
    yield
    on(node, "python3 -", f"import docker; docker.from_env().containers.get({name!r}).remove(force=True)")


def test_a_drain_without_room_is_refused() -> None:
    create_service("tied", constraints=("node.hostname==w3",))
    await_homes("tied", 1)
    for surge in ("none", "all"):
        refused = drain("w3", surge=surge)
        assert refused.rc != 0 and "tied has 1 task there, and no other node" in refused.text
    assert availability("w3") == "active" and homes("tied") == ["w3"]
    remove_service("tied")


def test_a_drained_node_is_what_it_was_again() -> None:
    create_service("free", constraints=("node.hostname!=m1",))
    await_homes("free", 1)
    with container("w3", "exporter"):
        done = drain("w3")
        assert done.rc == 0 and availability("w3") == "drain", done.out
        assert "- w3: exporter" in done.text
    assert set(drain("w3").changed.values()) == {0}
    assert activate("w3").rc == 0 and availability("w3") == "active"
    assert set(activate("w3").changed.values()) == {0}
    remove_service("free")


def test_check_mode_says_what_would_become_of_a_drained_node() -> None:
    assert drain("w4").rc == 0
    before = look()
    back = play("--check", playbook=ACTIVATE, swarm_managers=THREE, nodes_target=["w4"])
    assert back.rc == 0 and 'availability: "drain" -> "active"' in back.text, back.out
    out = play("--check", playbook=REMOVE, swarm_managers=THREE, nodes_target=["w4"], confirm="lab")
    assert out.rc == 0 and "leave" in out.text and "Nothing was changed." in out.text, out.out
    assert availability("w4") == "drain" and look() == before and look("w4")["state"] == "active"
    assert activate("w4").rc == 0


@pytest.mark.parametrize(
    ("playbook", "variables", "words"),
    [
        (DRAIN, {"nodes_target": ["w9"]}, "the swarm has no node w9 (its nodes are m1, w1, w2, w3, w4)"),
        (DRAIN, {"nodes_target": ["w3"], "nodes_surge": "some"}, "nodes_surge is 'some'. Expected none, sole or all."),
        (ACTIVATE, {"nodes_target": "w3, w9"}, "the swarm has no node w9"),
        (
            REMOVE,
            {"nodes_target": "w3, w9", "confirm": "lab"},
            "w9: neither a host of the inventory nor a node of the swarm, whose nodes are m1",
        ),
        (REMOVE, {"nodes_target": ["w3"], "confirm": "other"}, "confirm is 'other', which is not its name"),
    ],
)
def test_wrong_input_gives_one_clear_message_and_changes_nothing(playbook: str, variables: dict[str, Any], words: str) -> None:
    before = look()
    run = play(playbook=playbook, swarm_managers=THREE, **variables)
    assert run.rc != 0 and words in run.text and "Traceback" not in run.out and not any(run.changed.values()), run.out
    assert look() == before and availability("w3") == "active"


def test_a_plain_drain_is_noticed_by_those_who_read(alone: str) -> None:
    """What the next test proves would be nothing if this one did not fail any request."""
    with reading() as reader:
        done = drain(alone)
    assert done.rc == 0, done.out
    assert reader.failures and reader.requests > 20


def test_a_drain_with_surge_fails_no_request(alone: str) -> None:
    spec = service_spec("alone")
    with reading() as reader:
        plan = play("--check", playbook=DRAIN, swarm_managers=THREE, nodes_target=[alone], nodes_surge="sole")
        assert plan.rc == 0 and f"1 of its tasks runs elsewhere before {alone} is drained" in plan.text
        assert homes("alone") == [alone] and service_spec("alone") == spec
        done = drain(alone, surge="sole")
        assert done.rc == 0, done.out
        (new,) = homes("alone")
        assert new != alone and availability(alone) == "drain"
        assert activate(alone).rc == 0
        back = drain(new, surge="all")
        assert back.rc == 0, back.out
        assert activate(new).rc == 0
    assert reader.failures == [] and reader.requests > 100
    assert homes("alone") == [alone] and service_spec("alone") == spec


def test_what_a_killed_drain_left_is_put_right_by_the_next_run(alone: str) -> None:
    spec = service_spec("alone")
    process = start(DRAIN, swarm_managers=THREE, nodes_target=[alone], nodes_surge="all")
    until = time.monotonic() + 60
    while service_spec("alone")["Labels"] == spec["Labels"] and time.monotonic() < until:
        time.sleep(0.2)
    for node in THREE:  # a module comes to its Python by standard input
        on(node, "pkill -9 -x -f /usr/bin/python3 || true")
    process.communicate()
    assert availability(alone) == "pause" and service_spec("alone") != spec
    back = activate(alone)
    assert back.rc == 0 and "gets back its placement and update policy" in back.text, back.out
    assert service_spec("alone") == spec and availability(alone) == "active"
    await_homes("alone", 1)


def test_two_drains_at_once_end_in_one(alone: str) -> None:
    spec = service_spec("alone")
    with reading() as reader:
        both = [start(DRAIN, swarm_managers=THREE, nodes_target=[alone], nodes_surge="all") for _ in range(2)]
        outs = [process.communicate()[0] for process in both]
        assert 0 in [process.returncode for process in both], outs[0] + outs[1]
        again = drain(alone, surge="all")
    assert again.rc == 0 and availability(alone) == "drain" and service_spec("alone") == spec
    assert reader.failures == []
