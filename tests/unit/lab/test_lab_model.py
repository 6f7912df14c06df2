# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.model import Lab, LabError, check_name, check_release, pick_subnet, plan_nodes, same_lab


def a_lab(count: int = 3, **changes: object) -> Lab:
    subnet = "10.88.7.0/24"
    lab = Lab("lab", "container", "trixie", subnet, plan_nodes(subnet, count, 1), {"ipvs": False}, "unix:///x.sock")
    return dataclasses.replace(lab, **changes)  # type: ignore[arg-type]


@given(st.text(max_size=30), st.sets(st.integers(1, 254), max_size=253))
def test_a_subnet_is_free_and_always_the_same(name: str, used: set[int]) -> None:
    taken = [f"10.88.{third}.0/24" for third in used]
    subnet = pick_subnet(name, taken)
    assert subnet == pick_subnet(name, taken)
    network = IPv4Network(subnet)
    assert network.prefixlen == 24 and network.subnet_of(IPv4Network("10.88.0.0/16"))
    assert subnet not in taken


@pytest.mark.parametrize("route", ["10.88.0.0/16", "10.0.0.0/8", "10.88.0.1/8"])
def test_a_route_over_the_whole_range_leaves_no_subnet(route: str) -> None:
    with pytest.raises(LabError, match="no free /24"):
        pick_subnet("lab", [route])


def test_a_single_address_in_use_rules_out_its_subnet() -> None:
    first = pick_subnet("lab", [])
    assert pick_subnet("lab", [str(IPv4Network(first)[77])]) != first


@pytest.mark.parametrize(
    ("count", "managers", "names"),
    [
        (1, 1, ["m1"]),
        (3, 1, ["m1", "w1", "w2"]),
        (3, 3, ["m1", "m2", "m3"]),
        (5, 3, ["m1", "m2", "m3", "w1", "w2"]),
    ],
)
def test_managers_come_first(count: int, managers: int, names: list[str]) -> None:
    nodes = plan_nodes("10.88.7.0/24", count, managers)
    assert [node.name for node in nodes] == names
    assert [node.manager for node in nodes] == [name.startswith("m") for name in names]


def test_addresses_are_distinct_and_leave_room_for_the_gateway() -> None:
    lab = a_lab(count=50)
    addresses = {IPv4Address(node.address) for node in lab.nodes}
    assert len(addresses) == 50
    assert all(address in IPv4Network(lab.subnet) for address in addresses)
    assert IPv4Address(lab.gateway) not in addresses


@pytest.mark.parametrize(("count", "managers"), [(0, 0), (0, 1), (3, 0), (3, 4), (51, 1), (-1, 1)])
def test_impossible_shapes_are_refused(count: int, managers: int) -> None:
    with pytest.raises(LabError):
        plan_nodes("10.88.7.0/24", count, managers)


def test_a_lab_survives_its_file() -> None:
    assert Lab.from_data(json.loads(json.dumps(a_lab().as_data()))) == a_lab()


@pytest.mark.parametrize("name", ["lab", "a", "ci-2", "a" * 21])
def test_good_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "2lab", "Lab", "../x", "a b", "a\n", "a" * 22, "lab_1"])
def test_bad_names(name: str) -> None:
    with pytest.raises(LabError):
        check_name(name)


def test_a_release_without_trees_is_refused() -> None:
    assert check_release("bookworm") == "bookworm"
    with pytest.raises(LabError, match="one of trixie, bookworm, not 'buster'"):
        check_release("buster")


def test_a_lab_may_grow() -> None:
    same_lab(a_lab(3), a_lab(5))


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (a_lab(2), "w2"),
        (a_lab(release="bookworm"), "release trixie, not bookworm"),
        (a_lab(driver="other"), "driver container, not other"),
        (a_lab(nodes=plan_nodes("10.88.7.0/24", 3, 2)), "w1"),
    ],
)
def test_a_lab_that_is_up_does_not_become_another(wanted: Lab, complaint: str) -> None:
    with pytest.raises(LabError, match=complaint):
        same_lab(a_lab(3), wanted)


def test_an_unknown_node_is_named_with_the_known_ones() -> None:
    with pytest.raises(LabError, match=r"'w9'.*m1, w1, w2"):
        a_lab().node("w9")
