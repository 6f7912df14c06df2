# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake engine against the Docker SDK: shapes, refusals, versions, faults."""

from __future__ import annotations

import threading
import time
import typing as t
from collections.abc import Callable

import docker
import docker.errors
import pytest
import requests

from . import config, network, node, secret, service
from .conftest import Api

MakeApi = Callable[..., Api]
MANAGER = node("m1", role="manager", leader=True)


def cluster() -> dict[str, t.Any]:
    return {
        "nodes": [node("m1", role="manager"), node("w1", labels={"gpu": "true"}), node("w2", engine_labels={"os": "deb"})],
        "networks": [network("net", subnet="10.9.0.0/24", labels={"s": "1"})],
        "secrets": [secret("key", b"hidden", labels={"s": "1"})],
        "configs": [config("conf", b"shown")],
        "services": [
            service("web", replicas=2, labels={"s": "1"}, networks=["net"]),
            service("agent", mode="global", constraints=["node.labels.gpu == true"]),
        ],
    }


def test_the_sdk_reads_everything(make_api: MakeApi) -> None:
    client = make_api(**cluster()).client
    assert client.ping() is True
    assert client.version()["MinAPIVersion"] == "1.24"
    assert client.info()["Swarm"]["Managers"] == 1
    assert client.inspect_swarm()["JoinTokens"]["Worker"].startswith("SWMTKN-1-")
    assert [n["Description"]["Hostname"] for n in client.nodes()] == ["m1", "w1", "w2"]
    assert [s["Spec"]["Name"] for s in client.services()] == ["web", "agent"]
    assert {task["Status"]["State"] for task in client.tasks()} == {"running"}
    assert [n["Name"] for n in client.networks()] == ["ingress", "net"]
    assert client.inspect_service("web", insert_defaults=True)["Spec"]["UpdateConfig"]["Order"] == "stop-first"


def test_the_sdk_writes(make_api: MakeApi) -> None:
    api = make_api(**cluster())
    client = api.client
    made = client.create_service(docker.types.TaskTemplate(docker.types.ContainerSpec("redis:7")), name="cache")
    found = client.inspect_service("cache")
    assert found["ID"] == made["ID"] and found["Spec"]["Mode"] == {"Replicated": {"Replicas": 1}}
    assert client.remove_service("cache") is True
    client.update_node(
        "w1", client.inspect_node("w1")["Version"]["Index"], {"Role": "worker", "Availability": "drain", "Labels": {"a": "b"}}
    )
    assert client.inspect_node("w1")["Spec"] == {"Role": "worker", "Availability": "drain", "Labels": {"a": "b"}}
    with pytest.raises(docker.errors.NotFound, match="service cache not found"):
        client.inspect_service("cache")


@pytest.mark.parametrize("api_version", ["1.44", "1.41", "1.52"])
def test_version_is_negotiated(make_api: MakeApi, api_version: str) -> None:
    api = make_api(nodes=[MANAGER], api_version=api_version)
    api.ok("GET", "/info")
    assert api.client.api_version == api_version
    assert api.fake.calls() == ["GET /info"]


def test_requests_are_recorded(make_api: MakeApi) -> None:
    api = make_api(**cluster())
    api("GET", "/services", filters={"label": ["s=1"]}, status=True)
    api("POST", "/services/create", service("new", "i:1"), headers={"X-Registry-Auth": "eyJ4Ijoxfq=="})
    listed, made = api.fake.requests[-2:]
    assert (listed.method, listed.path, listed.query["filters"]) == ("GET", "/services", {"label": ["s=1"]})
    assert (made.call, made.status, made.body["Name"]) == ("POST /services/create", 201, "new")
    assert made.headers["X-Registry-Auth"] == "eyJ4Ijoxfq=="
    assert api.fake.cluster.registry_auth[api.fake.service("new")["ID"]] == "eyJ4Ijoxfq=="
    assert api.fake.writes == [made]
    assert api.fake.calls("POST .*") == ["POST /services/create"]
    api.fake.forget()
    assert api.fake.calls() == []


@pytest.mark.parametrize(
    ("path", "filters", "names"),
    [
        ("/services", {"label": ["s=1"]}, ["web"]),
        ("/services", {"label": {"s=1": True}}, ["web"]),
        ("/services", {"label": ["s=2"]}, []),
        ("/services", {"name": ["we"]}, ["web"]),
        ("/services", {"mode": ["global"]}, ["agent"]),
        ("/secrets", {"label": ["s"]}, ["key"]),
        ("/secrets", {"name": ["none"]}, []),
        ("/configs", {"name": ["conf"]}, ["conf"]),
        ("/networks", {"label": ["s=1"]}, ["net"]),
        ("/networks", {"scope": ["local"]}, []),
        ("/nodes", {"role": ["manager"]}, ["m1"]),
        ("/nodes", {"node.label": ["gpu=true"]}, ["w1"]),
        ("/nodes", {"label": ["os=deb"]}, ["w2"]),
        ("/nodes", {"name": ["w"]}, ["w1", "w2"]),
    ],
)
def test_filters(make_api: MakeApi, path: str, filters: t.Any, names: list[str]) -> None:
    found = make_api(**cluster()).ok("GET", path, filters=filters)
    got = [item.get("Name") or item["Spec"].get("Name") or item["Description"]["Hostname"] for item in found]
    assert got == names


def test_unknown_filter_is_refused(make_api: MakeApi) -> None:
    status, answer = make_api(**cluster())("GET", "/services", filters={"colour": ["red"]})
    assert (status, answer) == (400, {"message": "invalid filter 'colour'"})


REFUSALS = [
    ("GET", "/services/none", None, 404, "service none not found"),
    ("GET", "/nodes/none", None, 404, "node none not found"),
    ("GET", "/networks/none", None, 404, "network none not found"),
    ("GET", "/secrets/none", None, 404, "secret none not found"),
    ("GET", "/volumes/none", None, 404, "get none: no such volume"),
    ("GET", "/nowhere", None, 404, "page not found"),
    ("POST", "/services/create", service("web"), 409, "name conflicts with an existing object: service web already exists"),
    ("POST", "/services/create", service("a.b"), 400, "name must be valid as a DNS name component"),
    ("POST", "/services/create", service("x" * 64), 400, "name must be 63 characters or fewer"),
    ("POST", "/services/create", service("x", networks=["lost"]), 404, "network lost not found"),
    ("POST", "/services/create", service("x", constraints=["node.role"]), 500, "constraint expected one operator from ==, !="),
    ("POST", "/services/create", service("x", "", replicas=1), 400, "image reference must be provided"),
    ("POST", "/secrets/create", secret("key"), 409, "secret key already exists"),
    ("POST", "/secrets/create", secret("x", b""), 400, "secret data must be larger than 0 and less than 512000 bytes"),
    ("POST", "/secrets/create", secret("x", b"x" * 512000), 400, "secret data must be larger than 0 and less than 512000 bytes"),
    ("POST", "/configs/create", config("x", b"x" * 1024000), 400, "config data must be larger than 0 and less than 1024000"),
    ("POST", "/secrets/create", secret("-x"), 400, "invalid name"),
    ("POST", "/networks/create", network("net"), 409, "network with name net already exists"),
    ("POST", "/networks/create", network("i2", Ingress=True), 409, "is already present"),
    ("POST", "/networks/create", network("n", subnet="10.x"), 400, "invalid subnet 10.x"),
    ("DELETE", "/networks/net", None, 400, "is in use by service"),
    ("DELETE", "/nodes/m1", None, 400, "It must be demoted to worker before removal"),
    ("DELETE", "/nodes/w1", None, 400, "is not down and can't be removed"),
    ("POST", "/swarm/init", {"ListenAddr": "0.0.0.0:2377"}, 503, "This node is already part of a swarm"),
    ("POST", "/swarm/leave", None, 503, "Removing the last manager erases all current state of the swarm"),
    ("POST", "/swarm/unlock", {"UnlockKey": "x"}, 409, "swarm is not locked"),
    ("GET", "/distribution/nginx:1/json", None, 401, "denied"),
    ("GET", "/images/nginx/json", None, 404, "No such image: nginx:latest"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "text"), REFUSALS)
def test_refusals(make_api: MakeApi, method: str, path: str, body: t.Any, status: int, text: str) -> None:
    got, answer = make_api(**cluster())(method, path, body)
    assert (got, text in answer["message"]) == (status, True), answer


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/services/web", service("web")),
        ("/nodes/w1", {"Role": "worker", "Availability": "active"}),
        ("/secrets/key", secret("key", b"hidden")),
        ("/swarm", {"Name": "default"}),
    ],
)
def test_an_update_needs_the_present_version(make_api: MakeApi, path: str, body: t.Any) -> None:
    api = make_api(**cluster())
    index = api.ok("GET", path)["Version"]["Index"]
    status, answer = api("POST", f"{path}/update", body, version=index - 1)
    assert (status, answer["message"]) == (500, "rpc error: code = Unknown desc = update out of sequence")
    assert api("POST", f"{path}/update", body)[0] == 400
    api.ok("POST", f"{path}/update", body, version=index)
    assert api.ok("GET", path)["Version"]["Index"] > index
    assert api("POST", f"{path}/update", body, version=index)[0] == 500


def test_faults_hit_the_nth_request(make_api: MakeApi) -> None:
    api = make_api(nodes=[MANAGER])
    api.fake.fail("GET", "/nodes", 500, "broken", nth=2, times=2)
    assert [api("GET", "/nodes")[0] for _ in range(5)] == [200, 500, 500, 200, 200]
    assert api("GET", "/services")[0] == 200


@pytest.mark.parametrize(("when", "made"), [("before", False), ("after", True)])
def test_a_dropped_connection(make_api: MakeApi, when: str, made: bool) -> None:
    api = make_api(nodes=[MANAGER])
    api.fake.drop("POST", "/secrets/create", when=when)
    with pytest.raises(requests.exceptions.ConnectionError):
        api("POST", "/secrets/create", secret("s"))
    assert bool(api.ok("GET", "/secrets")) is made


def test_latency(make_api: MakeApi) -> None:
    api = make_api(nodes=[MANAGER])
    api.fake.delay("GET", "/nodes", 0.2)
    started = time.monotonic()
    api.ok("GET", "/nodes")
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ("name", "host_state", "status", "text"),
    [
        ("m1", "active", 200, ""),
        ("w1", "active", 503, "Worker nodes can't be used"),
        ("m1", "locked", 503, "needs to be unlocked"),
    ],
)
def test_who_may_see_the_swarm(make_api: MakeApi, name: str, host_state: str, status: int, text: str) -> None:
    api = make_api(nodes=[MANAGER, node("w1")], name=name)
    api.fake.host.state = host_state
    got, answer = api("GET", "/nodes")
    assert (got, text in str(answer)) == (status, True)
    info = api.ok("GET", "/info")["Swarm"]
    assert (info["LocalNodeState"], info["ControlAvailable"]) == (host_state, status == 200)


def test_no_leader(make_api: MakeApi) -> None:
    api = make_api(nodes=[MANAGER])
    api.fake.lose_leader(times=1)
    assert "does not have a leader" in api("GET", "/services")[1]["message"]
    assert api("GET", "/services")[0] == 200
    api.fake.lose_leader()
    assert [api("GET", "/nodes")[0], api("GET", "/nodes")[0]] == [500, 500]
    assert "does not have a leader" in api.ok("GET", "/info")["Swarm"]["Error"]


def test_many_clients_at_once(make_api: MakeApi) -> None:
    api = make_api(nodes=[MANAGER])
    others = [Api(api.fake) for _ in range(8)]
    threads = [
        threading.Thread(target=lambda a=a, i=i: [a.ok("POST", "/secrets/create", secret(f"s{i}-{n}")) for n in range(10)])
        for i, a in enumerate(others)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = api.ok("GET", "/secrets")
    assert len(found) == 80 and len({item["Version"]["Index"] for item in found}) == 80
    for other in others:
        other.client.close()


def test_a_thousand_nodes_and_500_services_answer_quickly(make_api: MakeApi) -> None:
    nodes = [node(f"n{i}", role="manager" if i < 3 else "worker") for i in range(1000)]
    api = make_api(nodes=nodes, services=[service(f"s{i}", replicas=2) for i in range(500)])
    started = time.monotonic()
    counts = [len(api.ok("GET", path)) for path in ("/nodes", "/services", "/tasks")]
    assert counts == [1000, 500, 1000]
    assert time.monotonic() - started < 30, "0.3 s on an idle machine: something is no longer linear"
