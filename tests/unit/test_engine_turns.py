# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The turns of role engine, played by Ansible itself: what it does in which order, and when something fails. What decides: test_rolling."""

from __future__ import annotations

import time
from pathlib import Path

from engine_turns import Ran, member, take_turns

SMALL = {"m1": member("manager"), "w1": member(), "w2": member(), "w3": member()}
UPGRADE = "upgrade_packages.yml"
MARKED = {"io.flotilla.swarm.turn": "true"}


def states(ran: Ran) -> dict[str, tuple[str, dict[str, str]]]:
    return {name: (host["availability"], host["labels"]) for name, host in ran.state["hosts"].items()}


ACTIVE: dict[str, tuple[str, dict[str, str]]] = dict.fromkeys(SMALL, ("active", {}))


def test_each_node_is_drained_for_its_turn_alone_by_a_manager_that_stays(tmp_path: Path) -> None:
    """A node that an earlier run left drained is drained anew; between two turns there is time to look."""
    left = member(availability="drain", labels=dict(MARKED))
    swarm = {"m1": member("manager"), "m2": member("manager"), "m3": member("manager"), "w1": left}
    began = time.monotonic()
    ran = take_turns(tmp_path, swarm, due=["m1", "m2", "w1"], engine_pause=1)
    assert ran.rc == 0, ran.out
    steps = [("m1", "w1"), ("m1", "m2"), ("m2", "m1")]
    assert ran.state["log"] == [each for by, node in steps for each in ([by, {node: "drain"}], [node, "acts"], [by, {node: "previous"}])]
    assert states(ran) == dict.fromkeys(swarm, ("active", {}))
    waits = ran.out.count("ok: [m1 -> localhost]")
    assert waits == 2 and time.monotonic() - began >= waits, ran.out


def test_a_failed_upgrade_stays_drained_and_the_rest_is_untouched(tmp_path: Path) -> None:
    """The others of its batch are done, and get their availability back."""
    ran = take_turns(tmp_path, SMALL, UPGRADE, due=["w1", "w2", "w3"], engine_batch=2, state={"fails": ["w1"], "room": 2})
    assert ran.rc == 2 and "w1 failed, and stays drained" in ran.text and "went on" not in ran.text, ran.out
    assert sorted(ran.acted) == ["w1", "w2"] and states(ran) == {**ACTIVE, "w1": ("drain", MARKED)}


def test_an_engine_that_is_as_before_gets_its_node_back(tmp_path: Path) -> None:
    ran = take_turns(tmp_path, SMALL, due=["w1", "w2"], state={"fails": ["w1"]})
    assert ran.rc == 2 and "stays drained" not in ran.text and "w1 failed, so the nodes after them were not changed" in ran.text, ran.out
    assert ran.acted == ["w1"] and states(ran) == ACTIVE


def test_a_node_that_does_not_get_empty_is_left_alone(tmp_path: Path) -> None:
    ran = take_turns(tmp_path, SMALL, UPGRADE, due=["w1", "w2"], state={"stuck": ["w1"]})
    assert ran.rc == 2 and "w1 could not be drained, and the engines there were not changed" in ran.text and "went on" not in ran.text, (
        ran.out
    )
    assert "set engine_drain: false for that host" in ran.text
    assert ran.acted == [] and states(ran) == ACTIVE


def test_before_the_first_turn_all_of_them_are_checked(tmp_path: Path) -> None:
    ran = take_turns(tmp_path, SMALL, UPGRADE, due=["w1", "w2"], engine_batch=2)
    assert ran.rc == 2 and "no room for w1 and w2" in ran.text and ran.state["log"] == [] and "went on" not in ran.text, ran.out
    assert "set engine_drain: false for that host" in ran.text


def test_without_a_manager_to_spare_no_engine_is_touched(tmp_path: Path) -> None:
    swarm = {"m1": member("manager"), "m2": member("manager"), "m3": member("manager", "no engine"), "w1": member()}
    ran = take_turns(tmp_path, swarm, UPGRADE, due=["m1", "w1"])
    assert ran.rc == 2 and "the managers would lose their quorum" in ran.text and ran.state["log"] == [], ran.out
