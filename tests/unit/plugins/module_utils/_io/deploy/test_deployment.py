# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack import planning
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import StackObjects
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.policy import Terms, deploy_of
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.session import Session
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.deployment import Deployment
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.observe import Own, observe_stack
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from fake_engine import FakeEngine, completes, crashes, image_missing, node, runs, unhealthy
from stack_deploy import JOB, NETWORK, ROLLING, Deploy, Json, body, secret, uses_secret, wanted

Fakes = t.Callable[..., FakeEngine]


@pytest.fixture
def fake(fake_engine: Fakes) -> FakeEngine:
    return fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")])


def specs(fake: FakeEngine) -> Json:
    return {item["Spec"]["Name"]: copy.deepcopy(item["Spec"]) for item in fake.cluster.services.values()}


def indexes(fake: FakeEngine) -> Json:
    return {item["Spec"]["Name"]: item["Version"]["Index"] for item in fake.cluster.services.values()}


def test_deploys_and_then_leaves_alone(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    stack = wanted(body("web", container=uses_secret("app_key")), body("db"), secrets=[secret("app_key")])
    result = deploy(stack)
    assert result["plan"] == [
        ("create", "network", "app_default"),
        ("create", "secret", "app_key"),
        ("create", "service", "app_db"),
        ("create", "service", "app_web"),
    ]
    assert [(s["name"], s["running"], s["desired"], s["state"]) for s in result["services"]] == [
        ("app_db", 1, 1, "running"),
        ("app_web", 1, 1, "running"),
    ]
    assert result["summary"].startswith("app: 2 services created, in ")
    assert fake.cluster.configs == {}, "the lock is gone"
    before = indexes(fake)
    fake.forget()
    result = deploy(stack)
    assert result["plan"] == [] and fake.writes == [] and indexes(fake) == before
    assert len(fake.calls()) <= 10
    assert result["summary"].startswith("app: 2 services untouched")


def test_updates_what_differs_and_nothing_else(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web"), body("db")))
    before = indexes(fake)
    result = deploy(wanted(body("web", container={"Env": ["A=1"]}), body("db")))
    assert result["plan"] == [("update", "service", "app_web")]
    assert indexes(fake)["app_db"] == before["app_db"] and indexes(fake)["app_web"] > before["app_web"]
    assert result["summary"].startswith("app: 1 service updated, 1 untouched")


def test_a_crash_loop_is_undone_and_told(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web"), body("db")))
    before = specs(fake)
    fake.behave("img:2", crashes(3))
    with pytest.raises(FlotillaError) as failure:
        deploy(wanted(body("web", "img:2", UpdateConfig=ROLLING), body("db", container={"Env": ["A=1"]}), body("extra")))
    assert "app_web failed" in str(failure.value) and "exited 3" in str(failure.value)
    assert "app_extra was removed" in str(failure.value)
    assert specs(fake) == before
    assert fake.cluster.configs == {}
    fake.settle()
    assert deploy.plan(wanted(body("web"), body("db"))).changes == ()


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (image_missing("img:2"), "No such image: img:2"),
        (unhealthy(), "unhealthy"),
        (crashes(7), "exited 7"),
    ],
)
def test_a_service_that_cannot_start_is_removed_again(fake: FakeEngine, behaviour: t.Any, cause: str) -> None:
    fake.behave("img:2", behaviour)
    deploy = Deploy(fake)
    with pytest.raises(FlotillaError, match=cause):
        deploy(wanted(body("web", "img:2")))
    assert specs(fake) == {}
    assert deploy.clock.now < 1120, "long before the timeout"


def test_no_node_for_a_constraint_is_told_early(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    placement = {"Placement": {"Constraints": ["node.labels.gpu == true"]}}
    with pytest.raises(FlotillaError, match=r"no suitable node.*node.labels.gpu == true"):
        deploy(wanted(body("web", template=placement)))
    assert deploy.clock.now < 1060


def test_a_job_completes_before_its_dependents_are_touched(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    fake.behave("migrate:1", completes(run=3))
    depends = {"app_web": {"app_migrate": "service_completed_successfully"}}
    deploy(wanted(body("web"), body("migrate", "migrate:1", JOB), depends_on=depends))
    created = [request.body["Name"] for request in fake.writes if request.path == "/services/create"]
    assert created == ["app_migrate", "app_web"]
    job = fake.service("app_migrate")["JobStatus"]
    deploy(wanted(body("web"), body("migrate", "migrate:1", JOB), depends_on=depends))
    assert fake.service("app_migrate")["JobStatus"] == job
    deploy(wanted(body("web"), body("migrate", "migrate:1", JOB), depends_on=depends), run_id="2")
    again = fake.service("app_migrate")["JobStatus"]
    assert again["JobIteration"]["Index"] == job["JobIteration"]["Index"] + 1
    deploy(wanted(body("web"), body("migrate", "migrate:1", JOB), depends_on=depends), run_id="2")
    assert fake.service("app_migrate")["JobStatus"] == again


def test_a_failed_job_leaves_its_dependents_untouched(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    depends = {"app_web": {"app_migrate": "service_completed_successfully"}}
    deploy(wanted(body("web"), body("migrate", "migrate:1", JOB), depends_on=depends))
    before = indexes(fake)["app_web"], specs(fake)
    fake.behave("migrate:2", crashes(4))
    retries = {"RestartPolicy": {"Condition": "on-failure", "MaxAttempts": 2}}
    with pytest.raises(FlotillaError, match=r"app_migrate failed: task.* exited 4"):
        deploy(wanted(body("web", "img:2"), body("migrate", "migrate:2", JOB, template=retries), depends_on=depends))
    assert (indexes(fake)["app_web"], specs(fake)) == before


def test_superseded_secrets_go_once_nothing_needs_them(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    names = [f"app_key_{number:012x}" for number in range(4)]
    for name in names:
        stack = wanted(body("web", container=uses_secret(name)), secrets=[secret(name)], content_names={"secrets": {"key": name}})
        deploy(stack, keep_versions=1)
    assert {item["Spec"]["Name"] for item in fake.cluster.secrets.values()} == set(names[2:])
    deploy(stack, keep_versions=0)
    assert {item["Spec"]["Name"] for item in fake.cluster.secrets.values()} == {names[3]}


def test_a_failed_deploy_removes_nothing(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web"), body("old")))
    fake.behave("img:2", crashes(1))
    with pytest.raises(FlotillaError, match="app_web failed"):
        deploy(wanted(body("web", "img:2")), prune=True)
    assert set(specs(fake)) == {"app_web", "app_old"}
    deploy(wanted(body("web")), prune=True)
    assert set(specs(fake)) == {"app_web"}


def test_the_order_of_lists_means_nothing(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    ports = [{"TargetPort": 80, "PublishedPort": 80}, {"TargetPort": 81, "PublishedPort": 81}]
    lists = {"Env": ["A=1", "B=2"], "Hosts": ["1.1.1.1 a", "2.2.2.2 b"]}
    deploy(wanted(body("web", container=lists, EndpointSpec={"Ports": ports})))
    backwards = {key: value[::-1] for key, value in lists.items()}
    assert deploy.plan(wanted(body("web", container=backwards, EndpointSpec={"Ports": ports[::-1]}))).changes == ()


def test_a_changed_label_restarts_nothing_even_when_lists_are_shuffled(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web", container={"Env": ["A=1", "B=2"]})))
    tasks = {task["ID"] for task in fake.tasks("app_web")}
    stack = wanted(body("web", container={"Env": ["B=2", "A=1"]}))
    stack.services[0]["Labels"]["team"] = "blue"
    assert [change.cost for change in deploy.plan(stack).changes] == ["nothing"]
    deploy(stack)
    assert {task["ID"] for task in fake.tasks("app_web")} == tasks


def test_a_second_deploy_at_the_same_time_is_refused(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    first = deploy(wanted(body("web")), seconds=0.5)
    assert first["pending"]
    with pytest.raises(FlotillaError, match="being deployed by me since"):
        deploy(wanted(body("web"), body("db")), Session(holder="you"))
    assert set(specs(fake)) == {"app_web"}
    deploy.clock.sleep(121)
    assert deploy(wanted(body("web"), body("db")), Session(holder="you"))["services"], "a lock past its time is taken over"


def test_ones_own_run_that_died_is_waited_for(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    died, began = deploy(wanted(body("web")), seconds=0.5), deploy.clock.now
    waiting = deploy(wanted(body("web"), body("db")), seconds=5)
    assert waiting["pending"] and waiting["progress"]["app"].startswith("waits: stack app is being deployed by me since")
    assert set(specs(fake)) == {"app_web"} and waiting["session"]["locks"] == {}
    session = Session.from_result(json.loads(json.dumps(waiting["session"])))
    result = deploy(wanted(body("web"), body("db")), session)
    assert [row["state"] for row in result["services"]] == ["running", "running"]
    assert began + 110 < deploy.clock.now < began + 150 and died["session"]["locks"]


def test_calls_add_up_to_one_run(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    depends = {"app_web": {"app_migrate": "service_completed_successfully"}}
    stack = wanted(body("web"), body("migrate", "migrate:1", JOB), body("db"), depends_on=depends)
    fake.behave("migrate:1", completes(run=5))
    result = deploy(stack, seconds=2)
    calls, told = 1, []
    while result.get("pending"):
        told.append(result["progress"])
        session = Session.from_result(json.loads(json.dumps(result["session"])))
        result, calls = deploy(stack, session, seconds=2), calls + 1
    assert calls > 2
    assert result["summary"].startswith("app: 3 services created, in ")
    assert len([request for request in fake.writes if request.path == "/services/create"]) == 3
    assert len({json.dumps(text) for text in told}) > 1


def test_an_update_that_is_out_of_sequence_is_repeated(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web")))
    fake.out_of_sequence()
    deploy(wanted(body("web", container={"Env": ["A=1"]})))
    assert specs(fake)["app_web"]["TaskTemplate"]["ContainerSpec"]["Env"] == ["A=1"]


def test_a_network_in_use_is_not_changed(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web")))
    changed = {**NETWORK, "IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]}}
    with pytest.raises(FlotillaError, match=r"app_default can't be changed.*used by app_web"):
        deploy.plan(StackObjects(networks=[changed], services=[body("web")]))


def test_what_the_registry_said_of_an_image_is_told_with_the_failure(fake: FakeEngine) -> None:
    fake.behave("img:2", image_missing("img:2"))
    fake.fail("GET", "/distribution/.*", 500, "no basic auth credentials", times=None)
    with pytest.raises(FlotillaError, match="No such image: img:2.*; the registry said: no basic auth credentials"):
        Deploy(fake)(wanted(body("web", "img:2"), body("db")), resolve_image="changed")


def test_a_network_is_gone_when_the_last_node_has_let_go_of_it(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web")))
    observed = observe_stack(deploy.engine, "app", StackObjects(), Own())
    deployment = Deployment(deploy.engine, deploy_of("app"), Session(), Terms(300), observed, clock=deploy.clock)
    began, get = deploy.clock.now, deploy.engine.get

    def lingering(path: str, *arguments: t.Any, **query: t.Any) -> t.Any:
        is_there = path.startswith("/networks/") and deploy.clock.now < began + 5
        return {"Name": "app_default"} if is_there else get(path, *arguments, **query)

    monkeypatch.setattr(deploy.engine, "get", lingering)
    for change in planning.plan_absent("app", observed).changes:
        deployment.apply(change)
    assert deploy.clock.now >= began + 5
    assert "app_default" not in {network["Name"] for network in fake.cluster.networks.values()}


def test_an_engine_that_is_away_for_a_while_is_waited_for(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    fake.fail("GET", "/tasks", 503, "context deadline exceeded", times=12)
    assert deploy(wanted(body("web")))["services"][0]["state"] == "running"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("path", "count"), [("/services/create", 2), ("/networks/create", 1), ("/services/.*/update", 2)])
def test_an_answer_that_is_lost_does_not_double_anything(fake: FakeEngine, path: str, count: int, when: str) -> None:
    deploy = Deploy(fake)
    if "update" in path:
        deploy(wanted(body("web"), body("db")))
    fake.drop("POST", path, when=when)
    deploy(wanted(body("web", container={"Env": ["A=1"]}), body("db")))
    assert len(specs(fake)) == 2
    assert specs(fake)["app_web"]["TaskTemplate"]["ContainerSpec"]["Env"] == ["A=1"]
    previous = fake.service("app_web").get("PreviousSpec", {}).get("TaskTemplate", {}).get("ContainerSpec", {})
    assert "Env" not in previous, "not updated twice"


def test_replicas_can_be_left_to_others(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    two = {"Replicated": {"Replicas": 2}}
    deploy(wanted(body("web", mode=two), body("db", mode=two)))
    five = wanted(body("web", mode={"Replicated": {"Replicas": 5}}), body("db", mode=two))
    deploy(five)
    assert deploy.plan(wanted(body("web", mode=two), body("db", mode=two)), keep_replicas=["app_web"]).changes == ()
    assert deploy.plan(wanted(body("web", mode=two), body("db", mode=two)), keep_replicas=True).changes == ()
    (change,) = deploy.plan(wanted(body("web", mode=two), body("db", mode=two))).changes
    assert (change.cost, change.reason) == ("nothing", "stops 3 tasks")


def test_credentials_are_sent_anew_without_restarting_anything(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    stack = wanted(body("web"), body("migrate", "migrate:1", JOB))
    deploy(stack)
    tasks, job = {task["ID"] for task in fake.tasks("app_web")}, fake.service("app_migrate")["JobStatus"]
    assert deploy(stack, refresh_registry_auth=True)["plan"] == [("update", "service", "app_web")]
    fake.settle()
    assert {task["ID"] for task in fake.tasks("app_web")} == tasks
    assert fake.service("app_migrate")["JobStatus"] == job


def test_a_lock_is_held_for_as_long_as_the_run_lasts(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    fake.behave("img:1", runs(start=250))
    result = deploy(wanted(body("web")))
    assert result["services"][0]["state"] == "running" and deploy.clock.now > 1240
    renewals = [request for request in fake.writes if request.path.startswith("/configs/") and request.path.endswith("/update")]
    assert len(renewals) >= 3
    assert fake.cluster.configs == {}


def test_time_is_limited(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    fake.behave("img:1", runs(start=10_000))
    with pytest.raises(FlotillaError, match=r"timed out after 30\d s: app_web: 0/1 running, 1 preparing"):
        deploy(wanted(body("web")))
    assert specs(fake) == {} and fake.cluster.configs == {}


def test_a_first_deploy_that_fails_leaves_nothing(fake: FakeEngine) -> None:
    fake.behave("img:1", crashes(1))
    fake.auto_tick = True
    with pytest.raises(FlotillaError):
        Deploy(fake)(wanted(body("web", container=uses_secret("app_key")), secrets=[secret("app_key")]))
    assert not fake.cluster.secrets and not fake.cluster.services


def test_another_mode_is_a_replacement_and_is_undone_as_one(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web")))
    before = specs(fake)
    assert deploy(wanted(body("web", mode={"Global": {}})))["plan"] == [("replace", "service", "app_web")]
    assert specs(fake)["app_web"]["Mode"] == {"Global": {}}
    deploy(wanted(body("web")))
    fake.behave("img:2", crashes(1))
    with pytest.raises(FlotillaError, match="created app_web as it was"):
        deploy(wanted(body("web", "img:2", mode={"Global": {}})), seconds=1)
    assert specs(fake) == before


def test_on_failure_stop_leaves_everything(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web")))
    fake.behave("img:2", crashes(1))
    with pytest.raises(FlotillaError):
        deploy(wanted(body("web", "img:2"), body("db")), undo=False)
    assert set(specs(fake)) == {"app_web", "app_db"} and fake.cluster.configs == {}
    assert specs(fake)["app_web"]["TaskTemplate"]["ContainerSpec"]["Image"] == "img:2"


def test_a_replacement_that_is_refused_brings_the_former_service_back(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    deploy(wanted(body("web")))
    before = specs(fake)
    fake.fail("POST", "/services/create", 400, "port '80' is already in use")
    with pytest.raises(FlotillaError, match="port '80' is already in use"):
        deploy(wanted(body("web", mode={"Global": {}})))
    assert specs(fake) == before


def test_a_former_spec_that_names_what_is_not_wanted_any_more_is_restored(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    fake._do("POST", "/secrets/create", {"Name": "outside", "Data": "eA=="})
    deploy(wanted(body("web", container=uses_secret("outside"))))
    before = specs(fake)
    fake.behave("img:2", crashes(1))
    with pytest.raises(FlotillaError, match="rolled back app_web to img:1"):
        deploy(wanted(body("web", "img:2")))
    assert specs(fake) == before


def test_a_job_that_failed_before_holds_its_dependents_back(fake: FakeEngine) -> None:
    deploy = Deploy(fake)
    fake.behave("migrate:1", crashes(4))
    job = body("migrate", "migrate:1", JOB, template={"RestartPolicy": {"Condition": "none"}})
    depends = {"app_web": {"app_migrate": "service_completed_successfully"}}
    with pytest.raises(FlotillaError):
        deploy(wanted(body("web"), job, depends_on=depends), undo=False)
    with pytest.raises(FlotillaError, match=r"app_migrate failed.*another run_id runs it again"):
        deploy(wanted(body("web"), job, depends_on=depends), undo=False)
    assert set(specs(fake)) == {"app_migrate"}
    fake.behave("migrate:1", completes())
    deploy(wanted(body("web"), job, depends_on=depends), run_id="again")
    assert set(specs(fake)) == {"app_migrate", "app_web"}
