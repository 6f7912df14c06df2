# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining: capacity before, and what is waited for after."""

from __future__ import annotations

import functools
import random
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.node import read_node
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.nodes import Wanted, plan_nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.capacity import check_capacity, find_lacks
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.drain import find_remains
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from fake_engine import node, service
from hypothesis import given
from hypothesis import strategies as st

Raw = dict[str, t.Any]
W1, W2, W3 = (node(f"w{n}", cpus=2, labels={"disk": "ssd"} if n < 3 else {}, generic={"gpu": ["A", "B"]}) for n in (1, 2, 3))


def listed(name: str, **spec: t.Any) -> Raw:
    return {"ID": f"id-{name}", "Spec": service(name, **spec)}


def task(of: Raw, on: Raw, state: str = "running", desired: str = "running", err: str = "", ports: t.Sequence[Raw] = ()) -> Raw:
    return {
        "ServiceID": of["ID"],
        "NodeID": on["ID"],
        "DesiredState": desired,
        "Spec": of["Spec"]["TaskTemplate"],
        "Status": {"State": state, **({"Err": err} if err else {}), "PortStatus": {"Ports": list(ports)}},
    }


def reserve(**amounts: t.Any) -> Raw:
    return {"template": {"Resources": {"Reservations": amounts}}}


GPU = [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": 1}}]
PORT = {"PublishedPort": 80, "TargetPort": 80, "Protocol": "tcp", "PublishMode": "host"}
WEB = listed("web", replicas=2)
SSD = listed("ssd", constraints=["node.labels.disk == ssd"])
HDD = listed("hdd", constraints=["node.labels.disk == hdd"])
ONE = listed("one", replicas=3, template={"Placement": {"MaxReplicas": 1}})
BIG = listed("big", replicas=2, **reserve(NanoCPUs=2 * 10**9))
GPUS = listed("gpus", replicas=4, **reserve(GenericResources=GPU))
FRONT = listed("front", replicas=2, EndpointSpec={"Ports": [PORT]})
AGENT = listed("agent", mode="global")


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([], ""),
        ([task(WEB, W1), task(WEB, W1)], ""),
        ([task(SSD, W1)], ""),
        ([task(HDD, W1)], "hdd has 1 task there, and no other node .* allows its constraints node.labels.disk == hdd"),
        ([task(HDD, W1, state="complete")], ""),
        ([task(HDD, W1, desired="shutdown")], ""),
        ([task(AGENT, W1), task(AGENT, W2)], ""),
        ([task(ONE, W1), task(ONE, W2)], ""),
        ([task(ONE, W1), task(ONE, W2), task(ONE, W3)], "one has .* room for 0 .* at most 1 on a node"),
        ([task(BIG, W1), task(BIG, W2)], ""),
        ([task(BIG, W1), task(BIG, W2), task(BIG, W3)], r"big has 1 task .* room for 0 of them \(each needs 2 CPUs"),
        ([task(GPUS, W1), task(GPUS, W1), task(GPUS, W2), task(GPUS, W3)], ""),
        ([task(GPUS, W1)] * 2 + [task(GPUS, W2)] * 2 + [task(GPUS, W3)], "gpus has 2 tasks there, .* room for 1 of them"),
        ([task(FRONT, W1), task(FRONT, W2, ports=[PORT])], ""),
        ([task(FRONT, W1), *(task(WEB, on, ports=[PORT]) for on in (W2, W3))], "front .*each needs port 80/tcp of the host"),
    ],
)  # fmt: skip
def test_capacity(tasks: list[Raw], message: str) -> None:
    services = [WEB, SSD, HDD, ONE, BIG, GPUS, FRONT, AGENT]
    if not message:
        check_capacity({W1["ID"]}, [W1, W2, W3], services, tasks)
        return
    with pytest.raises(PlanError, match=f"Draining w1: {message}"):
        check_capacity({W1["ID"]}, [W1, W2, W3], services, tasks)


def test_services_share_the_room_that_there_is() -> None:
    other = listed("also", replicas=1, **reserve(NanoCPUs=2 * 10**9))
    tasks = [task(BIG, W1), task(other, W1), task(BIG, W2)]
    with pytest.raises(PlanError, match="big has 1 task there, and w2, w3 have room for 0"):
        check_capacity({W1["ID"]}, [W1, W2, W3], [BIG, other], tasks)


def test_five_of_many_nodes_without_room_are_named() -> None:
    nodes = [node(f"n{number:03}", cpus=1) for number in range(100)]
    assert find_lacks([(BIG, 1)], nodes, []) == [
        "big wants 1 task more, and n000, n001, n002, n003, n004, 95 others have room for 0 of them (each needs 2 CPUs)"
    ]


def test_a_small_service_takes_no_room_that_only_it_could_leave() -> None:
    small, large = listed("a", replicas=1, **reserve(NanoCPUs=10**9)), listed("b", replicas=1, **reserve(NanoCPUs=3 * 10**9))
    nodes = [W1, node("w4", cpus=3), node("w5", cpus=1)]
    check_capacity({W1["ID"]}, nodes, [small, large], [task(small, W1), task(large, W1)])
    assert find_lacks([(small, 1), (large, 1)], nodes[1:], []) == []


AMOUNTS = {"cpu": "NanoCPUs", "memory": "MemoryBytes"}
UNITS = {"cpu": 10**9, "memory": 2**30}
NODES = st.lists(
    st.fixed_dictionaries({"cpu": st.integers(1, 5), "memory": st.integers(1, 5), "disk": st.sampled_from("ab")}), min_size=1, max_size=3
)
SERVICES = st.lists(
    st.fixed_dictionaries(
        {
            "cpu": st.integers(0, 3),
            "memory": st.integers(0, 3),
            "count": st.integers(1, 3),
            "disk": st.sampled_from(["", "", "a", "b"]),
            "most": st.sampled_from([0, 0, 1, 2]),
            "port": st.sampled_from([False, False, True]),
        }
    ),
    min_size=1,
    max_size=3,
)


def is_possible(nodes: list[Raw], services: list[Raw]) -> bool:
    """By trying everything."""
    tasks = [index for index, each in enumerate(services) for _ in range(each["count"])]

    @functools.cache
    def place(number: int, on: tuple[tuple[int, ...], ...]) -> bool:
        if number == len(tasks):
            return True
        for index, there in enumerate(on):
            more = (*there, tasks[number])
            if fits(nodes[index], more) and place(number + 1, (*on[:index], more, *on[index + 1 :])):
                return True
        return False

    def fits(on: Raw, there: tuple[int, ...]) -> bool:
        mine = [services[index] for index in there]
        return (
            all(sum(each[kind] for each in mine) <= on[kind] for kind in AMOUNTS)
            and all(each["disk"] in ("", on["disk"]) for each in mine)
            and all(not services[index]["most"] or there.count(index) <= services[index]["most"] for index in there)
            and sum(each["port"] for each in mine) <= 1
        )

    return place(0, ((),) * len(nodes))


def is_accepted(nodes: list[Raw], services: list[Raw]) -> bool:
    there = [
        node(f"n{number}", cpus=each["cpu"], memory=each["memory"] * 2**30, labels={"disk": each["disk"]})
        for number, each in enumerate(nodes)
    ]
    wanted = []
    for number, each in enumerate(services):
        template = reserve(**{AMOUNTS[kind]: each[kind] * UNITS[kind] for kind in AMOUNTS})["template"]
        template["Placement"] = {"MaxReplicas": each["most"]}
        if each["disk"]:
            template["Placement"]["Constraints"] = [f"node.labels.disk == {each['disk']}"]
        ports = {"EndpointSpec": {"Ports": [PORT]}} if each["port"] else {}
        wanted.append((listed(f"s{number}", replicas=each["count"], template=template, **ports), each["count"]))
    return not find_lacks(wanted, there, [])


@given(NODES, SERVICES)
def test_no_room_is_claimed_that_is_not_there(nodes: list[Raw], services: list[Raw]) -> None:
    assert not is_accepted(nodes, services) or is_possible(nodes, services)


def test_room_that_is_there_is_hardly_ever_missed() -> None:
    """Cases that are all alike from run to run; one service after the other on the freest node misses one of six."""
    chosen, possible, missed = random.Random(7), 0, 0
    while possible < 300:
        nodes = [{"cpu": chosen.randint(1, 5), "memory": chosen.randint(1, 5), "disk": chosen.choice("ab")} for _ in range(3)]
        services = [
            {
                "cpu": chosen.randint(0, 3),
                "memory": chosen.randint(0, 3),
                "count": chosen.randint(1, 2),
                "disk": chosen.choice(["", "", "", "a"]),
                "most": 0,
                "port": False,
            }
            for _ in range(3)
        ]
        if is_possible(nodes, services):
            possible += 1
            missed += not is_accepted(nodes, services)
    assert missed <= 6


def test_nodes_that_are_down_or_drained_take_nothing() -> None:
    down, drained = node("w4", state="down"), node("w5", availability="drain")
    with pytest.raises(PlanError, match="no other node that is ready and active allows it"):
        check_capacity({W1["ID"]}, [W1, down, drained], [WEB], [task(WEB, W1)])


@pytest.mark.parametrize(
    ("tasks", "remains"),
    [
        ([], []),
        ([task(WEB, W1)], ["web still has 1 there", "web has 0 of 2 running elsewhere"]),
        ([task(WEB, W1, "running", "shutdown"), task(WEB, W2), task(WEB, W3)], ["web still has 1 there"]),
        ([task(WEB, W1, "shutdown", "shutdown"), task(WEB, W2), task(WEB, W3)], []),
        (
            [task(WEB, W1, "shutdown", "shutdown"), task(WEB, W2), task(WEB, W3, "failed", "shutdown", "no such image")],
            ["web has 1 of 2 running elsewhere (no such image)"],
        ),
        ([task(WEB, W1, "shutdown", "shutdown"), task(WEB, W2), task(WEB, W3, "starting")], ["web has 1 of 2 running elsewhere"]),
        ([task(SSD, W3, "failed")], []),
        ([task(AGENT, W1, "shutdown", "shutdown")], []),
    ],
)
def test_what_remains(tasks: list[Raw], remains: list[str]) -> None:
    assert find_remains({W1["ID"]}, [WEB, SSD, AGENT], tasks) == remains


@pytest.mark.parametrize(
    ("before", "labels", "wanted", "fields"),
    [
        ("pause", {}, "drain", {"availability": "drain", "labels.flotilla.availability": "pause"}),
        ("drain", {"flotilla.availability": "pause"}, "drain", {}),
        (
            "drain",
            {"flotilla.availability": "pause"},
            "previous",
            {"availability": "pause", "labels.flotilla.availability": None},
        ),
        ("drain", {"flotilla.availability": "pause"}, "active", {"availability": "active", "labels.flotilla.availability": None}),
        ("drain", {}, "previous", {"availability": "active"}),
        ("pause", {}, "previous", {}),
        ("active", {"x": "1"}, None, {"labels.x": None}),
    ],
)
def test_a_drain_remembers_what_was_before(before: str, labels: Raw, wanted: str | None, fields: Raw) -> None:
    nodes = [read_node(node("w1", availability=before, labels=labels))]
    availability = {"w1": wanted} if wanted else {}
    plan = plan_nodes(nodes, Wanted(availability=availability, labels={"w1": {}}, exact=True))
    assert {each.path: each.after for change in plan.changes for each in change.fields} == fields
