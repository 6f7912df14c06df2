# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.preflight_ports import (
    PARTNERS,
    WHOLE,
    choose_partners,
    find_port_faults,
    plan_ring,
)
from hypothesis import given
from hypothesis import strategies as st

Outcome = Callable[[str, str, str, str], bool]


def reports(names: list[str], is_open: Outcome, why: str = "no answer") -> dict[str, Any]:
    """What the hosts tell where ``is_open(source, target, protocol, port)`` says what gets through."""

    def tcp(source: str, target: str) -> dict[str, str]:
        ports = ["2377", "7946"] if target.startswith("m") else ["7946"]
        return {port: "open" if is_open(source, target, "TCP", port) else why for port in ports}

    def udp(source: str, target: str) -> dict[str, bool]:
        return {port: is_open(source, target, "UDP", port) for port in ("7946", "4789")}

    return {
        name: {
            "tcp": {other: tcp(name, other) for other in names if other != name},
            "udp": {other: udp(other, name) for other in names if other != name},
        }
        for name in names
    }


def told(names: list[str], is_open: Outcome, **more: Any) -> list[str]:
    return [f"{fault.where}: {fault.text}" for fault in find_port_faults(reports(names, is_open, **more))]


THREE = ["m1", "w1", "w2"]


@pytest.mark.parametrize(
    ("is_open", "faults"),
    [
        (lambda *_way: True, []),
        (
            lambda source, target, protocol, port: (target, protocol, port) != ("w2", "UDP", "4789"),
            ["w2: UDP 4789 (containers) is closed for any other node, m1, w1: nothing arrives"],
        ),
        (
            lambda source, target, protocol, port: (source, protocol, port) != ("w2", "UDP", "4789"),
            ["w2: UDP 4789 (containers) is closed from here to every other node, m1, w1: nothing arrives"],
        ),
        (
            lambda source, target, protocol, port: (source, target, protocol) != ("w1", "w2", "TCP"),
            ["w2: TCP 7946 (gossip between nodes) is closed for w1: no answer"],
        ),
        (
            lambda source, target, protocol, port: port != "2377",
            ["m1: TCP 2377 (managers) is closed for any other node, w1, w2: no answer"],
        ),
        (
            lambda source, target, protocol, port: port != "4789",
            [f"{name}: UDP 4789 (containers) is closed for any other node, {others}: nothing arrives" for name, others in
             (("m1", "w1, w2"), ("w1", "m1, w2"), ("w2", "m1, w1"))],
        ),
    ],
)  # fmt: skip
def test_the_host_at_fault_and_the_direction(is_open: Outcome, faults: list[str]) -> None:
    assert told(THREE, is_open) == faults


def test_two_hosts() -> None:
    assert told(["m1", "w1"], lambda source, target, protocol, port: (target, port) != ("w1", "4789")) == [
        "w1: UDP 4789 (containers) is closed for m1: nothing arrives"
    ]


def test_a_host_that_neither_sends_nor_receives_does_not_hide_another() -> None:
    names = ["m1", "w1", "w2", "w3"]
    found = told(names, lambda source, target, protocol, port: port != "4789" or (target != "w1" and source != "w2"))
    assert found == [
        "w1: UDP 4789 (containers) is closed for any other node, m1, w2, w3: nothing arrives",
        "w2: UDP 4789 (containers) is closed from here to every other node, m1, w3: nothing arrives",
    ]


def test_many_hosts_are_counted() -> None:
    names = ["m1", *(f"w{number:03}" for number in range(100))]
    (fault,) = told(names, lambda source, target, protocol, port: (target, port) != ("m1", "2377"), why="No route to host")
    assert fault == "m1: TCP 2377 (managers) is closed for any other node, w000, w001, w002, w003, w004 and 95 more: No route to host"


def test_a_host_without_a_report_is_told_once() -> None:
    results = reports(THREE, lambda source, target, protocol, port: "w2" not in (source, target))
    results["w2"] = {"msg": "Task failed: out of\nmemory"}
    (fault,) = find_port_faults(results)
    assert (fault.where, fault.text) == ("w2", "its ports can't be checked: Task failed: out of memory")


def test_udp_that_can_not_be_seen() -> None:
    results = reports(THREE, lambda *_way: True)
    results["w1"]["udp"] = None
    assert [(fault.where, fault.text) for fault in find_port_faults(results)] == [("w1", "UDP can't be seen here")]


def test_every_fault_has_a_cure_with_the_port() -> None:
    for fault in find_port_faults(reports(THREE, lambda *_way: False)):
        assert fault.where in fault.cure and fault.text.split(" (")[0] in fault.cure


def answer(name: str, root: bool = True, member: bool = False, **more: Any) -> dict[str, Any]:
    number = name[-1]
    host = {"root": root, "address": f"10.0.0.{number}", "data_path_address": f"10.1.0.{number}", "member": member, "data_path_port": 0}
    return {"host": {**host, **more}}


def test_who_takes_part_in_the_check_of_the_ports() -> None:
    results = {
        "m1": answer("m1"),
        "w2": answer("w2", member=True, data_path_port=7789),
        "w3": answer("w3", root=False),
        "w4": answer("w4", address=""),
        "w5": {"unreachable": True},
    }
    ring = plan_ring(results, 4789)
    assert ring["peers"] == {"m1": {"w2": "10.0.0.2"}, "w2": {"m1": "10.0.0.1"}}
    assert ring["data_path_peers"] == {"m1": "10.1.0.1", "w2": "10.1.0.2"} and ring["data_path_port"] == 7789
    assert len(ring["run"]) == 16 and ring["run"] != plan_ring({**results, "m1": answer("m1", time=2.0)}, 4789)["run"]
    assert ring == plan_ring(results, 4789)


@pytest.mark.parametrize("names", [[], ["m1"]])
def test_nobody_checks_ports_alone(names: list[str]) -> None:
    ring = plan_ring({name: answer(name) for name in names}, 4789)
    assert (ring["peers"], ring["data_path_peers"], ring["data_path_port"]) == ({}, {}, 4789)


@given(st.integers(2, 400))
def test_every_host_tries_and_is_tried_by_so_many(count: int) -> None:
    names = [f"n{number}" for number in range(count)]
    partners = choose_partners(names)
    assert list(partners) == names
    for name, others in partners.items():
        assert name not in others and len(set(others)) == len(others)
        assert all(name in partners[other] for other in others), "who is tried listens for who tries"
        assert len(others) == count - 1 if count <= WHOLE else PARTNERS - 2 <= len(others) <= PARTNERS
    reached, new = {names[0]}, {names[0]}
    while new:
        new = {other for name in new for other in partners[name]} - reached
        reached |= new
    assert reached == set(names), "no part of the hosts is left to itself"


def seen(name: str, role: str = "worker", state: str = "active", nodes: Any = None, units: Any = None) -> dict[str, Any]:
    """What preflight has of a host with a record; ``nodes`` are the states that a manager lists."""
    answers: dict[str, Any] = {"/info": {"Swarm": {"LocalNodeState": state, "ControlAvailable": role == "manager"}}}
    if nodes:
        answers["/nodes"] = [{"Status": {"State": each}} for each in nodes]
    host = {"root": True, "address": f"10.0.0.{name[-1]}", "data_path_address": "", "data_path_port": 4789, "member": True}
    return {"host": host, "record": {"engine": answers, "host": {"units": units or {}}}}


READY = ["ready", "ready"]
ON: dict[str, Any] = {"flotilla-firewall.service": {"active": True}}
OFF: dict[str, Any] = {"flotilla-firewall.service": None}


@pytest.mark.parametrize(
    ("m1", "w2", "tried"),
    [
        (seen("m1", "manager", nodes=READY), seen("w2"), False),
        (seen("m1", "manager", nodes=READY, units=ON), seen("w2", units=ON), False),
        (seen("m1", "manager", nodes=READY, units=ON), seen("w2", units=OFF), True),
        (seen("m1", "manager", nodes=["ready", "down"]), seen("w2"), True),
        (seen("m1", "manager", nodes=READY), seen("w2", state="inactive"), True),
        (seen("m1", "manager", nodes=READY), seen("w2", "manager"), True),
        (seen("m1", nodes=READY), seen("w2"), True),
        (seen("m1", "manager"), seen("w2"), True),
        (seen("m1", "manager", nodes=READY), {**seen("w2"), "record": None}, True),
    ],
)
def test_ports_are_tried_where_the_swarm_does_not_prove_them(m1: dict[str, Any], w2: dict[str, Any], tried: bool) -> None:
    def peers(when: str) -> Any:
        return plan_ring({"m1": m1, "w2": w2}, 4789, when, ["m1"])["peers"]

    assert bool(peers("auto")) is tried
    assert peers("always") and not peers("never")


def test_a_host_that_does_not_answer_proves_nothing() -> None:
    results = {"m1": seen("m1", "manager", nodes=READY), "w2": seen("w2"), "w3": {"unreachable": True, "msg": "timed out"}}
    assert list(plan_ring(results, 4789, "auto", ["m1"])["peers"]) == ["m1", "w2"]
