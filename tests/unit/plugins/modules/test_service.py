# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.service_options import UPDATE
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.session import Session
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.lock import Locks
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import Engine
from ansible_collections.flotilla.swarm.plugins.modules import service as module
from fake_clock import Clock
from fake_engine import FakeEngine, config, crashes, network, node, secret, service
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from module_runner import run_module_main

Json = dict[str, t.Any]
DIGEST = f"sha256:{'ab' * 32}"
STACK = {"com.docker.stack.namespace": "app", "com.docker.stack.image": "nginx:1"}


def swarm(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    reserved = {"Resources": {"Reservations": {"NanoCPUs": 10**9}}}
    return fake_engine(
        nodes=[node("m1", role="manager", leader=True), node("w1", labels={"gpu": "true"})],
        services=[
            service("app_web", replicas=2, labels=STACK, container={"Env": ["LEVEL=info", "OLD=1"]}, template=reserved),
            service("app_worker", replicas=2, labels=STACK),
            service("app_agent", mode="global", labels={**STACK, "tier": "edge"}),
            service("app_once", mode="replicated-job", labels=STACK),
            service("lonely", replicas=1),
        ],
        images={"nginx:2": {"digest": DIGEST}},
    )


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", Clock())
    return swarm(fake_engine)


def run(fake: FakeEngine, verb: str, check: bool = False, **options: t.Any) -> Json:
    suboptions = {name: options.pop(name) for name in (*UPDATE, "replicas", "check_capacity") if name in options}
    return run_module_main(module.main, {"docker_host": fake.docker_host, verb: suboptions, **options}, check=check, diff=True)


def changed(result: Json) -> list[str]:
    assert not result.get("failed"), result["msg"]
    return [change["name"] for change in result["plan"]]


def template(fake: FakeEngine, name: str) -> Json:
    return t.cast(Json, fake.service(name)["Spec"]["TaskTemplate"])


def alive(fake: FakeEngine, *names: str) -> set[str]:
    return {task["ID"] for name in names for task in fake.tasks(name) if task["DesiredState"] == "running"}


def updates(fake: FakeEngine) -> list[str]:
    names = {item["ID"]: item["Spec"]["Name"] for item in fake.cluster.services.values()}
    return [names[request.path.split("/")[2]] for request in fake.writes if request.path.startswith("/services/")]


def test_several_services_are_scaled_at_once(fake: FakeEngine) -> None:
    fake.forget()
    planned = run(fake, "scale", check=True, replicas={"app_web": 4, "app_worker": "0"})
    assert not fake.writes and len(fake.calls()) == 4
    assert (
        planned["diff"]["prepared"].splitlines()[0].startswith("~ service  app_web")
        and "starts 2 more tasks" in planned["diff"]["prepared"]
    )
    done = run(fake, "scale", replicas={"app_web": 4, "app_worker": "0"})
    assert done["plan"] == planned["plan"] and updates(fake) == ["app_web", "app_worker"]
    assert [(row["name"], row["running"], row["desired"]) for row in done["services"]] == [("app_web", 4, 4), ("app_worker", 0, 0)]
    fake.forget()
    again = run(fake, "scale", replicas={"app_web": 4, "app_worker": 0})
    assert not again["changed"] and not fake.writes


def test_scaling_knows_what_the_nodes_hold(fake: FakeEngine) -> None:
    fake.forget()
    refused = run(fake, "scale", check=True, replicas={"app_web": 12})
    assert refused["failed"] and "app_web wants 10 tasks more, and m1, w1 have room for 6 of them" in refused["msg"]
    assert run(fake, "scale", replicas={"app_web": 12})["msg"] == refused["msg"] and not fake.writes
    forced = run(fake, "scale", replicas={"app_web": 12}, check_capacity=False)
    assert forced["failed"] and "no suitable node" in forced["msg"] and forced["undone"]
    assert fake.service("app_web")["Spec"]["Mode"]["Replicated"]["Replicas"] == 2


@pytest.mark.parametrize(
    ("verb", "options", "words"),
    [
        ("scale", {"replicas": {"app_agent": 2}}, "app_agent is global"),
        ("scale", {"replicas": {"app_web": "many"}}, "found 'many', expected a whole number"),
        ("scale", {"replicas": {"app_wev": 2}}, "no service app_wev; there is app_web"),
        ("scale", {"replicas": {"app_web": 2}, "name": ["lonely"]}, "mutually exclusive: scale|name"),
        ("restart", {"stack": ["ap"]}, "no stack ap; there is app"),
        ("restart", {"name": ["lonely"], "image": "nginx:2"}, "Unsupported parameters for (basic.py) module: restart.image"),
        ("restart", {"label": {"tier": "egde"}}, "there is no service with tier=egde among its labels"),
        ("update", {"name": ["lonely"], "networks": ["bridge"]}, "networks: there is no bridge"),
        ("rollback", {"name": ["lonely", "app_web"]}, "app_web, lonely: never updated"),
        ("update", {"name": ["lonely"], "image": "Nginx:2"}, "image: found 'Nginx:2', expected a repository in lower case"),
        ("update", {"name": ["lonely"], "constraints": ["gpu"]}, "'gpu' is not a constraint"),
        ("update", {"name": ["lonely"], "constraints": ["node.labels.gpu == no"]}, "no node that is ready and active matches"),
        ("update", {"name": ["lonely"], "update_config": {"delay": "soon"}}, "found 'soon'"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_changed(fake: FakeEngine, verb: str, options: Json, words: str) -> None:
    fake.forget()
    result = run(fake, verb, **options)
    assert result["failed"] and words in result["msg"] and not fake.writes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scale": {"replicas": "{}"}}, "scale: no service is named. Give replicas"),
        ({"restart": {}, "name": "", "stack": ""}, "restart: no service is named. Give name, stack or label"),
        ({"update": {"image": "nginx:2"}}, "update: no service is named"),
        ({"rollback": {}, "label": "{}"}, "rollback: no service is named"),
        ({"rebalance": {}}, "rebalance: no service is named"),
        ({"update": {}, "name": ["lonely"]}, "update: nothing is to be changed. Give a change"),
        (
            {"update": {"image": "", "environment": "{}", "limits": "{}", "constraints": "", "mounts": []}, "name": ["lonely"]},
            "update: nothing is to be changed",
        ),
    ],
)
def test_what_names_nothing_is_refused_unless_that_is_allowed(fake: FakeEngine, options: Json, words: str) -> None:
    fake.forget()
    given = {"docker_host": fake.docker_host, **options}
    refused = run_module_main(module.main, given)
    assert refused["failed"] and refused["msg"].startswith(words) and not fake.calls()
    allowed = run_module_main(module.main, {**given, "allow_empty": True})
    assert not allowed["changed"] and allowed["services"] == [] and words.startswith(allowed["summary"]) and not fake.calls()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "one of the following is required: scale, restart, update, rollback, rebalance"),
        ({"restart": None}, "no action is given. Give one with a value, such as restart: {}"),
        ({"restart": {}, "update": {"image": "nginx:2"}}, "mutually exclusive: scale|restart|update|rollback|rebalance"),
        ({"scale": {}}, "missing required arguments: replicas found in scale"),
        ({"scale": {"replicas": {"lonely": 2}}, "label": {"tier": "edge"}}, "mutually exclusive: scale|label"),
        ({"update": {"imgae": "nginx:2"}}, "update.imgae. Supported parameters include: configs, configs_absent, constraints"),
        ({"rollback": {"image": "nginx:2"}}, "rollback.image"),
    ],
)
def test_one_thing_is_done_with_the_options_that_it_has(fake: FakeEngine, options: Json, words: str) -> None:
    fake.forget()
    selection = {} if "scale" in options else {"name": ["lonely"]}
    result = run_module_main(module.main, {"docker_host": fake.docker_host, **selection, **options})
    assert result["failed"] and words in result["msg"] and not fake.calls()


def test_a_restart_goes_from_service_to_service(fake: FakeEngine) -> None:
    names = ("app_web", "app_worker", "app_agent")
    before = alive(fake, *names)
    fake.forget()
    result = run(fake, "restart", stack=["app"])
    assert changed(result) == ["app_agent", "app_web", "app_worker"] == updates(fake)
    assert result["plan"][1]["cost"] == "restarts 2 tasks, one at a time"
    writes = [index for index, request in enumerate(fake.requests) if request in fake.writes and "/services/" in request.path]
    for first, second in zip(writes, writes[1:]):
        assert any(request.path == "/tasks" for request in fake.requests[first:second])
    running = alive(fake, *names)
    assert len(running) == 6 and not running & before
    assert changed(run(fake, "restart", check=True, name=["app_once"])) == ["app_once"]


def test_a_restart_that_fails_stops_there_and_says_why(fake: FakeEngine) -> None:
    fake.behave("app_web", crashes(3))
    fake.forget()
    result = run(fake, "restart", name=["app_w*"])
    assert result["failed"] and "app_web failed" in result["msg"] and "exited 3" in result["msg"]
    assert "app_worker" not in updates(fake) and not fake.cluster.configs


def test_many_fields_are_one_update(fake: FakeEngine) -> None:
    options: Json = {
        "name": ["app_web"],
        "image": "nginx:2",
        "environment": {"LEVEL": "debug", "OLD": None, "DB_PASSWORD": "hush-hush"},
        "secret_environment": {"EXTRA": "very-hush"},
        "labels": {"tier": "front"},
        "limits": {"memory": "512M", "cpus": 0.5, "pids": 100},
        "reservations": {"cpus": 0.25},
        "constraints": ["node.labels.gpu==true"],
        "update_config": {"order": "start-first", "failure_action": "rollback", "delay": "2s"},
        "registry_auth": [{"registry": "docker.io", "username": "me", "password": "pass-word"}],
    }
    fake.forget()
    planned = run(fake, "update", check=True, **options)
    assert not fake.writes
    done = run(fake, "update", **options)
    assert done["plan"] == planned["plan"] and updates(fake) == ["app_web"]
    (write,) = [request for request in fake.writes if request.path.startswith("/services/")]
    assert json.loads(base64.urlsafe_b64decode(write.headers["X-Registry-Auth"]))["password"] == "pass-word"
    for shown in (planned, done):
        told = json.dumps({key: value for key, value in shown.items() if key != "invocation"})
        assert "hush" not in told and "pass-word" not in told
    spec = fake.service("app_web")["Spec"]
    now = template(fake, "app_web")
    assert now["ContainerSpec"]["Image"] == f"nginx:2@{DIGEST}" and spec["Labels"]["com.docker.stack.image"] == "nginx:2"
    assert sorted(now["ContainerSpec"]["Env"]) == ["DB_PASSWORD=hush-hush", "EXTRA=very-hush", "LEVEL=debug"]
    assert now["Resources"]["Limits"] == {"NanoCPUs": 5 * 10**8, "MemoryBytes": 512 * 1024**2, "Pids": 100}
    assert now["Resources"]["Reservations"]["NanoCPUs"] == 25 * 10**7
    assert now["Placement"]["Constraints"] == ["node.labels.gpu==true"]
    assert (spec["UpdateConfig"]["Order"], spec["UpdateConfig"]["Parallelism"]) == ("start-first", 1)
    fake.forget()
    assert not run(fake, "update", **options)["changed"] and not fake.writes
    assert changed(run(fake, "update", name=["app_web"], constraints_absent=["node.labels.gpu == true"])) == ["app_web"]


@pytest.mark.parametrize(("policy", "words"), [("rollback", "rolled the update back"), ("pause", "paused the update")])
def test_an_update_that_the_engine_gives_up_is_a_failure(fake: FakeEngine, policy: str, words: str) -> None:
    fake.behave("nginx:2", crashes(3))
    run(fake, "update", name=["app_web"], update_config={"failure_action": policy})
    result = run(fake, "update", name=["app_web", "app_worker"], image="nginx:2")
    assert result["failed"] and words in result["msg"] and "exited 3" in result["msg"]
    assert template(fake, "app_web")["ContainerSpec"]["Image"] == template(fake, "app_worker")["ContainerSpec"]["Image"] == "nginx:1"
    assert not run(fake, "rollback", name=["app_web"])["changed"]


def test_a_rollback_goes_back_once(fake: FakeEngine) -> None:
    run(fake, "update", name=["app_web"], environment={"LEVEL": "debug"})
    fake.forget()
    planned = run(fake, "rollback", check=True, name=["app_web"], show_environment=["LEVEL"])
    assert not fake.writes and planned["plan"][0]["fields"] == [{"path": "environment.LEVEL", "before": "debug", "after": "info"}]
    done = run(fake, "rollback", name=["app_web"], show_environment=["LEVEL"])
    assert done["plan"] == planned["plan"] and done["services"][0]["state"] == "running"
    assert "LEVEL=info" in template(fake, "app_web")["ContainerSpec"]["Env"]
    fake.forget()
    assert not run(fake, "rollback", name=["app_web"])["changed"] and not fake.writes


def test_only_uneven_services_are_rebalanced(fake: FakeEngine) -> None:
    fake.node("w1")["Spec"]["Availability"] = "drain"
    fake.settle()
    fake.node("w1")["Spec"]["Availability"] = "active"
    fake.settle()
    fake.forget()
    planned = run(fake, "rebalance", check=True, name=["*"])
    assert changed(planned) == ["app_web", "app_worker"] and "m1 runs 2, w1 runs 0" in planned["diff"]["prepared"] and not fake.writes
    assert changed(run(fake, "rebalance", name=["*"])) == ["app_web", "app_worker"] == updates(fake)
    for name in ("app_web", "app_worker"):
        assert len({task["NodeID"] for task in fake.tasks(name) if task["DesiredState"] == "running"}) == 2
    assert changed(run(fake, "rebalance", name=["*"])) == []


def test_a_stack_that_is_being_deployed_is_left_alone(fake: FakeEngine) -> None:
    other = Session(holder="a deploy")
    Locks(Engine.connect(docker_host=fake.docker_host), ["app"], other, Clock()).hold()
    taken = other.locks["app"]
    result = run(fake, "restart", name=["app_web"])
    assert result["failed"] and "is being deployed by a deploy" in result["msg"] and taken in fake.cluster.configs
    assert changed(run(fake, "restart", name=["lonely"])) == ["lonely"]


def test_outside_a_swarm_there_is_nothing_to_check(fake_engine: t.Callable[..., FakeEngine]) -> None:
    bare = fake_engine()
    assert not run(bare, "restart", check=True, name=["web"])["changed"]
    assert "is in no swarm" in run(bare, "restart", name=["web"])["msg"]


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "image": st.sampled_from(["nginx:1", "nginx:2", "other:3"]),
        "environment": st.dictionaries(st.sampled_from(["A", "LEVEL", "OLD"]), st.sampled_from(["x", "1", True, None])),
        "labels": st.dictionaries(st.sampled_from(["a", "tier"]), st.sampled_from(["x", None])),
        "limits": st.fixed_dictionaries({}, optional={"cpus": st.sampled_from([0, 0.5]), "memory": st.sampled_from(["0", "64M"])}),
        "constraints": st.lists(st.sampled_from(["node.role == worker", "node.labels.gpu==true"]), max_size=2),
        "constraints_absent": st.lists(st.sampled_from(["node.role==worker"]), max_size=1),
        "update_config": st.fixed_dictionaries({}, optional={"parallelism": st.integers(0, 2), "delay": st.sampled_from(["0", "1m"])}),
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(st.tuples(OPTIONS, st.integers(0, 4)), min_size=1, max_size=3))
def test_what_is_planned_is_done_and_done_only_once(operations: list[tuple[Json, int]]) -> None:
    made: list[FakeEngine] = []

    def make(**state: t.Any) -> FakeEngine:
        made.append(FakeEngine(**state))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deployment, "time", Clock())
        fake = swarm(make)
        try:
            for options, count in operations:
                for verb, given_options in (
                    ("update", {"name": ["app_w*"], "allow_empty": True, **options}),
                    ("scale", {"replicas": {"app_web": count, "app_worker": 1}}),
                ):
                    fake.forget()
                    planned = run(fake, verb, check=True, **given_options)
                    assert not fake.writes
                    done = run(fake, verb, **given_options)
                    assert planned["plan"] == done["plan"] and changed(done) == updates(fake)
                    assert not run(fake, verb, **given_options)["changed"]
        finally:
            for each in made:
                each.close()


def parts(fake: FakeEngine) -> Json:
    container = template(fake, "app_web")["ContainerSpec"]
    return {
        "mounts": {mount["Target"]: mount.get("Source", mount["Type"]) for mount in container.get("Mounts") or []},
        "secrets": {item["File"]["Name"]: item["SecretName"] for item in container.get("Secrets") or []},
        "configs": {item["File"]["Name"]: (item["ConfigName"], item["File"]["Mode"]) for item in container.get("Configs") or []},
        "networks": sorted(item["Target"] for item in template(fake, "app_web").get("Networks") or []),
        "ports": {
            port["TargetPort"]: port.get("PublishedPort", 0)
            for port in (fake.service("app_web")["Spec"].get("EndpointSpec") or {}).get("Ports") or []
        },
    }


def test_parts_are_put_in_replaced_and_taken_out_by_name(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "time", Clock())
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True)],
        networks=[network("front"), network("back")],
        secrets=[secret("key"), secret("key2")],
        configs=[config("conf")],
        services=[service("app_web", labels=STACK, networks=["front"])],
    )
    ids = {item["Name"]: item["Id"] for item in fake.cluster.networks.values()}
    options: Json = {
        "name": ["app_web"],
        "mounts": [{"source": "data", "target": "/data"}, {"type": "tmpfs", "target": "/tmp"}],
        "ports": [{"target": 80, "published": 8080, "mode": "host"}, {"target": 53, "published": 53, "protocol": "udp"}],
        "networks": ["back"],
        "secrets": [{"source": "key"}],
        "configs": [{"source": "conf", "target": "/etc/app.conf", "mode": "0440"}],
    }
    planned = run(fake, "update", check=True, **options)
    assert not fake.writes and planned["changed"]
    fake.forget()
    done = run(fake, "update", **options)
    assert changed(done) == ["app_web"] == updates(fake) and done["plan"] == planned["plan"]
    assert parts(fake) == {
        "mounts": {"/data": "data", "/tmp": "tmpfs"},
        "secrets": {"key": "key"},
        "configs": {"/etc/app.conf": ("conf", 0o440)},
        "networks": sorted(ids[name] for name in ("front", "back")),
        "ports": {80: 8080, 53: 53},
    }
    fake.forget()
    assert not run(fake, "update", **options)["changed"] and not fake.writes
    changes: Json = {
        "mounts": [{"source": "other", "target": "/data", "read_only": True}],
        "mounts_absent": ["/tmp", "/never"],
        "ports": [{"target": 80, "published": 9090, "mode": "host"}],
        "ports_absent": ["53/udp", "1"],
        "networks_absent": ["front", "never"],
        "secrets": [{"source": "key2", "target": "key"}],
        "configs_absent": ["/etc/app.conf"],
    }
    assert changed(run(fake, "update", name=["app_web"], **changes)) == ["app_web"]
    expected: Json = {"mounts": {"/data": "other"}, "secrets": {"key": "key2"}, "configs": {}, "ports": {80: 9090}}
    assert parts(fake) == {**expected, "networks": [ids["back"]]}
    fake.forget()
    assert not run(fake, "update", name=["app_web"], **changes)["changed"] and not fake.writes
    unquoted = run(fake, "update", name=["app_web"], configs=[{"source": "conf", "mode": 0o440}])
    assert "configs: found mode '288', expected one such as '0440', in quotes" in unquoted["msg"] and not fake.writes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"secrets": [{"source": "gone"}]}, "secrets: there is no gone. Create it first"),
        ({"networks": ["gone"]}, "networks: there is no gone"),
        ({"mounts": [{"source": "x", "target": "data"}]}, "mounts: target 'data' is not absolute"),
        ({"mounts": [{"type": "bind", "source": "x", "target": "/data"}]}, "expected an absolute path of the nodes"),
        ({"mounts": [{"type": "tmpfs", "source": "x", "target": "/data"}]}, "which has no source"),
        ({"ports_absent": ["http"]}, "ports_absent: found 'http'"),
    ],
)
def test_parts_that_make_no_sense_are_refused(fake: FakeEngine, options: Json, words: str) -> None:
    fake.forget()
    result = run(fake, "update", name=["app_web"], **options)
    assert result["failed"] and words in result["msg"] and not fake.writes
