# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the whole of a stack shows: what its services reserve together, its networks beside others, and alike warnings as one."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.finding import Finding, about, tell
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.lint import lint
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.network_lint import lint_networks
from fake_engine import node

Json = dict[str, t.Any]
GIB = 1024**3
NODES = Nodes(
    [
        node("m1", role="manager", addr="192.168.1.1", memory=8 * GIB, cpus=4),
        node("g1", labels={"gpu": "true"}, generic={"gpu": ["GPU-1", "GPU-2"]}, addr="192.168.1.2", memory=8 * GIB, cpus=4),
        node("g2", labels={"gpu": "true"}, generic={"gpu": ["GPU-3", "GPU-4"]}, addr="192.168.1.3", memory=8 * GIB, cpus=4),
    ]
)
ON_GPU = ["node.labels.gpu == true"]


def spec(name: str = "app_web", replicas: int | None = 1, constraints: t.Sequence[str] = (), **more: t.Any) -> Json:
    task = {"ContainerSpec": more.pop("container", {}), "Placement": {"Constraints": list(constraints)}}
    reservations = {key: more.pop(word) for word, key in (("cpus", "NanoCPUs"), ("memory", "MemoryBytes")) if word in more}
    if "gpus" in more:
        reservations["GenericResources"] = [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": more.pop("gpus")}}]
    task["Resources"] = {"Reservations": reservations, "Limits": more.pop("limits", {})}
    if "host_port" in more:
        more["EndpointSpec"] = {"Ports": [{"TargetPort": 80, "PublishedPort": more.pop("host_port"), "PublishMode": "host"}]}
    mode: Json = {"Global": {}} if replicas is None else {"Replicated": {"Replicas": replicas}}
    return {"Name": name, "Mode": mode, "TaskTemplate": task, **more}


@pytest.mark.parametrize(
    ("specs", "others", "expected"),
    [
        ([spec("a_x", 2, gpus=1), spec("a_y", 2, gpus=1)], [], []),
        (
            [spec("a_w", 2, gpus=1), spec("a_x", 2, gpus=1), spec("a_y", 2, gpus=1), spec("a_z", 1, gpus=2)],
            [],
            ["8 gpu wanted, and the nodes that may run them have 4 gpu: services a_y, a_z will wait (capacity)"],
        ),
        (
            [spec("a_x", 1, gpus=2)],
            [spec("b_y", 3, gpus=1)],
            ["5 gpu wanted, with b_y, and the nodes that may run them have 4 gpu: service a_x will wait (capacity)"],
        ),
        ([spec("a_x", 1, gpus=1)], [spec("b_y", 3, gpus=1), spec("b_z", 4, gpus=1)], []),  # others wait
        (
            [spec("a_x", 3, memory=4 * GIB), spec("a_y", 3, memory=5 * GIB)],
            [],
            ["27 GiB wanted, and the nodes that may run them have 24 GiB: service a_y will wait (capacity)"],
        ),
        (
            [spec("a_x", None, ON_GPU, cpus=1_500_000_000), spec("a_y", 2, ON_GPU, cpus=3 * 10**9), spec("a_z", 9, cpus=10**7)],
            [],
            ["9 CPUs wanted, and the nodes that may run them have 8 CPUs: service a_y will wait (capacity)"],
        ),
        (
            [spec("a_x", 1, ON_GPU, host_port=80), spec("a_y", 2, ON_GPU, host_port=80)],
            [],
            ["port 80/tcp of a node is wanted by 3 tasks, and 2 nodes may run them: service a_y will wait (capacity)"],
        ),
        ([spec("a_x", 1, ON_GPU, host_port=80), spec("a_y", 1, ["node.role == manager"], host_port=80)], [], []),
        ([spec("a_x", 0, gpus=9), {**spec("a_y", gpus=9), "Mode": {"ReplicatedJob": {"TotalCompletions": 9}}}, spec("a_z", gpus=2)], [],
         ["service a_y: 1 tasks reserve 9 gpu each, but the nodes that may run it have room for 0 (capacity)"]),
    ],
)  # fmt: skip
def test_what_all_services_reserve_is_compared_with_what_the_nodes_have(specs: list[Json], others: list[Json], expected: list[str]) -> None:
    assert lint(specs, NODES, {}, others=others) == expected
    assert lint(specs, Nodes(), {}, others=others) == []


def test_a_finding_about_several_services_is_silenced_where_it_is_for_all_of_them() -> None:
    specs = [spec("ray_a", 4, gpus=1), spec("ray_b", 1, gpus=1), spec("ocr_c", 1, gpus=1)]
    (warning,) = lint(specs, NODES, {}, ["capacity:ray_*"])
    assert "services ray_b, ocr_c will wait" in warning
    assert lint(specs, NODES, {}, ["capacity:ray_*", "capacity:ocr_c"]) == lint(specs, NODES, {}, ["capacity"]) == []


VOLUME = {"Mounts": [{"Type": "volume", "Source": "app_data", "Target": "/data"}]}
READ_ONLY = {"Mounts": [{"Type": "volume", "Source": "app_data", "Target": "/data", "ReadOnly": True}]}
START_FIRST: dict[str, t.Any] = {"UpdateConfig": {"Order": "start-first"}}
PORTS: dict[str, t.Any] = {"EndpointSpec": {"Ports": [{"TargetPort": 80, "PublishedPort": 8080}]}}
ALL_GPUS = {"Env": ["NVIDIA_VISIBLE_DEVICES=all"]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (spec(limits={"NanoCPUs": 4 * 10**9}), []),
        (
            spec(limits={"NanoCPUs": 64 * 10**9}),
            ["service app_web: its limit is 64 CPUs, and nodes refuse a limit above what they have (at most 4 CPUs) (cpu_limit)"],
        ),
        (spec(replicas=4, memory=6 * GIB),
         ["service app_web: 4 tasks reserve 6 GiB each, but the nodes that may run it have room for 3 (capacity)"]),
        (spec(container=VOLUME, **START_FIRST),
         ["service app_web: with start-first the old and the new task write into volume app_data at the same time; "
          "use update_config.order: stop-first (two_writers)"]),
        (spec(replicas=2, container=VOLUME, **START_FIRST), []),
        (spec(container=READ_ONLY, **START_FIRST), []),
        (spec(container=VOLUME, **PORTS), []),  # start-first would be no advice
        (spec(container=READ_ONLY, **PORTS),
         ["service app_web publishes ports with one replica, and is down during each update; update_config.order: start-first with a "
          "health check prevents that (single_replica)"]),
        (spec(container={"Args": ["--name={{.Task.Slot}}", "{{ .Node.Hostname }}"]}),
         ["service app_web: {{ .Node.Hostname }}, {{.Task.Slot}} is not expanded in a command; set it as a variable in environment "
          "and use that (template)"]),
        (spec(container={"Healthcheck": {"Test": ["CMD-SHELL", "test {{.Task.Slot}}"]}}),
         ["service app_web: {{.Task.Slot}} is not expanded in a command; set it as a variable in environment and use that (template)"]),
        (spec(container={"Args": ["{{upstreams 80}}", "{{ .Names }}"], "Env": ["A={{.Task.Slot}}"]}), []),
        (spec(container=ALL_GPUS),
         ["service app_web: NVIDIA_VISIBLE_DEVICES=all without a reservation shows it every GPU of its node, also those of other services; "
          "reserve generic_resources (all_gpus)"]),
        (spec(container=ALL_GPUS, gpus=1), []),
        (spec(container={"Env": ["NVIDIA_VISIBLE_DEVICES=none"]}), []),
        (spec(container={"Labels": {"traefik.enable": "true"}}),
         ["service app_web: Traefik reads the labels of services in a swarm; move them to deploy.labels (traefik_labels)"]),
        (spec(container={"Labels": {"traefik.enable": "true"}}, Labels={"traefik.enable": "true"}), []),
        (spec(container={"Env": ["DB_PASSWORD=hunter2", "API_KEY=x", "TOKEN=", "A_PASSWORD_FILE=/x", "B_PASSWORD=/run/secrets/b", "C_TOKEN",
                                 "MAX_TOKEN=5", "DB_URL=http://x", "SECRET={{.Service.ID}}", "HTPASSWD_REALM=registry",
                                 "A_URL=http://user@x:80/@", "B_URL=http://x:1/a:b@c"]}),
         ["passwords seem to be in plain environment, which everyone can read who may inspect a service (app_web: API_KEY, DB_PASSWORD); "
          "use secrets (plain_password)"]),
        (spec(container={"Env": ["STORE=mongodb://me:my%40pw@store:27017/x", "CACHE=redis://:pw@cache/0", "SUBSCRIPTION_KEY=1a",
                                 "SORT_KEY=x", "B=http://u:{{.Service.ID}}@b"]}),
         ["passwords seem to be in plain environment, which everyone can read who may inspect a service (app_web: CACHE, STORE, "
          "SUBSCRIPTION_KEY); "
          "use secrets (plain_password)"]),
    ],
)  # fmt: skip
def test_likely_mistakes_of_one_service(given: Json, expected: list[str]) -> None:
    warnings = lint([given], NODES, {})
    assert warnings == expected
    for warning in warnings:
        word = warning.rpartition("(")[2].rstrip(")")
        assert lint([given], NODES, {}, [f"{word}:app_*"]) == []
        assert lint([given], NODES, {}, [f"{word}:other_*"]) == warnings


def test_services_without_a_node_are_one_warning() -> None:
    one, other = spec("a_x", constraints=["node.labels.x == y"]), spec("a_y", constraints=["node.hostname == h"])
    assert lint([one], NODES, {}) == ["service a_x: no active node matches node.labels.x == y (no_node)"]
    assert lint([one, {**one, "Name": "a_z"}], NODES, {}) == ["services a_x, a_z: no active node matches node.labels.x == y (no_node)"]
    assert lint([one, other], NODES, {}) == [
        "no active node matches the constraints of these services: a_x (node.labels.x == y); a_y (node.hostname == h) (no_node)"
    ]


def network(name: str = "app_net", *subnets: str, driver: str = "overlay", **options: str) -> Json:
    return {"Name": name, "Driver": driver, "Options": options, "IPAM": {"Config": [{"Subnet": subnet} for subnet in subnets]}}


INGRESS = network("ingress", "10.0.0.0/24")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([network()], []),
        ([network("app_net", "10.0.1.0/24"), network("app_more", "10.0.2.0/24")], []),
        ([network("app_net", "10.0.0.0/24")],
         ["network app_net: its subnet 10.0.0.0/24 overlaps 10.0.0.0/24 of network ingress, so tasks on it get no address; "
          "use another range (subnet)"]),
        ([network("app_net", "10.8.0.0/16"), network("app_more", "10.8.1.0/24")],
         ["network app_net: its subnet 10.8.0.0/16 overlaps 10.8.1.0/24 of network app_more, so tasks on it get no address; "
          "use another range (subnet)",
          "network app_more: its subnet 10.8.1.0/24 overlaps 10.8.0.0/16 of network app_net, so tasks on it get no address; "
          "use another range (subnet)"]),
        ([network("app_net", "192.168.0.0/16")],
         ["network app_net: its subnet 192.168.0.0/16 holds the address of m1, g1, g2, which tasks can't reach then; "
          "use another range (subnet)"]),
        ([network("app_net", "9.9.9.0/24")],
         ["network app_net: its subnet 9.9.9.0/24 is a public range, and tasks can't reach its real hosts; "
          "use one from 10.0.0.0/8 (subnet)"]),
        ([network(**{"com.docker.network.bridge.name": "br0", "com.docker.network.driver.mtu": "1400", "encrypted": ""})],
         ["network app_net: com.docker.network.bridge.name is for bridges, and does nothing on an overlay (network_options)"]),
        ([network(mtu="1400")], ["network app_net: overlay networks have no option mtu (network_options)"]),
        ([network(driver="weaveworks/net-plugin:2", mtu="1400")], []),
    ],
)  # fmt: skip
def test_networks_beside_others(wanted: list[Json], expected: list[str]) -> None:
    own = network("app_net", "10.0.7.0/24")  # as it is now
    assert tell(lint_networks(wanted, [INGRESS, own], NODES)) == expected


def test_networks_beside_what_hosts_reach_by_themselves() -> None:
    routes = {
        "g1": [{"network": "10.0.9.0/26", "via": "eth1"}, {"network": "192.168.1.0/24", "via": "eth0"}],
        "m1": [{"network": "10.0.9.0/26", "via": "eth1"}],
        "g2": [{"network": "10.0.9.53/32", "via": "resolver"}],
    }
    found = list(lint_networks([network("app_net", "10.0.9.0/24")], [INGRESS], NODES, routes))
    assert tell(found) == [
        "network app_net: its subnet 10.0.9.0/24 overlaps what hosts reach by themselves (10.0.9.0/26 (eth1) on g1, m1; "
        "10.0.9.53/32 (resolver) on g2), which tasks can't reach then; use another range (subnet)"
    ]
    assert tell(found, ["subnet:app_*"]) == []
    assert tell(lint_networks([network("app_net", "10.0.10.0/24")], [INGRESS], NODES, routes)) == []
    assert len(list(lint_networks([network("app_net", "192.168.1.0/24")], [INGRESS], NODES, routes))) == 1  # the addresses of nodes say it


def test_alike_findings_are_told_as_one() -> None:
    alike = [about("idle", "a_x", ": drops"), about("idle", "a_w", ": drops")]
    found = [*alike, about("idle", "a_y", ": drops more"), about("b", "a_x", " has")]
    assert tell([*found, about("b", "a_y", " has"), Finding("c", ("a_x", "a_y"), "both")]) == [
        "services a_w, a_x: drops (idle)",
        "service a_y: drops more (idle)",
        "services a_x, a_y: each has (b)",
        "both (c)",
    ]
    assert tell(found, ["idle:a_[wx]", "b"]) == ["service a_y: drops more (idle)"]
