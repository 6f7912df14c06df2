# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service specs as the engine stores them, updates, rollbacks, jobs, ports."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest

from . import completes, crashes, network, node, service
from .conftest import Api

MakeApi = Callable[..., Api]
NODES = [node("m1", role="manager"), node("w1"), node("w2")]


def stored(api: Api, body: dict[str, t.Any]) -> t.Any:
    api.ok("POST", "/services/create", body)
    return api.ok("GET", f"/services/{body['Name']}")["Spec"]


NORMALISED = [
    ({"Mode": {"Replicated": {}}}, "Mode", {"Replicated": {"Replicas": 1}}),
    ({"Mode": {}}, "Mode", {"Replicated": {"Replicas": 1}}),
    ({"Mode": {"Replicated": {"Replicas": 0}}}, "Mode", {"Replicated": {"Replicas": 0}}),
    ({"Mode": {"ReplicatedJob": {}}}, "Mode", {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}),
    ({"Mode": {"ReplicatedJob": {"MaxConcurrent": 3}}}, "Mode", {"ReplicatedJob": {"MaxConcurrent": 3, "TotalCompletions": 3}}),
    ({"Labels": None}, "Labels", {}),
    ({"EndpointSpec": {}}, "EndpointSpec", {"Mode": "vip"}),
    (
        {"EndpointSpec": {"Ports": [{"TargetPort": 80, "PublishedPort": 8080}]}},
        "EndpointSpec",
        {
            "Mode": "vip",
            "Ports": [{"TargetPort": 80, "PublishedPort": 8080, "Protocol": "tcp", "PublishMode": "ingress"}],
        },
    ),
    (
        {"UpdateConfig": {"Parallelism": 1, "Delay": 0}},
        "UpdateConfig",
        {"Parallelism": 1, "FailureAction": "pause", "Order": "stop-first", "MaxFailureRatio": 0},
    ),
    ({"UpdateConfig": None}, "UpdateConfig", None),
]


@pytest.mark.parametrize(("change", "key", "expected"), NORMALISED)
def test_spec_is_normalised(make_api: MakeApi, change: t.Any, key: str, expected: t.Any) -> None:
    assert stored(make_api(nodes=NODES), {**service("x"), **change}).get(key) == expected


TEMPLATE = [
    ({"RestartPolicy": {}}, "RestartPolicy", {"Condition": "any", "MaxAttempts": 0}),
    ({"RestartPolicy": {"Condition": "none"}}, "RestartPolicy", {"Condition": "none", "MaxAttempts": 0}),
    ({"Placement": {}}, "Placement", {}),
    ({"Resources": {}}, "Resources", {}),
    ({"Resources": {"Limits": {"MemoryBytes": 2**30, "NanoCPUs": 0}}}, "Resources", {"Limits": {"MemoryBytes": 2**30}}),
    ({}, "Runtime", "container"),
    ({}, "ForceUpdate", 0),
]


@pytest.mark.parametrize(("change", "key", "expected"), TEMPLATE)
def test_task_template_is_normalised(make_api: MakeApi, change: t.Any, key: str, expected: t.Any) -> None:
    assert stored(make_api(nodes=NODES), service("x", template=change))["TaskTemplate"][key] == expected


CONTAINER = [
    ({"Isolation": ""}, "Isolation", "default"),
    ({"Env": [], "TTY": False, "Dir": ""}, "Env", None),
    ({"Init": False}, "Init", False),
    ({"StopGracePeriod": 0}, "StopGracePeriod", 0),
    (
        {"Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": {}}]},
        "Mounts",
        [{"Type": "bind", "Source": "/a", "Target": "/b"}],
    ),
    (
        {"Mounts": [{"Type": "volume", "Source": "v", "Target": "/b", "VolumeOptions": {}}]},
        "Mounts",
        [{"Type": "volume", "Source": "v", "Target": "/b", "VolumeOptions": {}}],
    ),
]


@pytest.mark.parametrize(("change", "key", "expected"), CONTAINER)
def test_container_is_normalised(make_api: MakeApi, change: t.Any, key: str, expected: t.Any) -> None:
    spec = stored(make_api(nodes=NODES), service("x", container=change))
    assert spec["TaskTemplate"]["ContainerSpec"].get(key) == expected


def test_defaults_come_on_demand(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x")])
    assert "RestartPolicy" not in api.ok("GET", "/services/x")["Spec"]["TaskTemplate"]
    full = api.ok("GET", "/services/x", insertDefaults="true")["Spec"]
    assert full["TaskTemplate"]["RestartPolicy"] == {"Condition": "any", "Delay": 5 * 10**9, "MaxAttempts": 0}
    assert full["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] == 10 * 10**9
    assert full["UpdateConfig"]["Monitor"] == full["RollbackConfig"]["Monitor"] == 5 * 10**9


def test_networks_are_kept_by_id(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, networks=[network("net"), network("br", driver="bridge")])
    spec = stored(api, service("x", networks=["net"]))
    assert spec["TaskTemplate"]["Networks"] == [{"Target": api.ok("GET", "/networks/net")["Id"]}]
    status, answer = api("POST", "/services/create", service("y", networks=["ingress"]))
    assert (status, "ingress network" in answer["message"]) == (400, True)
    assert api("POST", "/services/create", service("z", networks=["br"]))[0] in (403, 404)


def test_an_equal_update_costs_the_rollback_target_but_no_task(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x", replicas=2)])
    before = api.ok("GET", "/services/x")
    tasks = {task["ID"] for task in api.fake.tasks("x")}
    assert api.update("x")[0] == 200
    after = api.ok("GET", "/services/x")
    assert after["PreviousSpec"] == after["Spec"] == before["Spec"]
    assert after["Version"]["Index"] > before["Version"]["Index"] and after["UpdatedAt"] > before["UpdatedAt"]
    api.fake.settle()
    assert {task["ID"] for task in api.fake.tasks("x")} == tasks
    assert "UpdateStatus" not in api.ok("GET", "/services/x")


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"Mode": {"Global": {}}}, 501, "service mode change is not allowed"),
        ({"Name": "y"}, 501, "renaming services is not supported"),
    ],
)
def test_what_an_update_may_not_change(make_api: MakeApi, change: t.Any, status: int, text: str) -> None:
    got, answer = make_api(nodes=NODES, services=[service("x")]).update("x", **change)
    assert (got, text in answer["message"]) == (status, True)


def test_rollback_to_the_previous_spec(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("x", "i:1", replicas=2)])
    spec = service("x", "i:1", replicas=2)
    index = api.ok("GET", "/services/x")["Version"]["Index"]
    status, answer = api("POST", "/services/x/update", spec, version=index, rollback="previous")
    assert (status, "does not have a previous spec" in answer["message"]) == (400, True)
    api.update("x", image="i:2")
    api.fake.settle()
    index = api.ok("GET", "/services/x")["Version"]["Index"]
    api.ok("POST", "/services/x/update", spec, version=index, rollback="previous")
    assert api.ok("GET", "/services/x")["UpdateStatus"]["State"] == "rollback_started"
    api.fake.settle()
    found = api.ok("GET", "/services/x")
    assert found["UpdateStatus"]["State"] == "rollback_completed"
    assert found["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "i:1"


@pytest.mark.parametrize("mode", ["replicated-job", "global-job"])
def test_every_update_runs_a_job_again(make_api: MakeApi, mode: str) -> None:
    api = make_api(nodes=NODES, services=[service("job", mode=mode, replicas=3)])
    assert api.ok("GET", "/services/job")["JobStatus"]["JobIteration"] == {"Index": 0}
    first = {task["ID"]: task["Status"]["State"] for task in api.fake.tasks("job")}
    assert list(first.values()) == ["complete"] * 3
    api.update("job")
    api.fake.settle()
    assert api.ok("GET", "/services/job")["JobStatus"]["JobIteration"] == {"Index": 1}
    second = api.fake.tasks("job")
    assert len(second) == 3 and not first.keys() & {task["ID"] for task in second}
    assert {task["JobIteration"]["Index"] for task in second} == {1}


def test_status_of_jobs_and_services(make_api: MakeApi) -> None:
    services = [service("web", replicas=2), service("all", mode="global"), service("job", mode="replicated-job", replicas=2)]
    found = make_api(nodes=NODES, services=services).ok("GET", "/services", status="true")
    counts = {item["Spec"]["Name"]: tuple(item["ServiceStatus"].values()) for item in found}
    assert counts == {"web": (2, 2, 0), "all": (3, 3, 0), "job": (0, 2, 2)}


def test_a_job_that_fails(make_api: MakeApi) -> None:
    job = service("job", "j:1", mode="replicated-job", template={"RestartPolicy": {"Condition": "on-failure", "MaxAttempts": 2}})
    api = make_api(nodes=NODES, services=[job], behaviours={"j:1": crashes(7)})
    tasks = api.fake.tasks("job")
    assert [task["Status"]["ContainerStatus"]["ExitCode"] for task in tasks] == [7, 7, 7]
    assert api.fake.tick() is False
    api.fake.behave("j:1", completes())
    api.update("job")
    api.fake.settle()
    assert [task["Status"]["State"] for task in api.fake.tasks("job")] == ["complete"]


def test_jobs_take_no_update_config(make_api: MakeApi) -> None:
    body = service("job", mode="global-job", UpdateConfig={"Parallelism": 1})
    status, answer = make_api(nodes=NODES)("POST", "/services/create", body)
    assert (status, "Jobs may not have an update config" in answer["message"]) == (400, True)


def ports(published: int, mode: str = "ingress", target: int = 80) -> dict[str, t.Any]:
    return {"EndpointSpec": {"Ports": [{"TargetPort": target, "PublishedPort": published, "PublishMode": mode}]}}


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [("ingress", "ingress", 400), ("ingress", "host", 400), ("host", "ingress", 400), ("host", "host", 201)],
)
def test_published_ports(make_api: MakeApi, first: str, second: str, status: int) -> None:
    api = make_api(nodes=NODES, services=[service("a", **ports(80, first))])
    got, answer = api("POST", "/services/create", service("b", **ports(80, second)))
    assert got == status
    assert status == 201 or "port '80' is already in use by service 'a'" in answer["message"]


def test_the_engine_chooses_a_port(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("a", **ports(0)), service("b", **ports(0))])
    assert [s["Endpoint"]["Ports"][0]["PublishedPort"] for s in api.ok("GET", "/services")] == [30000, 30001]


def test_a_published_port_needs_the_ingress_network(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("a", **ports(80))])
    assert "depends on it" in api("DELETE", "/networks/ingress")[1]["message"]
    api.ok("DELETE", "/services/a")
    api.fake.settle()
    assert api("DELETE", "/networks/ingress")[0] == 204
    status, answer = api("POST", "/services/create", service("b", **ports(81)))
    assert (status, "no ingress network is present" in answer["message"]) == (400, True)


def test_logs(make_api: MakeApi) -> None:
    api = make_api(nodes=NODES, services=[service("web"), service("tty", container={"TTY": True})])
    for name in ("web", "tty"):
        api.fake.log(name, "one\ntwo\n")
    status, body = api("GET", "/services/web/logs", stdout=1, tail="1")
    assert (status, body) == (200, b"\x01\0\0\0\0\0\0\x04two\n")
    assert api("GET", "/services/tty/logs", stdout=1) == (200, b"one\ntwo\n")
    task = api.fake.tasks("web")[0]["ID"]
    assert api("GET", f"/tasks/{task}/logs", stdout=1)[1].endswith(b"two\n")
    assert api("GET", "/services/none/logs", stdout=1)[0] == 404
