# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.health import Limits, judge_health
from ansible_collections.flotilla.swarm.plugins.plugin_utils.health_overlay import find_closed_ways, overlay_words


def results(names: str, *closed: tuple[str, str, str]) -> dict[str, dict[str, Any]]:
    """All ways are open but those given as from, to and what came back."""
    reached = {name: {peer: "open" for peer in names if peer != name} for name in names}
    for source, target, outcome in closed:
        reached[source][target] = outcome
    return {name: {"reached": ways} for name, ways in reached.items()}


def both(first: str, second: str, outcome: str = "no answer") -> list[tuple[str, str, str]]:
    return [(first, second, outcome), (second, first, outcome)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (results("abc"), []),
        (results("a"), []),
        ({}, []),
        (results("abc", *both("a", "b")), [("a and b", "nothing gets through")]),
        (results("abc", ("a", "b", "only small packets")), [("a and b", "only small packets get through")]),
        (results("abc", ("a", "b", "only small packets"), ("b", "a", "no answer")), [("a and b", "nothing gets through")]),
        (results("abc", *both("a", "c"), *both("b", "c")), [("c", "nothing gets through")]),
        (results("abc", ("a", "c", "only small packets"), ("c", "b", "only small packets")), [("c", "only small packets get through")]),
        (results("abc", *both("a", "c"), ("c", "b", "only small packets")), [("c", "nothing gets through")]),
        (results("ab", *both("a", "b", "No route to host")), [("a and b", "nothing gets through")]),
        ({**results("abc"), "c": {"msg": "failed"}}, [("c", "nothing gets through")]),
        (
            results("abc", *both("a", "b"), *both("a", "c"), *both("b", "c")),
            [("a and b", "nothing gets through"), ("a and c", "nothing gets through"), ("b and c", "nothing gets through")],
        ),
    ],
)
def test_a_node_that_is_cut_off_is_told_once(given: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert find_closed_ways(given) == found


def test_many_pairs_are_counted() -> None:
    names = "abcdefgh"
    closed = [way for first in names for second in names if first < second for way in both(first, second)]
    found = find_closed_ways(results(names, *closed))
    assert len(found) == 6 and found[-1] == ("23 other pairs", "nothing gets through")
    assert overlay_words(results(names, *closed)) == "0 of 28 ways between nodes take full packets"
    assert overlay_words({}) == "no two nodes to try it between"


@pytest.mark.parametrize(
    ("closed", "where", "words", "cure"),
    [
        ([*both("a", "b")], "a and b", "nothing gets through, so that", "Check UDP 4790"),
        ([*both("a", "c"), *both("b", "c")], "c", "nothing gets through from or to any other node, so that", "Check UDP 4790"),
        ([("a", "b", "only small packets")], "a and b", "only small packets get through, so that", "Raise the MTU"),
    ],
)
def test_it_is_a_failure_of_the_swarm(closed: list[tuple[str, str, str]], where: str, words: str, cure: str) -> None:
    cluster = {"quorum": {"reachable": 1, "managers": 1, "margin": 0}, "cluster": {"data_path_port": 4790}}
    report = judge_health({}, cluster, [], Limits(1, 1), results("abc", *closed))
    (finding,) = report["findings"]
    assert (finding["area"], finding["state"], finding["where"]) == ("overlay", "failed", where)
    assert finding["text"].startswith(words) and finding["cure"].startswith(cure)


@pytest.mark.parametrize(
    ("state", "listening", "told"), [("active", "ab", True), ("inactive", "ab", False), ("active", "", False), ("active", "abc", False)]
)
def test_a_member_without_an_end_of_the_ingress_network_is_told(state: str, listening: str, told: bool) -> None:
    """Unless none has one: then there is no such network."""
    cluster = {"quorum": {"reachable": 1, "managers": 1, "margin": 0}}
    plain: dict[str, object] = {
        "problem": "",
        "certificate_expires": "",
        "certificate_days": None,
        "disk_free_mb": 9,
        "mounts": [],
        "gpus": [],
        "gpu_problem": "",
    }
    hosts = {name: {**plain, "node_id": name, "state": state if name == "c" else "active"} for name in "abc"}
    findings = judge_health(hosts, cluster, [], Limits(1, 1), results(listening))["findings"]
    mine = [(finding["state"], finding["where"]) for finding in findings if finding["area"] == "overlay"]
    assert mine == ([("failed", "c")] if told else [])
