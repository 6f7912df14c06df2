# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining: capacity before, and what is waited for after."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.drain import check_capacity, find_remains
from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.node import read_node
from ansible_collections.flotilla.swarm.plugins.module_utils.cluster.nodes import Wanted, plan_nodes
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import PlanError
from fake_engine import node, service

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
        ([task(BIG, W1), task(BIG, W2), task(BIG, W3)], r"big has 1 task .* room for 0 of them \(each needs NanoCPUs 2000000000"),
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
