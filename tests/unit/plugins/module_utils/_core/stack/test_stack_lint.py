# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.constraints import parse_constraint
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.lint import lint, lint_addresses
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from fake_engine import node

Json = dict[str, t.Any]
GIB = 1024**3
NODES = [
    node("m1", role="manager", labels={"Zone": "a"}, addr="10.1.0.1", node_id="idm1"),
    node("g1", labels={"gpu": "true"}, generic={"gpu": ["GPU-1", "GPU-2"]}, addr="10.2.0.1", memory=4 * GIB),
    node("d1", labels={"gpu": "true"}, availability="drain"),
    node("x1", labels={"gpu": "true"}, state="down"),
    node("a1", arch="aarch64", engine_labels={"disk": "ssd"}),
]


def spec(replicas: int = 1, constraints: list[str] | None = None, mounts: list[Json] | None = None, **more: t.Any) -> Json:
    template = {"ContainerSpec": {"Mounts": mounts or []}, "Placement": {"Constraints": constraints or []}, **more.pop("template", {})}
    return {"Name": "app_web", "Mode": {"Replicated": {"Replicas": replicas}}, "TaskTemplate": template, **more}


@pytest.mark.parametrize(
    ("constraint", "names"),
    [
        ("node.role == manager", ["m1"]),
        ("node.role==MANAGER", ["m1"]),
        ("node.role != manager", ["a1", "g1"]),
        ("node.hostname == g1", ["g1"]),
        ("node.id == idm1", ["m1"]),
        ("node.labels.gpu == true", ["g1"]),
        ("node.labels.gpu != true", ["a1", "m1"]),
        ("node.labels.Zone == A", ["m1"]),
        ("node.labels.zone == a", []),
        ("engine.labels.disk == ssd", ["a1"]),
        ("node.ip == 10.2.0.0/16", ["g1"]),
        ("node.ip == 10.1.0.1", ["m1"]),
        ("node.platform.arch == aarch64", ["a1"]),
        ("node.platform.os == linux", ["a1", "g1", "m1"]),
        ("node.colour == red", []),
        ("node.colour != red", []),
    ],
)
def test_constraints_as_the_engine_reads_them(constraint: str, names: list[str]) -> None:
    found = Nodes(NODES).eligible(spec(constraints=[constraint]))
    assert sorted(item["Description"]["Hostname"] for item in found) == names


def test_platforms_go_by_either_name_of_an_architecture() -> None:
    platforms = {"Placement": {"Platforms": [{"Architecture": "arm64", "OS": "linux"}]}}
    assert [item["Description"]["Hostname"] for item in Nodes(NODES).eligible(spec(template=platforms))] == ["a1"]


@pytest.mark.parametrize("text", ["node.role", "node.role = manager", "== x"])
def test_what_is_no_constraint(text: str) -> None:
    assert parse_constraint(text) is None
    assert Nodes(NODES).eligible(spec(constraints=[text])) == []


PORTS = {"Ports": [{"TargetPort": 80, "PublishedPort": 8080}]}
WEB_PORT = {"Ports": [{"TargetPort": 80, "PublishedPort": 443}]}
HOST_PORT = {"Ports": [{"TargetPort": 80, "PublishedPort": 80, "PublishMode": "host"}]}
START_FIRST = {"Order": "start-first"}


def gpus(count: int) -> Json:
    generic = [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": count}}]
    return {"Resources": {"Reservations": {"GenericResources": generic}}}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (spec(), ""),
        (spec(constraints=["node.labels.none == x"]), "no_node"),
        (spec(template=gpus(1)), ""),
        (spec(2, template=gpus(1)), ""),
        (spec(3, template=gpus(1)), "capacity"),
        (spec(template=gpus(3)), "capacity"),
        (spec(template=gpus(2), UpdateConfig=START_FIRST), "capacity"),
        (spec(template={"Resources": {"Reservations": {"MemoryBytes": 64 * GIB}}}), "capacity"),
        (spec(9, template={"Placement": {"MaxReplicas": 2}}), "capacity"),
        (spec(EndpointSpec=PORTS), "single_replica"),
        (spec(EndpointSpec=PORTS, UpdateConfig=START_FIRST), ""),
        (spec(2, EndpointSpec=PORTS), ""),
        (spec(2, EndpointSpec=WEB_PORT), "source_ip"),
        (spec(constraints=["node.role == manager"], EndpointSpec=HOST_PORT, UpdateConfig=START_FIRST), "host_port"),
        (spec(EndpointSpec=HOST_PORT, UpdateConfig=START_FIRST), ""),
    ],
)
def test_likely_mistakes_are_told_and_can_be_silenced(given: Json, rule: str) -> None:
    warnings = lint([given], Nodes(NODES), {})
    assert [warning.rpartition("(")[2].rstrip(")") for warning in warnings] == ([rule] if rule else [])
    assert lint([given], Nodes(NODES), {}, silence=[rule]) == []


def attached(count: int, mode: str = "vip") -> Json:
    return spec(count, EndpointSpec={"Mode": mode}, template={"Networks": [{"Target": "net"}]})


@pytest.mark.parametrize(
    ("subnet", "replicas", "mode", "full"),
    [
        ("10.0.0.0/24", 10, "vip", False),
        ("10.0.0.0/28", 3, "vip", False),  # 13 addresses: 3 tasks, 1 virtual, 5 nodes
        ("10.0.0.0/28", 4, "vip", True),
        ("10.0.0.0/28", 4, "dnsrr", False),
        ("", 1000, "vip", False),
    ],
)
def test_a_network_that_gets_full_is_told(subnet: str, replicas: int, mode: str, full: bool) -> None:
    network = {"Name": "net", "Id": "id", "IPAM": {"Config": [{"Subnet": subnet}] if subnet else None}}
    warnings = list(lint_addresses([attached(replicas, mode)], [network], [], Nodes(NODES)))
    assert bool(warnings) == full
    if full:
        assert "has 13 addresses and needs 10" in warnings[0]


def test_the_service_for_which_a_network_has_no_address_left_is_refused() -> None:
    """A /29 has five: two services with a virtual address and a task each, and the node's own."""
    network = {"Name": "net", "Id": "id", "IPAM": {"Config": [{"Subnet": "10.0.0.0/29"}]}}
    job = {**attached(9, "dnsrr"), "Mode": {"ReplicatedJob": {"TotalCompletions": 9}}}
    fits = [attached(1), attached(1), job]
    assert list(lint_addresses(fits, [network], [], Nodes(NODES)))
    with pytest.raises(PlanError, match=r"net has 5 addresses, and needs at least 6: 3 tasks, 2 virtual addresses, and one for each node"):
        list(lint_addresses([attached(1, "dnsrr"), *fits], [network], [], Nodes(NODES)))
    with pytest.raises(PlanError, match="needs at least 7: 3 tasks, 3 virtual"):
        list(lint_addresses([attached(1)], [network], fits, Nodes(NODES)))


BIND = [{"Type": "bind", "Source": "/srv/x", "Target": "/x"}]


@pytest.mark.parametrize(
    ("missing", "refused"),
    [
        ({}, False),
        ({"g1": ["/srv/x"]}, True),
        ({"g1": ["/srv/y"]}, False),
        ({"m1": ["/srv/x"]}, False),
    ],
)
def test_a_bind_mount_needs_a_node_that_has_its_source(missing: dict[str, list[str]], refused: bool) -> None:
    given = spec(constraints=["node.labels.gpu == true"], mounts=BIND)
    if not refused:
        assert lint([given], Nodes(NODES), missing) == []
        return
    with pytest.raises(PlanError, match=r"app_web mounts /srv/x, which no node that may run it has \(g1\)"):
        lint([given], Nodes(NODES), missing)


def test_a_bind_mount_that_some_node_lacks_is_told() -> None:
    (warning,) = lint([spec(mounts=BIND)], Nodes(NODES), {"idm1": ["/srv/x"], "g1": ["/srv/x"]})
    assert warning == "service app_web mounts /srv/x, which g1, m1 lacks (bind_source)"


def test_a_source_that_differs_from_node_to_node_is_not_looked_for() -> None:
    mounts = [{"Type": "bind", "Source": "/srv/{{.Node.Hostname}}", "Target": "/x"}]
    assert lint([spec(mounts=mounts)], Nodes(NODES), dict.fromkeys(("m1", "g1", "a1"), mounts[0]["Source"])) == []


@pytest.mark.parametrize(
    ("image", "more", "told"),
    [
        ("postgres:17", {}, True),
        (f"registry.example.org:5000/team/mariadb:11@sha256:{'a' * 64}", {}, True),
        ("postgres:17", {"EndpointSpec": {"Mode": "dnsrr"}}, False),
        ("postgres:17", {"sysctl": "600"}, False),
        ("postgres:17", {"sysctl": "7200"}, True),
        ("team/web:1", {}, False),
    ],
)
def test_idle_connections_to_databases(image: str, more: Json, told: bool) -> None:
    more = dict(more)
    sysctl = more.pop("sysctl", None)
    container = {"Image": image, **({"Sysctls": {"net.ipv4.tcp_keepalive_time": sysctl}} if sysctl else {})}
    wanted = spec(template={"ContainerSpec": container}, **more)
    found = [warning for warning in lint([wanted], Nodes(NODES), {}) if warning.endswith("(idle)")]
    assert bool(found) == told
    assert not [warning for warning in lint([wanted], Nodes(NODES), {}, ["idle"]) if warning.endswith("(idle)")]


SOCKET = [{"Type": "bind", "Source": "/var/run/docker.sock", "Target": "/var/run/docker.sock"}]


@pytest.mark.parametrize(
    ("image", "mounts", "told"),
    [
        ("traefik:v3.2", SOCKET, "use 3.6.1 or later"),
        (f"docker.io/library/traefik:3.6.0@sha256:{'a' * 64}", SOCKET, "use 3.6.1 or later"),
        ("traefik:v2.10", SOCKET, "use 2.11.31 or later"),
        ("traefik:v1.7-alpine", SOCKET, "use 2.11.31 or later"),
        ("traefik:v3.6.1", SOCKET, ""),
        ("traefik:v3.6", SOCKET, ""),
        ("traefik:v2.11", SOCKET, ""),
        ("traefik:v3", SOCKET, ""),
        ("traefik", SOCKET, ""),
        ("traefik:v3.2", [], ""),
        ("team/proxy:1.0", SOCKET, ""),
    ],
)
def test_a_client_that_newer_engines_refuse(image: str, mounts: list[Json], told: str) -> None:
    wanted = spec(template={"ContainerSpec": {"Image": image, "Mounts": mounts}})
    warnings = lint([wanted], Nodes(NODES), {})
    assert len(warnings) == bool(told) and all(told in warning and warning.endswith("(old_client)") for warning in warnings)
    assert lint([wanted], Nodes(NODES), {}, ["old_client"]) == []


def test_a_service_without_tasks_reserves_nothing() -> None:
    assert lint([spec(0, template={"Resources": {"Reservations": {"MemoryBytes": 64 * GIB}}})], Nodes(NODES), {}) == []
