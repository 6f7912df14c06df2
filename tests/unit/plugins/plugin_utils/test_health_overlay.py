# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.health import Limits, judge_health
from ansible_collections.flotilla.swarm.plugins.plugin_utils.health_overlay import (
    Closed,
    find_clear_ways,
    find_closed_ways,
    overlay_words,
)
from well_host import WELL

Way = tuple[str, str, str]


def results(names: str, *closed: Way) -> dict[str, dict[str, Any]]:
    """All ways are open but those given as from, to and what came back."""
    return {name: {"networks": [network(names, name, closed, ingress=True)]} for name in names}


def network(names: str, mine: str, closed: Sequence[Way] = (), name: str = "ingress", **more: Any) -> dict[str, Any]:
    outcomes = {target: outcome for source, target, outcome in closed if source == mine}
    reached = {peer: outcomes.get(peer, "open") for peer in names if peer != mine}
    return {"network": name, "ingress": False, "encrypted": False, "reached": reached, "in_clear": [], **more}


def encrypted(names: str, *closed: Way, clear: Sequence[str] = (), given: dict[str, Any] | None = None) -> dict[str, Any]:
    """The network ``secret`` on all nodes beside what is given; clear has ways such as ``ab``."""
    found = given or results(names)
    for mine in names:
        read = [way[1] for way in clear if way[0] == mine]
        found[mine]["networks"].append(network(names, mine, closed, "secret", encrypted=True, in_clear=read))
    return found


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
    assert find_closed_ways(given) == [Closed(*place) for place in found]


def test_many_pairs_are_counted() -> None:
    names = "abcdefgh"
    closed = [way for first in names for second in names if first < second for way in both(first, second)]
    found = find_closed_ways(results(names, *closed))
    assert len(found) == 6 and found[-1] == Closed("23 other pairs", "nothing gets through")
    assert overlay_words(results(names, *closed)) == "0 of 28 paths between nodes carry full packets"
    assert overlay_words({}) == "there are no two nodes to test"


@pytest.mark.parametrize(
    ("closed", "where", "words", "cure"),
    [
        ([*both("a", "b")], "a and b", "nothing gets through, so", "Check UDP 4790"),
        ([*both("a", "c"), *both("b", "c")], "c", "nothing gets through from or to any other node, so", "Check UDP 4790"),
        ([("a", "b", "only small packets")], "a and b", "only small packets get through, so", "Raise the MTU"),
    ],
)
def test_it_is_a_failure_of_the_swarm(closed: list[tuple[str, str, str]], where: str, words: str, cure: str) -> None:
    cluster = {"quorum": {"reachable": 1, "managers": 1, "margin": 0}, "cluster": {"data_path_port": 4790}}
    report = judge_health({}, cluster, [], Limits(1, 1), results("abc", *closed))
    (finding,) = report["findings"]
    assert (finding["area"], finding["state"], finding["where"]) == ("overlay", "failed", where)
    assert finding["text"].startswith(words) and finding["cure"].startswith(cure)


@pytest.mark.parametrize(
    ("given", "closed", "clear", "words"),
    [
        (encrypted("ab"), [], {}, "1 of 1 paths between nodes carry full packets; 1 of 1 in encrypted networks carry them encrypted"),
        (encrypted("ab", clear=["ba"]), [], {"secret": "b to a"}, "1 of 1 paths between nodes carry full packets; 0 of 1"),
        (
            encrypted("ab", *both("a", "b"), clear=["ab"]),
            [Closed("a and b", "nothing gets through", ("secret",))],
            {"secret": "a to b"},
            "1 of 1 paths between nodes carry full packets; 0 of 1",
        ),
        (
            encrypted("abc", *both("a", "c", "only small packets")),
            [Closed("a and c", "only small packets get through", ("secret",))],
            {},
            "3 of 3 paths between nodes carry full packets; 2 of 3",
        ),
        (
            encrypted("abc", ("a", "c", "no answer"), ("c", "b", "no answer")),
            [Closed("c", "nothing gets through", ("secret",))],
            {},
            "3 of 3 paths between nodes carry full packets; 1 of 3",
        ),
        (
            encrypted("ab", *both("a", "b"), given=encrypted("abc", *both("a", "b"), given=results("abc"))),
            [Closed("a and b", "nothing gets through", ("secret",))],
            {},
            "3 of 3 paths between nodes carry full packets; 2 of 3",
        ),
        (
            encrypted("abc", *both("a", "c"), *both("b", "c"), given=results("abc", *both("a", "c"), *both("b", "c"))),
            [Closed("c", "nothing gets through")],
            {},
            "1 of 3 paths between nodes carry full packets; 1 of 3",
        ),
        (encrypted("ab", given=results("abc")), [], {}, "3 of 3 paths between nodes carry full packets; 1 of 1"),
        (
            encrypted("abcd", clear=[first + second for first in "abcd" for second in "abcd" if first != second]),
            [],
            {"secret": "a to b, a to c, a to d, b to a, b to c, and 7 other ways"},
            "6 of 6 paths between nodes carry full packets; 0 of 6",
        ),
    ],
)
def test_encrypted_networks_are_told_of_where_the_others_are_well(
    given: dict[str, Any], closed: list[Closed], clear: dict[str, str], words: str
) -> None:
    assert find_closed_ways(given) == closed
    assert find_clear_ways(given) == clear
    assert overlay_words(given).startswith(words)


def test_networks_that_are_closed_alike_are_one_finding() -> None:
    given = encrypted("ab", *both("a", "b"))
    for mine in "ab":
        given[mine]["networks"].append(network("ab", mine, both("a", "b"), "dns", encrypted=True))
    assert find_closed_ways(given) == [Closed("a and b", "nothing gets through", ("dns", "secret"))]


QUORUM = {"quorum": {"reachable": 1, "managers": 1, "margin": 0}}


def findings(given: dict[str, Any]) -> list[tuple[str, str, str]]:
    report = judge_health({}, QUORUM, [], Limits(1, 1), given)
    assert {(finding["area"], finding["state"]) for finding in report["findings"]} == {("overlay", "failed")}
    return [(finding["where"], finding["text"], finding["cure"]) for finding in report["findings"]]


@pytest.mark.parametrize(
    ("keys", "cure"),
    [
        ({"a": True, "b": True}, "Let ESP (IP protocol 50) through; the kernel needs esp4, xfrm_user, xt_policy and xt_bpf"),
        ({"a": True, "b": False}, "The kernel of b holds no keys for ESP (IP protocol 50): load esp4 and xfrm_user there"),
        ({"a": False, "b": False}, "The kernel of a, b holds no keys for ESP (IP protocol 50): load esp4 and xfrm_user there"),
    ],
)
def test_what_encryption_needs_is_named(keys: dict[str, bool], cure: str) -> None:
    given = encrypted("ab", *both("a", "b"))
    for host, has_keys in keys.items():
        given[host]["has_keys"] = has_keys
    ((where, text, told),) = findings(given)
    assert where == "a and b" and told.startswith(cure)
    assert text == "nothing gets through in encrypted network secret, so containers there can't talk to each other"


def test_what_is_sent_in_clear_is_a_failure_though_it_gets_through() -> None:
    ((where, text, cure),) = findings(encrypted("ab", clear=["ab", "ba"]))
    assert (where, text) == ("secret", "is an encrypted network, but traffic is in clear text from a to b, b to a")
    assert "table mangle of iptables" in cure and "xt_bpf" in cure


def test_an_encrypted_ingress_network_is_told_of_once() -> None:
    given = {mine: {"networks": [network("ab", mine, both("a", "b"), ingress=True, encrypted=True)]} for mine in "ab"}
    ((where, text, cure),) = findings(given)
    assert where == "a and b" and text.startswith("nothing gets through, so") and cure.startswith("Let ESP")


@pytest.mark.parametrize(
    ("state", "listening", "told"), [("active", "ab", True), ("inactive", "ab", False), ("active", "", False), ("active", "abc", False)]
)
def test_a_member_without_an_end_of_the_ingress_network_is_told(state: str, listening: str, told: bool) -> None:
    """Unless none has one: then there is no such network."""
    cluster = {"quorum": {"reachable": 1, "managers": 1, "margin": 0}}
    hosts = {name: {**WELL, "node_id": name, "state": state if name == "c" else "active"} for name in "abc"}
    findings = judge_health(hosts, cluster, [], Limits(1, 1), results(listening))["findings"]
    mine = [(finding["state"], finding["where"]) for finding in findings if finding["area"] == "overlay"]
    assert mine == ([("failed", "c")] if told else [])
