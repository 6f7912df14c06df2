# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack import job as job_spec
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.modules import job as module
from fake_clock import Clock
from fake_engine import FakeEngine, config, crashes, image_missing, network, node, secret, service
from module_runner import run_module_main

Json = dict[str, t.Any]
IMAGE = f"app:1@sha256:{'ab' * 32}"
SHAPE: Json = {
    "Env": ["LEVEL=info", "OLD=1"],
    "User": "1000",
    "Dir": "/srv",
    "Mounts": [{"Type": "volume", "Source": "media", "Target": "/media"}],
    "Secrets": [{"SecretName": "key", "File": {"Name": "key", "UID": "0", "GID": "0", "Mode": 0o444}}],
    "Configs": [{"ConfigName": "conf", "File": {"Name": "/conf", "UID": "0", "GID": "0", "Mode": 0o444}}],
    "Command": ["/entry.sh"],
    "Args": ["serve"],
    "TTY": True,
    "Healthcheck": {"Test": ["CMD", "curl", "localhost"]},
    "Labels": {"com.docker.stack.namespace": "app", "team": "a"},
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch, clock: Clock) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", clock)
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True), node("w1", labels={"app": "true"})],
        networks=[network("front")],
        secrets=[secret("key")],
        configs=[config("conf")],
        services=[service("local", image="built-here:1", constraints=["node.hostname == w1"])],
        images={"app:2": {"digest": f"sha256:{'cd' * 32}"}},
    )
    clock.swarms.append(fake)
    web = service(
        "app_web",
        image=IMAGE,
        replicas=2,
        labels={"com.docker.stack.namespace": "app", "traefik.enable": "true"},
        constraints=["node.labels.app == true"],
        container=json.loads(json.dumps(SHAPE)),
        template={"Networks": [{"Target": "front", "Aliases": ["web"]}], "Resources": {"Limits": {"MemoryBytes": 2**28}}},
        EndpointSpec={"Ports": [{"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}]},
        UpdateConfig={"Parallelism": 1},
    )
    (web["TaskTemplate"]["ContainerSpec"]["Secrets"][0]["SecretID"],) = fake.cluster.secrets
    (web["TaskTemplate"]["ContainerSpec"]["Configs"][0]["ConfigID"],) = fake.cluster.configs
    fake._do("POST", "/services/create", web)
    fake.settle()
    fake.service("local")["Spec"]["TaskTemplate"]["Placement"] = {}  # it could run anywhere now
    fake.forget()
    return fake


def run(fake: FakeEngine, check: bool = False, **options: t.Any) -> Json:
    return run_module_main(module.main, {"docker_host": fake.docker_host, **options}, check=check, diff=True)


def created(fake: FakeEngine) -> Json:
    (write,) = [request for request in fake.writes if request.path == "/services/create"]
    return t.cast(Json, write.body)


def left(fake: FakeEngine) -> list[str]:
    named = (*fake.cluster.services.values(), *fake.cluster.configs.values())
    return sorted(item["Spec"]["Name"] for item in named if "job" in item["Spec"]["Name"])


def test_a_job_has_the_shape_of_its_service_but_gets_none_of_its_requests(fake: FakeEngine) -> None:
    result = run(fake, service="app_web", command="python3 manage.py 'two words'", environment={"LEVEL": "debug", "OLD": None})
    assert result["changed"] and (result["rc"], result["node"]) == (0, "w1") and result["image"] == IMAGE
    body = created(fake)
    template = body["TaskTemplate"]
    container = template["ContainerSpec"]
    assert (container["Image"], container["User"], container["Dir"]) == (IMAGE, "1000", "/srv")
    assert (container["Command"], container["Args"]) == (["/entry.sh"], ["python3", "manage.py", "two words"])
    assert container["Env"] == ["LEVEL=debug"] and container["Mounts"] == SHAPE["Mounts"]
    assert container["Secrets"][0]["SecretName"] == "key" and container["Configs"][0]["ConfigName"] == "conf"
    assert template["Placement"]["Constraints"] == ["node.labels.app == true"]
    assert template["Resources"] == {"Limits": {"MemoryBytes": 2**28}}
    assert [set(item) for item in template["Networks"]] == [{"Target"}]
    assert body["Mode"] == {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
    assert (body["Labels"], body["EndpointSpec"]) == ({"io.flotilla.swarm.job": "app_web"}, {"Mode": "dnsrr"})
    assert container["Healthcheck"] == {"Test": ["NONE"]} and container["Labels"] == {"team": "a"}
    assert not {"TTY", "OpenStdin"} & set(container) and "UpdateConfig" not in body
    assert left(fake) == []


def test_check_mode_plans_the_same_and_only_reads(fake: FakeEngine) -> None:
    options: Json = {"service": "app_web", "command": ["x", "--password=hush"], "secret_environment": {"KEY": "hush-hush"}}
    planned = run(fake, check=True, **options)
    assert planned["changed"] and not fake.writes and len(fake.calls()) == 5
    done = run(fake, **options)
    assert done["plan"] == planned["plan"] and done["plan"][0]["reason"] == f"{IMAGE}, on w1"
    for shown in (planned, done):
        assert "hush" not in json.dumps({key: value for key, value in shown.items() if key != "invocation"})
    assert "KEY=hush-hush" in created(fake)["TaskTemplate"]["ContainerSpec"]["Env"]


@pytest.mark.parametrize(("accepted", "failed"), [([0], True), ([0, 3], False)])
def test_an_exit_code_fails_the_run_unless_it_is_accepted(fake: FakeEngine, accepted: list[int], failed: bool) -> None:
    fake.behave(IMAGE, crashes(3))
    fake.log(next(task["ID"] for task in fake.tasks("app_web")), "not this")
    result = run(fake, service="app_web", command="x", success_codes=accepted)
    assert (result.get("failed", False), result["rc"]) == (failed, 3)
    assert ("the job exited 3 on w1 after" in result["msg"]) if failed else (result["summary"].startswith("the job exited 3 on w1"))
    assert left(fake) == []


def test_output_is_returned_and_its_end_is_in_the_message(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_spec, "job_name", lambda of, mark: "job-known")
    fake.behave(IMAGE, crashes(1))
    fake.log("job-known", "one\ntwo\n")
    result = run(fake, service="app_web", command="x")
    assert result["stdout"] == "one\ntwo\n" and result["msg"].endswith("s.\n    one\n    two")


def test_an_image_alone_is_a_job_with_the_digest_of_now(fake: FakeEngine) -> None:
    login = [{"registry": "docker.io", "username": "me", "password": "pass-word"}]
    result = run(fake, image="app:2", registry_auth=login)
    body = created(fake)
    assert result["rc"] == 0 and body["TaskTemplate"]["ContainerSpec"]["Image"] == f"app:2@sha256:{'cd' * 32}"
    (write,) = [request for request in fake.writes if request.path == "/services/create"]
    assert json.loads(base64.urlsafe_b64decode(write.headers["X-Registry-Auth"]))["password"] == "pass-word"
    unknown = run(fake, image="app:9")
    assert "could not be resolved" in unknown["warnings"][0] and unknown["rc"] == 0


def test_an_image_that_no_registry_knows_is_run_where_it_is(fake: FakeEngine) -> None:
    planned = run(fake, check=True, service="local", command="x")
    assert planned["plan"][0]["reason"] == "built-here:1, only w1 has its image"
    assert run(fake, service="local", command="x")["node"] == "w1"
    assert created(fake)["TaskTemplate"]["Placement"]["Constraints"] == [f"node.id == {fake.node('w1')['ID']}"]


def test_what_can_not_be_pulled_says_so_and_is_removed(fake: FakeEngine) -> None:
    fake.behave("app:2", image_missing("app:2"))
    result = run(fake, service="app_web", image="app:2", command="x")
    assert result["failed"] and "was rejected" in result["msg"] and "No such image: app:2" in result["msg"]
    assert result["rc"] is None and left(fake) == []


def test_a_job_out_of_time_is_removed(fake: FakeEngine) -> None:
    fake.behave(IMAGE, crashes(run=10**6))
    result = run(fake, service="app_web", command="x", wait_timeout="5s")
    assert result["failed"] and "timed out after" in result["msg"] and left(fake) == []


def test_calls_are_short_and_go_on_where_the_last_one_ended(fake: FakeEngine) -> None:
    fake.behave(IMAGE, crashes(run=30))
    options: Json = {"service": "app_web", "command": "x", "call_seconds": 3, "success_codes": [1]}
    result = run(fake, **options, session={"holder": "me"})
    calls = 1
    while result.get("pending"):
        assert len(left(fake)) == 2 and calls < 40
        result, calls = run(fake, **options, session=json.loads(json.dumps(result["session"]))), calls + 1
    assert result["rc"] == 1 and calls > 3 and created(fake) and left(fake) == []


def test_leftovers_of_killed_runs_are_removed_and_running_ones_are_not(fake: FakeEngine, clock: Clock) -> None:
    fake.behave(IMAGE, crashes(run=10**6))
    killed = run(fake, service="app_web", command="x", call_seconds=2)
    assert killed["pending"] and len(left(fake)) == 2
    alive = left(fake)
    fake.behave(IMAGE, crashes(run=1, exit_code=0))
    assert run(fake, service="app_web", command="x", success_codes=[0, 1])["rc"] == 0 and left(fake) == alive
    clock.sleep(130)
    planned = run(fake, check=True, service="app_web", command="x")
    assert [(change["kind"], change["action"]) for change in planned["plan"]] == [("job", "remove"), ("job", "create")]
    assert run(fake, service="app_web", command="x", success_codes=[0, 1])["plan"][0]["name"] == alive[0] and left(fake) == []


def test_a_job_that_fails_after_leftovers_went_is_removed_too(fake: FakeEngine, clock: Clock) -> None:
    fake.behave(IMAGE, crashes(run=10**6))
    assert run(fake, service="app_web", command="x", call_seconds=2)["pending"] and len(left(fake)) == 2
    clock.sleep(200)
    fake.behave(IMAGE, image_missing(IMAGE))
    failed = run(fake, service="app_web", command="x", wait_timeout="10s")
    assert failed["exit_code"] == 1 and failed["changed"] and left(fake) == [], failed["msg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "nothing says what to run"),
        ({"service": "app_web"}, "nothing to run in the shape of app_web"),
        ({"service": "app_wed", "command": "x"}, "no service app_wed; there is app_web"),
        ({"service": "app_web", "command": "echo 'x"}, "No closing quotation"),
        ({"service": "app_web", "command": [{"a": 1}]}, "expected a text or a list of texts"),
        ({"image": "App:1", "command": "x"}, "expected a repository in lower case"),
        ({"service": "app_web", "command": "x", "constraints": ["node.hostname == w9"]}, "node.hostname == w9. Nothing was changed"),
        ({"service": "app_web", "command": "x", "wait_timeout": "soon"}, "found 'soon'"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_run(fake: FakeEngine, options: Json, words: str) -> None:
    for check in (True, False):
        result = run(fake, check=check, **options)
        assert result["failed"] and words in result["msg"] and not fake.writes


def test_an_old_engine_is_refused(fake_engine: t.Callable[..., FakeEngine]) -> None:
    old = fake_engine(nodes=[node("m1", role="manager", leader=True)], api_version="1.40")
    assert "need engines with API 1.41" in run(old, image="app:2")["msg"]


def test_a_wildcard_chooses_no_shape(fake: FakeEngine) -> None:
    result = run_module_main(module.main, {"docker_host": fake.docker_host, "service": "*", "command": "x"})
    assert result["msg"] == "service: found *, expected one by its full name, such as app_web, local. Nothing was changed."
    assert not fake.writes


def test_the_plan_shows_variables_as_the_job_gets_them(fake: FakeEngine) -> None:
    given = {"docker_host": fake.docker_host, "service": " local ", "command": "x", "environment": {"DEBUG": True}}
    given["show_environment"] = ["DEBUG"]
    fields = run_module_main(module.main, given, check=True)["plan"][0]["fields"]
    assert {"path": "environment.DEBUG", "before": None, "after": "true"} in fields


def test_a_job_that_is_interrupted_is_removed(fake: FakeEngine) -> None:
    fake.behave(IMAGE, crashes(run=10**6))
    first = run(fake, service="app_web", command="x", call_seconds=2)
    assert first["pending"] and len(left(fake)) == 2
    session = {**json.loads(json.dumps(first["session"])), "stop": "SIGINT"}
    stopped = run(fake, service="app_web", command="x", call_seconds=2, session=session)
    assert stopped["failed"] and "the job was interrupted by SIGINT" in stopped["msg"] and left(fake) == [], stopped["msg"]
