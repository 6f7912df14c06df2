# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ``stack`` after one that was killed, and beside others that change the same services."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.session import Session
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.lock import Locks
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import Engine
from ansible_collections.flotilla.swarm.plugins.modules import service, stack, stack_info
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_clock import Clock
from fake_engine import Behaviour, FakeEngine, completes, crashes, image_missing, node, runs, unschedulable
from module_runner import run_module_main

Json = dict[str, t.Any]
DEPLOY = "deploy: {replicas: 2, update_config: {failure_action: %s, parallelism: 1}}"
ME, YOU = {"holder": "me"}, {"holder": "you"}


def stack_of(version: int, action: str = "pause", **more: str) -> str:
    others = "".join(f", {name}: {{image: '{image}'}}" for name, image in more.items())
    return f"services: {{web: {{image: 'web:{version}', {DEPLOY % action}}}, db: {{image: 'db:1'}}{others}}}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch, clock: Clock) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", clock)
    clock.swarms.append(fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")]))
    return clock.swarms[0]


def run(fake: FakeEngine, text: str, **options: t.Any) -> Json:
    model = load_stack(content=text, env={}, project_dir="/").model
    given = {"docker_host": fake.docker_host, "name": "app", "model": json.dumps({"model": model}), "resolve_image": "never"}
    return run_module_main(stack.main, {**given, "session": ME, **options})


def die(fake: FakeEngine, text: str, seconds: int = 3) -> None:
    """A run that is killed while a service is being updated."""
    result = run(fake, text, call_seconds=1)
    for _call in range(seconds):
        assert result["pending"], result
        result = run(fake, text, call_seconds=1, session=result["session"])
    assert result["pending"] and fake.cluster.configs, "its lock is there"
    fake.forget()


def status(fake: FakeEngine, name: str = "app_web") -> Json:
    told = run_module_main(stack_info.main, {"docker_host": fake.docker_host})["services"]
    return next(row for row in told if row["name"] == name)


def test_a_run_after_one_that_was_killed_waits_for_its_update(fake: FakeEngine, clock: Clock) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=15))
    die(fake, stack_of(2))
    assert fake.service("app_web")["UpdateStatus"]["State"] == "updating"
    assert (status(fake)["state"], status(fake)["cause"]) == ("waiting", "its update goes on")
    began = clock.now
    result = run(fake, stack_of(2))
    assert result["plan"] == [] and not result["changed"] and not result.get("failed"), result
    assert [(row["name"], row["running"], row["state"]) for row in result["services"]] == [
        ("app_db", 1, "running"),
        ("app_web", 2, "running"),
    ]
    assert fake.service("app_web")["UpdateStatus"]["State"] == "completed" and clock.now > began + 15
    assert not fake.writes, "what is only looked at needs no lock"
    assert status(fake)["state"] == "running"


def test_a_run_after_one_that_was_killed_while_it_created_a_service_waits(fake: FakeEngine) -> None:
    fake.behave("web:1", runs(start=15))
    die(fake, stack_of(1))
    result = run(fake, stack_of(1))
    assert not result["changed"] and [row["state"] for row in result["services"]] == ["running", "running"]


@pytest.mark.parametrize(("lives", "later"), [(0, 0), (2, 0), (2, 40), (7, 40)])
def test_a_release_that_crashes_again_and_again_fails_the_run_after_a_killed_one(fake: FakeEngine, lives: int, later: int) -> None:
    run(fake, stack_of(1, "continue"))
    fake.behave("web:2", crashes(3, run=lives))
    die(fake, stack_of(2, "continue"), seconds=1)
    for _tick in range(later):
        fake.tick()
    for _again in range(2):
        result = run(fake, stack_of(2, "continue"))
        assert result["failed"] and not result["changed"], result
        assert "app_web failed: task " in result["msg"] and "exited 3" in result["msg"], result["msg"]


def test_a_way_back_that_the_engine_takes_meanwhile_is_a_failure(fake: FakeEngine) -> None:
    run(fake, stack_of(1, "rollback"))
    fake.behave("web:2", Behaviour("failed", start=12, run=1, exit_code=3, err="task: non-zero exit (3)"))
    die(fake, stack_of(2, "rollback"), seconds=1)
    assert fake.service("app_web")["UpdateStatus"]["State"] == "updating"
    result = run(fake, stack_of(2, "rollback"))
    assert result["failed"] and "app_web failed: the engine rolled the update back" in result["msg"], result["msg"]
    assert "exited 3" in result["msg"]


@pytest.mark.parametrize("again", [{}, {"call_seconds": 2}])
def test_an_update_that_is_paused_fails_every_run(fake: FakeEngine, again: Json) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", crashes(3))
    assert run(fake, stack_of(2), on_failure="stop")["failed"]
    assert fake.service("app_web")["UpdateStatus"]["State"] == "paused"
    result = run(fake, stack_of(2), **again)
    assert result["failed"] and "app_web failed: the engine paused the update: task " in result["msg"] and "exited 3" in result["msg"]
    assert "; a restart of the service tries again, a rollback goes back" in result["msg"]
    told = status(fake)
    assert told["state"] == "failed" and told["cause"] in result["msg"]


def test_what_waits_for_room_fails_the_run_although_it_was_not_changed(fake: FakeEngine, clock: Clock) -> None:
    run(fake, stack_of(1))
    fake.behave("web:1", unschedulable())
    for task in fake.tasks("app_web"):
        fake.cluster.tasks.pop(task["ID"])
    began = clock.now
    result = run(fake, stack_of(1))
    assert result["failed"] and "app_web failed: no node can take task 1" in result["msg"] and clock.now < began + 30


def test_a_service_that_never_comes_up_is_waited_for_no_longer_than_that(fake: FakeEngine, clock: Clock) -> None:
    run(fake, stack_of(1))
    fake.behave("web:1", runs(start=10**6))
    for task in fake.tasks("app_web"):
        fake.cluster.tasks.pop(task["ID"])
    result = run(fake, stack_of(1), wait_timeout="40s")
    assert result["failed"] and "timed out after 41 s: app_web: 0/2 running, 2 preparing" in result["msg"], result["msg"]
    assert result["msg"].endswith("Nothing was changed.")


def test_a_settled_stack_of_fifty_services_costs_ten_requests_and_no_wait(fake: FakeEngine, clock: Clock) -> None:
    text = "services: {" + ", ".join(f"s{number}: {{image: x:1}}" for number in range(50)) + "}"
    assert not run(fake, text).get("failed")
    fake.tick(60)
    fake.forget()
    began = clock.now
    result = run(fake, text)
    assert len(result["services"]) == 50 and not result["changed"] and not fake.writes
    assert len(fake.calls()) <= 10 and fake.calls("GET /tasks") == ["GET /tasks"] and clock.now == began, fake.calls()


def test_a_lock_of_somebody_else_is_told_while_there_is_nothing_to_do_but_wait(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=15))
    die(fake, stack_of(2))
    result = run(fake, stack_of(2), session=YOU, call_seconds=2)
    assert result["pending"] and result["progress"]["app"].startswith("stack app is being deployed by me since")
    while result.get("pending"):
        result = run(fake, stack_of(2), session=result["session"], call_seconds=2)
    assert not result.get("failed") and not result["changed"] and not fake.writes
    slow = run(fake, stack_of(3), session=YOU)
    assert slow["failed"] and "stack app is being deployed by me since" in slow["msg"]


def alter(fake: FakeEngine, name: str, **container: t.Any) -> None:
    """An update by another client."""
    there = fake.service(name)
    spec = json.loads(json.dumps(there["Spec"]))
    spec["TaskTemplate"]["ContainerSpec"].update(container)
    path = f"/services/{there['ID']}/update"
    Engine.connect(docker_host=fake.docker_host).post(path, spec, "updating", version=there["Version"]["Index"])


def calls(fake: FakeEngine, text: str, between: t.Callable[[], t.Any], **options: t.Any) -> Json:
    """A run in several calls, after the first of which something else happens."""
    result = run(fake, text, call_seconds=1, **options)
    assert result["pending"], result
    between()
    while result.get("pending"):
        result = run(fake, text, call_seconds=1, session=result["session"], **options)
    return result


def test_what_something_else_changed_after_us_is_named_and_nothing_is_undone(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=5))
    result = calls(fake, stack_of(2), lambda: alter(fake, "app_web", Env=["A=1"]))
    assert result["failed"] and "service app_web was changed by something else (environment.A)" in result["msg"], result["msg"]
    assert result["msg"].endswith("Before that, these were changed: service app_web.") and not result["undone"]
    assert fake.service("app_web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "web:2" and not fake.cluster.configs


def test_what_something_else_changed_beside_us_is_named_and_left_alone(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=5))
    result = calls(fake, stack_of(2), lambda: alter(fake, "app_db", Env=["A=1"]))
    assert result["failed"] and "service app_db was changed by something else (environment.A)" in result["msg"], result["msg"]
    assert fake.service("app_db")["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] == ["A=1"]
    mended = run(fake, stack_of(2))
    assert [change["name"] for change in mended["plan"]] == ["app_db"] and not mended.get("failed")


def test_a_service_that_something_else_made_anew_is_named(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=5))
    engine = Engine.connect(docker_host=fake.docker_host)

    def replace() -> None:
        spec = fake.service("app_web")["Spec"]
        engine.delete("/services/app_web", "removing")
        engine.post("/services/create", spec, "creating")

    result = calls(fake, stack_of(2), replace)
    assert result["failed"] and "service app_web was changed by something else while" in result["msg"], result["msg"]


def test_replicas_that_are_left_to_others_may_change_while_a_run_waits(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=15))
    die(fake, stack_of(2))

    def scale() -> None:
        there = fake.service("app_web")
        there["Spec"]["Mode"]["Replicated"]["Replicas"] = 3
        fake.cluster.touch(there)

    for kept in (True, False):
        result = calls(fake, stack_of(2), scale, keep_replicas=kept)
        assert result.get("failed", False) is not kept, result
        assert kept or "service app_web was changed by something else (replicas)" in result["msg"]
        fake.behave("app_web", runs(start=15))
        for task in fake.tasks("app_web"):
            fake.cluster.tasks.pop(task["ID"])
        fake.service("app_web")["Spec"]["Mode"]["Replicated"]["Replicas"] = 2


def test_a_removal_out_of_time_leaves_no_lock(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.node("w1")["Status"]["State"] = fake.node("m1")["Status"]["State"] = "down"
    given = {"docker_host": fake.docker_host, "name": "app", "state": "absent", "wait_timeout": "20s", "session": ME}
    for task in fake.cluster.tasks.values():
        task["_service"] = ("gone", task["_service"][1])
        task["ServiceID"] = "gone"
    result = run_module_main(stack.main, given)
    assert result["failed"] and "timed out" in result["msg"] and not fake.cluster.configs, result


@pytest.mark.parametrize("name", ["app_web", "app_db"])
def test_a_service_that_something_else_removed_is_named(fake: FakeEngine, name: str) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=5))
    result = calls(fake, stack_of(2), lambda: fake.cluster.services.pop(fake.service(name)["ID"]))
    assert result["failed"] and f"service {name} is gone: something else removed it" in result["msg"], result["msg"]


def test_an_undo_is_not_contradicted_by_warnings(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", crashes(3))
    first = run(fake, stack_of(2), call_seconds=1)
    fake.settle()
    assert first["pending"] and fake.service("app_web")["UpdateStatus"]["State"] == "paused"
    result = run(fake, stack_of(2), call_seconds=1, session=first["session"])
    assert result["failed"] and result["undone"] and first["warnings"] == result["warnings"] == []


def test_a_run_waits_for_the_lock_of_its_dead_one_and_then_goes_on_from_what_is_there(fake: FakeEngine, clock: Clock) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=15))
    die(fake, stack_of(2))
    began, result = clock.now, run(fake, stack_of(2, cache="c:1"), call_seconds=10)
    told = set()
    while result.get("pending"):
        told.add(result["progress"].get("app"))
        result = run(fake, stack_of(2, cache="c:1"), call_seconds=10, session=result["session"])
    assert not result.get("failed") and clock.now < began + 150, result
    assert any("waits: stack app is being deployed by me since" in str(text) for text in told)
    assert [(row["name"], row["state"]) for row in result["services"]] == [
        ("app_cache", "running"),
        ("app_db", "running"),
        ("app_web", "running"),
    ]
    assert not fake.cluster.configs


@pytest.mark.parametrize("verb", [{"scale": {"replicas": {"app_web": 4}}}, {"update": {"image": "web:2"}, "name": ["app_web"]}])
def test_an_operation_after_one_that_was_killed_waits_as_well(fake: FakeEngine, verb: Json, clock: Clock) -> None:
    run(fake, stack_of(1))
    for image in ("web:1", "web:2"):
        fake.behave(image, runs(start=15))
    options = {"docker_host": fake.docker_host, **verb}
    assert run_module_main(service.main, {**options, "session": ME, "call_seconds": 1})["pending"]
    began, again = clock.now, run_module_main(service.main, {**options, "session": YOU})
    assert not again["changed"] and not again.get("failed") and clock.now > began + 10, again
    assert [row["state"] for row in again["services"]] == ["running"]


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0])
def test_a_run_on_a_manager_whose_clock_is_off_is_refused_by_the_lock_of_another(fake: FakeEngine, clock: Clock, ahead: float) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=15))
    die(fake, stack_of(2))
    clock.now += ahead
    fake.forget()
    refused = run(fake, stack_of(3), session=YOU)
    assert refused["failed"] and "stack app is being deployed by me since" in refused["msg"] and not sent(fake)
    clock.sleep(121)
    assert not run(fake, stack_of(3), session=YOU).get("failed"), "a dead run blocks no longer than a lease"


def sent(fake: FakeEngine) -> list[str]:
    """The writes to services."""
    return [request.path for request in fake.requests if request.method == "POST" and request.path.startswith("/services/")]


def lose_lock(fake: FakeEngine, taken: bool) -> None:
    fake.cluster.configs.clear()
    if taken:
        Locks(Engine.connect(docker_host=fake.docker_host), ["app"], Session(holder="you"), Clock()).hold()


@pytest.mark.parametrize("taken", [False, True])
def test_a_run_that_lost_its_lock_calls_nothing_well_and_undoes_nothing(fake: FakeEngine, taken: bool) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=5))
    result = calls(fake, stack_of(2), lambda: lose_lock(fake, taken))
    assert result["failed"] and "the lock of app is gone" in result["msg"], result["msg"]
    assert result["msg"].endswith("Before that, these were changed: service app_web.") and not result["undone"]
    assert len(fake.cluster.configs) == taken, "the lock of the other is left alone"


@pytest.mark.parametrize("taken", [False, True])
def test_a_run_that_lost_its_lock_changes_nothing_more(fake: FakeEngine, taken: bool) -> None:
    run(fake, stack_of(1))
    options = {"docker_host": fake.docker_host, "restart": {}, "stack": ["app"]}
    fake.forget()
    result = run_module_main(service.main, {**options, "call_seconds": 1, "session": ME})
    assert result["pending"]
    lose_lock(fake, taken)
    while result.get("pending"):
        result = run_module_main(service.main, {**options, "call_seconds": 1, "session": result["session"]})
    assert result["failed"] and "the lock of app is gone" in result["msg"], result["msg"]
    assert len(sent(fake)) == 1, "one after the other"


def test_a_failure_after_the_lock_was_lost_undoes_nothing_either(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", crashes(3))
    result = calls(fake, stack_of(2), fake.cluster.configs.clear)
    assert result["failed"] and "exited 3" in result["msg"] and "the lock of app is gone" in result["msg"], result["msg"]
    assert not result["undone"] and fake.service("app_web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "web:2"


def test_a_lock_of_a_run_that_the_controller_knows_to_be_dead_is_taken_at_once(fake: FakeEngine, clock: Clock) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=2))
    result = run(fake, stack_of(2), call_seconds=1, session={"holder": "me", "run": "one"})
    assert result["pending"] and fake.cluster.configs
    began, again = clock.now, run(fake, stack_of(3), call_seconds=10, session={"holder": "me", "run": "two"})
    assert again["pending"] and again["session"]["rival"] == "one" and clock.now < began + 2, "told at once"
    session = {**again["session"], "dead": ["one"]}
    while again.get("pending"):
        again = run(fake, stack_of(3), call_seconds=10, session=session)
        session = again["session"]
    assert not again.get("failed") and clock.now < began + 60 and not fake.cluster.configs, again


@pytest.mark.parametrize("text", [stack_of(2), stack_of(2, new="n:1")])
def test_a_run_that_lost_its_lock_stops_and_undoes_nothing(fake: FakeEngine, text: str) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=5))
    fake.behave("n:1", runs(start=5))
    result = calls(fake, text, fake.cluster.configs.clear)
    assert result["failed"] and result["undone"] == [], result
    assert result["msg"].startswith("the lock of app is gone: something else removed it, or took it over")
    assert fake.service("app_web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "web:2"


def test_a_lock_outlasts_an_engine_that_is_away_when_it_is_due(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=50))
    fake.fail("GET", "/configs/[^/]+", 503, "context deadline exceeded", times=3)
    result = run(fake, stack_of(2))
    assert not result.get("failed") and not fake.cluster.configs, result


def test_a_run_that_is_interrupted_says_what_is_half_done_and_goes_on_at_once(fake: FakeEngine, clock: Clock) -> None:
    run(fake, stack_of(1))
    for image in ("web:1", "web:2"):
        fake.behave(image, runs(start=15))
    options = {"docker_host": fake.docker_host, "restart": {}, "stack": ["app"]}
    first = run_module_main(service.main, {**options, "call_seconds": 1, "session": ME})
    done, rest = first["session"]["planned"]
    stopped = run_module_main(service.main, {**options, "call_seconds": 1, "session": {**first["session"], "stop": "SIGTERM"}})
    assert stopped["failed"] and not fake.cluster.configs and stopped["changed"]
    assert f"interrupted by SIGTERM, and gave its lock back. Begun: {done} (" in stopped["msg"], stopped["msg"]
    assert f"). Not begun: {rest}. The same command finishes it; ansible-playbook playbooks/rollback.yml" in stopped["msg"]
    assert stopped["msg"].endswith(f"Before that, these were changed: service {done}.")
    began = clock.now
    assert not run(fake, stack_of(2), session=YOU).get("failed") and clock.now < began + 100


def test_a_first_call_that_nobody_heard_of_gives_its_lock_back(fake: FakeEngine) -> None:
    run(fake, stack_of(1))
    fake.behave("web:2", runs(start=15))
    session = {"holder": "me", "run": "one"}
    assert run(fake, stack_of(2), session=session, call_seconds=1)["pending"] and fake.cluster.configs
    stopped = run(fake, stack_of(2), session={**session, "stop": "SIGINT", "unheard": True}, call_seconds=1)
    assert stopped["failed"] and not fake.cluster.configs and "interrupted by SIGINT" in stopped["msg"]
    assert "What it did in the call in which it was cut off is not known" in stopped["msg"] and "Nothing was changed" not in stopped["msg"]
    made = run(fake, "services: {new: {image: new:1}}", session={"stop": "SIGINT"}, call_seconds=1, prune=True)
    assert made["failed"] and made["msg"].endswith("The same command finishes it. Nothing was changed.")
    assert len(fake.cluster.services) == 2


def test_a_task_that_may_end_and_ends_well_within_an_update_is_no_failure(fake: FakeEngine) -> None:
    """To the engine it has failed, so that it pauses the update."""
    text = "services: {once: {image: 'once:%d', deploy: {restart_policy: {condition: none}}}}"
    fake.behave("once:2", completes(run=1))
    assert not run(fake, text % 1).get("failed")
    for again in (True, False):
        result = run(fake, text % 2)
        assert not result.get("failed") and result["changed"] is again, result
        assert [(row["state"], row["running"], row["cause"]) for row in result["services"]] == [("running", 1, "")]
    assert fake.service("app_once")["UpdateStatus"]["State"] == "paused"


@pytest.mark.parametrize("action", ["pause", "rollback"])
def test_a_node_that_lacks_an_image_which_the_registry_has_is_returned(fake: FakeEngine, action: str) -> None:
    """The controller asks it for the reason, which its own journal alone has. Of what is rolled back only the task's id is known."""
    run(fake, stack_of(1, action))
    fake.host.images["web:2"] = {"digest": f"sha256:{'2' * 64}"}
    fake.behave("web:2", image_missing("web:2"))
    result = run(fake, stack_of(2, action), resolve_image="always")
    (unpulled,) = result["unpulled"]
    assert unpulled["node"] in ("m1", "w1") and unpulled["address"] == fake.node(unpulled["node"])["Status"]["Addr"]
    assert fake.cluster.tasks[unpulled["task"]]["NodeID"] == fake.node(unpulled["node"])["ID"]
    again = run(fake, stack_of(3, action), resolve_image="always")
    assert not again.get("unpulled"), "of an image that the registry lacks its answer is told"
