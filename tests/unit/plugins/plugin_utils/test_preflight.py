# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.flotilla.swarm.plugins.filter.preflight_faults import FilterModule
from ansible_collections.flotilla.swarm.plugins.plugin_utils.preflight import Limits, find_faults, summarise

NOW = 1000.0
LIMITS = Limits(
    manager_counts=[1, 3, 5, 7],
    distributions={"debian": ["12", "13"], "ubuntu": ["24.04"], "rocky": ["9"]},
    min_memory_mb=900,
    min_disk_free_mb=2000,
    max_clock_skew_seconds=5.0,
)
ARCH = {"id": "arch", "version": "", "codename": ""}
GOOD: dict[str, t.Any] = {
    "root": True,
    "distribution": {"id": "debian", "version": "13", "codename": "trixie"},
    "python": "3.13.5",
    "memory_mb": 4000,
    "disk_free_mb": 9000,
    "disk_free_inodes_percent": 80.0,
    "asked_at": NOW - 2,
    "time": NOW - 1,
    "systemd": True,
    "addresses": ["10.0.0.1"],
    "address_problem": "",
    "address_cure": "",
    "member": False,
    "routes": [],
    "sdk": {"docker": "", "requests": ""},
    "kernel_modules": {"overlay": True, "ip_vs": None},
    "engine": "",
    "live_restore": False,
    "exposure": {},
}


def host(name: str, **more: t.Any) -> dict[str, t.Any]:
    return {"host": {**GOOD, "hostname": name, "machine_id": f"id-{name}", "address": f"that of {name}", **more}}


def faults(results: dict[str, t.Any], managers: t.Sequence[str] = ("m1",), workers: t.Sequence[str] = ()) -> list[tuple[str, str]]:
    return [(fault.where, fault.check) for fault in find_faults(results, managers, workers, LIMITS, NOW)]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"engine": "20.10"},
        # what is there need not be installed
        {"engine": "29.1", "distribution": ARCH, "sdk": {"docker": "7.1.0", "requests": "2.32.3"}},
        {"sdk": {"docker": "5.0.3", "requests": "2.28.1"}},
        {"sdk": {"docker": "7.1.0", "requests": "2.32.3"}},
        {"python": "3.9.2"},
        {"distribution": {"id": "rocky", "version": "9.4", "codename": ""}},
        {"distribution": {"id": "ubuntu", "version": "24.04", "codename": "noble"}},
        {"memory_mb": 900, "disk_free_mb": 2000},
        {"disk_free_inodes_percent": None},
        {"disk_free_inodes_percent": 5.0},
        {"time": NOW + 5},
        {"time": NOW - 7},
        {"asked_at": None},
        {"machine_id": ""},
    ],
)
def test_a_good_host(more: dict[str, t.Any]) -> None:
    assert faults({"m1": host("m1", **more)}) == []


@pytest.mark.parametrize(
    ("more", "check", "words"),
    [
        ({"root": False}, "root", "become: true"),
        ({"python": "3.8.20"}, "python", "Python 3.8.20, 3.9 or newer is needed"),
        ({"systemd": False}, "systemd", "systemd does not run it"),
        (
            {"distribution": {"id": "debian", "version": "11", "codename": "bullseye"}},
            "distribution",
            "no engine on debian 11, and it can be installed on debian 12 and 13, ubuntu 24.04, rocky 9",
        ),
        ({"distribution": {"id": "rocky", "version": "8.9", "codename": ""}}, "distribution", "no engine on rocky 8.9"),
        ({"distribution": {"id": "ubuntu", "version": "24.10", "codename": ""}}, "distribution", "no engine on ubuntu 24.10"),
        ({"distribution": {"id": "", "version": "", "codename": ""}}, "distribution", "no engine on"),
        ({"engine": "19.3"}, "engine", "engine 19.3, 20.10"),
        ({"memory_mb": 899}, "memory", "899 MiB of memory, 900 are needed"),
        ({"disk_free_mb": 10}, "disk", "10 MiB free"),
        ({"disk_free_inodes_percent": 1.5}, "disk", "1.5 % of the inodes free for the engine's data, needed are 5 %"),
        ({"addresses": []}, "address", "only loopback"),
        ({"time": NOW + 60}, "clock", "60 s ahead of the controller's"),
        ({"time": NOW - 2 - 60}, "clock", "60 s behind the controller's"),
        ({"live_restore": True}, "live_restore", "live-restore"),
        ({"hostname": "localhost.localdomain"}, "hostname", "its name is localhost.localdomain"),
        ({"address_problem": "no interface eth7", "address_cure": "Give another"}, "address", "no interface eth7. Give another."),
        ({"kernel_modules": {"ip_vs": False, "vxlan": False, "overlay": True}}, "kernel", "its kernel has no ip_vs, vxlan"),
        ({"sdk": {"docker": "7.0.0", "requests": "2.32.3"}}, "sdk", "SDK for Python 7.0.0 does not work with requests 2.32.3"),
        ({"sdk": {"docker": "4.1.0", "requests": "2.28"}}, "sdk", "SDK for Python 4.1.0, 5.0 or newer is needed"),
        ({"engine": "27.1", "distribution": ARCH}, "sdk", "an engine, but no Docker SDK for Python 3.13.5"),
    ],
)
def test_a_faulty_host(more: dict[str, t.Any], check: str, words: str) -> None:
    found = find_faults({"m1": host("m1", **more)}, ["m1"], [], LIMITS, NOW)
    assert [(fault.where, fault.check) for fault in found] == [("m1", check)]
    assert words in str(found[0])
    assert str(found[0]).startswith("m1: ")


def test_a_plan_needs_no_root() -> None:
    results = {name: host(name, root=False) for name in ("m1", "w1")}
    assert faults({**results, "m1": {**results["m1"], "check_mode": True}}, workers=["w1"]) == [("w1", "root")]
    assert faults({"m1": {**host("m1", root=False), "check_mode": False}}) == [("m1", "root")]
    assert faults({"m1": {"msg": "Missing sudo password", "check_mode": True}}) == [("m1", "root")]


@pytest.mark.parametrize(
    ("result", "check", "words"),
    [
        ({"unreachable": True, "msg": "Task failed: No route to host"}, "unreachable", "can't be reached: No route to host."),
        (
            {"unreachable": True, "msg": "Data could not be sent. Make sure: ssh: connect to host h port 22: Connection timed out"},
            "unreachable",
            "can't be reached: connect to host h port 22: Connection timed out.",
        ),
        ({"msg": "Missing sudo password"}, "root", "can't become root: Missing sudo password."),
        (
            {"msg": "Module result deserialization failed.", "module_stderr": "x\n/usr/bin/python3: not found\n"},
            "ansible",
            "(/usr/bin/python3: not found)",
        ),
        ({}, "ansible", "no answer"),
    ],
)
def test_a_host_without_an_answer(result: dict[str, t.Any], check: str, words: str) -> None:
    found = find_faults({"m1": result}, ["m1"], [], LIMITS, NOW)
    assert [(fault.where, fault.check) for fault in found] == [("m1", check)]
    assert words in str(found[0])


@pytest.mark.parametrize(
    ("managers", "workers", "checks"),
    [
        (["m1"], ["w1", "w2"], []),
        (["a", "b", "c"], [], []),
        ([], ["w1"], ["managers"]),
        (["a", "b"], [], ["managers"]),
        (list("abcdefghi"), [], ["managers"]),
        (["a"], ["a", "b"], ["groups"]),
        (["a", "b"], ["b"], ["managers", "groups"]),
    ],
)
def test_the_inventory(managers: list[str], workers: list[str], checks: list[str]) -> None:
    assert faults({}, managers, workers) == [("inventory", check) for check in checks]


@pytest.mark.parametrize(
    ("managers", "zones", "told"),
    [
        ("abc", {}, []),
        ("abc", {"a": "r1", "b": "r2", "c": "r3"}, []),
        ("abc", {"a": "r1", "b": "r1", "c": "r2"}, ["2 of 3 managers, a, b, are in zone r1", "at most 1 in one zone"]),
        ("abcde", {"a": "r1", "b": "r1", "c": "r2", "d": "r2", "e": "r3"}, []),
        ("abcde", {"a": "r1", "b": "r1", "c": "r1"}, ["3 of 5 managers, a, b, c, are in zone r1", "at most 2 in one zone"]),
        # those of which nothing is said are nowhere together
        ("abc", {"a": "r1"}, []),
        ("abc", {"a": "r1", "b": "", "c": ""}, []),
        ("a", {"a": "r1"}, []),
    ],
)
def test_no_zone_holds_the_majority(managers: str, zones: dict[str, str], told: list[str]) -> None:
    found = find_faults({}, list(managers), [], replace(LIMITS, zones=zones), NOW)
    assert [fault.check for fault in found] == ["zones"] * bool(told)
    assert all(words in str(found[0]) for words in told)


def test_two_hosts_that_are_one() -> None:
    results = {"m1": host("x"), "w1": host("x"), "w2": host("w2")}
    assert faults(results) == [("m1, w1", "hostname"), ("m1, w1", "machine_id"), ("m1, w1", "address")]


@pytest.mark.parametrize(("address", "told"), [("172.17.0.1", True), ("0.0.0.0", False), ("", False)])
def test_two_hosts_with_one_address(address: str, told: bool) -> None:
    results = {name: host(name, address=address) for name in ("m1", "w1")}
    found = find_faults(results, ["m1"], ["w1"], LIMITS, NOW)
    assert [str(fault).split(". ")[0] for fault in found] == ["m1, w1: the same address 172.17.0.1"] * told


def subnet_faults(pools: t.Sequence[str] = (), networks: t.Sequence[dict[str, t.Any]] = (), member: bool = False) -> list[str]:
    results = {"m1": host("m1", member=member, routes=[{"network": "10.9.0.0/16", "via": "tun0"}]), "w1": host("w1")}
    limits = replace(LIMITS, address_pools=pools, networks=networks)
    found = find_faults(results, ["m1"], ["w1"], limits, NOW)
    assert {(fault.where, fault.check) for fault in found} <= {("inventory", "subnets")}
    return [str(fault) for fault in found]


def test_subnets_are_free_on_every_host() -> None:
    assert subnet_faults(["10.200.0.0/16"], [{"name": "a", "subnet": "10.20.0.0/24"}, {"name": "b"}]) == []
    (pool,) = subnet_faults(["10.0.0.0/8"])
    assert "the address pool: m1 has 10.9.0.0/16 (tun0), which overlaps 10.0.0.0/8. Use a range that no host has a route to." in pool
    (network,) = subnet_faults(networks=[{"name": "a", "subnet": "10.9.7.0/24"}])
    assert "network a: m1 has 10.9.0.0/16 (tun0)" in network
    public = {"name": "a", "subnet": "8.8.8.0/24"}
    (told,) = subnet_faults(networks=[public])
    assert "network a: 8.8.8.0/24 is a public range" in told and "set allow_public_subnet." in told
    assert subnet_faults(networks=[{**public, "allow_public_subnet": True}]) == []
    (twice,) = subnet_faults(networks=[{"name": "a", "subnet": "10.1.0.0/16"}, {"name": "b", "subnet": "10.1.2.0/24"}])
    assert "network a (10.1.0.0/16) overlaps network b (10.1.2.0/24)" in twice
    (wrong,) = subnet_faults(["10.1.0.0/99"])
    assert "the address pool: '10.1.0.0/99' is not a subnet" in wrong


def test_a_swarm_that_is_there_keeps_its_subnets() -> None:
    assert subnet_faults(["10.0.0.0/8"], [{"name": "a", "subnet": "8.8.8.0/24"}], member=True) == []


def test_all_faults_of_all_hosts_at_once() -> None:
    results = {
        "m1": host("m1", root=False, memory_mb=1),
        "m2": {"unreachable": True, "msg": "timed out"},
        "w1": host("w1", systemd=False),
    }
    ports = {"w1": {"msg": "no answer"}}
    limits = {
        "manager_counts": [1],
        "distributions": {"debian": ["13"]},
        "min_memory_mb": 2,
        "min_disk_free_mb": 1,
        "max_clock_skew_seconds": 1e12,
    }
    found = FilterModule().filters()["preflight_faults"](results, ["m1", "m2"], ["w1"], limits, ports)
    assert [(fault["where"], fault["check"]) for fault in found] == [
        ("inventory", "managers"),
        ("m1", "root"),
        ("m1", "memory"),
        ("m2", "unreachable"),
        ("w1", "systemd"),
        ("w1", "ports"),
    ]
    assert all(fault["message"] == f"{fault['where']}: {fault['text']}. {fault['cure']}." for fault in found)


def test_what_takes_long_after_the_last_answer_hides_no_wrong_clock() -> None:
    limits = {
        "manager_counts": [1],
        "distributions": {"debian": ["13"]},
        "min_memory_mb": 2,
        "min_disk_free_mb": 1,
        "max_clock_skew_seconds": 5,
    }
    judge = FilterModule().filters()["preflight_faults"]
    ahead = {"m1": host("m1", time=NOW + 10)}
    at_once, late = ([fault["text"] for fault in judge(ahead, ["m1"], [], limits, None, now)] for now in (NOW, NOW + 6))
    assert (at_once, late) == (["its clock is 10 s ahead of the controller's"], [])


def test_what_stands_open_is_a_warning() -> None:
    exposure = {"engine": [], "metrics": "", "exports": [], "ports": ["8080/tcp"], "closed": [], "registries": []}
    registry = {"port": "5000/tcp", "tls": False, "open": True, "certificate_days": None}
    results = {"m1": host("m1", exposure={**exposure, "registries": [registry]}), "w1": host("w1", root=False, exposure=exposure)}
    found = find_faults(results, ["m1"], ["w1"], LIMITS, NOW)
    assert [(fault.where, fault.check, fault.level) for fault in found] == [
        ("w1", "root", "fault"),
        ("m1", "exposure", "warning"),
        ("m1, w1", "exposure", "warning"),
    ]
    closed = find_faults(results, ["m1"], ["w1"], replace(LIMITS, public_ports=["8080"]), NOW)
    assert len(closed) == 2 and "can replace every image" in closed[1].text


OFF = {"where": "w2", "check": "unreachable", "level": "fault", "message": "w2: off."}
OPEN = {"where": "w1", "check": "ports", "level": "warning", "message": "w1: open."}


@pytest.mark.parametrize(
    ("told", "hosts", "with_ports", "words"),
    [
        ([], ["m1"], False, "preflight found no fault on 1 host"),
        ([], ["m1", "w1"], True, "preflight found no fault on 2 hosts and in the ports between them"),
        ([OFF], ["m1", "w1", "w2"], True, "preflight found no fault on 2 hosts and in the ports between them; not reached: w2"),
        ([OPEN], ["m1", "w1"], False, "preflight found no fault on 2 hosts"),
    ],
)
def test_the_summary(told: list[dict[str, str]], hosts: list[str], with_ports: bool, words: str) -> None:
    assert summarise(told, hosts, with_ports) == words


def test_a_node_whose_address_changed_is_not_told_of_closed_ports() -> None:
    closed = {"w1": {"failed": True, "msg": "nothing came"}}
    here = {"m1": host("m1", member=True, address="10.0.0.1"), "w1": host("w1", member=True, address="10.0.0.9")}
    found = find_faults(here, ["m1"], ["w1"], LIMITS, NOW, closed)
    (moved,) = [fault for fault in found if fault.where == "w1" and fault.check in ("address", "ports")]
    assert moved.check == "address" and "knows it by 10.0.0.9, which it has no more; it has 10.0.0.1" in moved.text
    assert "remove_node.yml, then site.yml" in moved.cure
    stays = {**here, "w1": host("w1", member=True, address="10.0.0.1")}
    checks = [fault.check for fault in find_faults(stays, ["m1"], ["w1"], LIMITS, NOW, closed) if fault.where == "w1"]
    assert checks == ["ports"], "a firewall that is closed is told as one"
