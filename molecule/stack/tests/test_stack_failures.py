# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may go wrong with a deploy, on real nodes: the cause is told, everything is as before, and the good file changes nothing.

Each test breaks the same running stack in its own way.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import Run, Seen, finish, kill, running, until
from tests.scenario.stack import NODES, SCENARIO, address, deploy, lab, look, on, specs, start

APP = SCENARIO / "app/stack.yml"


@pytest.fixture(scope="module")
def registry() -> str:
    return f"{address('m1')}:5000"


@pytest.fixture(scope="module")
def good(registry: str) -> dict[str, Any]:
    """The stack as it should be."""
    return {"name": "app", "files": [str(APP)], "env": {"IMAGE": f"{registry}/busybox:1", "RELEASE": "1"}}


@pytest.fixture(autouse=True)
def before(good: dict[str, Any]) -> Seen:
    """What runs before the test: the good stack, up."""
    done = deploy(stacks=[good])
    assert done.rc == 0, done.out
    return until(lambda: up(look()), "the stack running")


def up(seen: Seen) -> Seen | None:
    wanted = {"app_store": 1, "app_web": 2}
    settled = all(service["update"] in ("", "completed", "rollback_completed") for service in seen["services"].values())
    return seen if settled and all(len(running(seen["services"][name])) == count for name, count in wanted.items()) else None


@pytest.fixture
def worse(good: dict[str, Any], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The stack with something laid over it, in its next release if asked."""

    def make(services: dict[str, Any] | None = None, release: str = "1", **objects: Any) -> dict[str, Any]:
        over = tmp_path / "over.yml"
        over.write_text(json.dumps({**({"services": services} if services else {}), **objects}))
        return {**good, "files": [*good["files"], str(over)], "env": {**good["env"], "RELEASE": release}}

    return make


def assert_as_before(good: dict[str, Any], before: Seen) -> None:
    """Every spec is restored, nothing was left behind, and the next run of the good file has nothing to do."""
    assert specs(look()) == specs(before)
    again = deploy(stacks=[good])
    assert again.rc == 0 and not any(again.changed.values()), again.out


@dataclass(frozen=True)
class Failure:
    """What is laid over the service, what has to be told, and of which services the version index must not move."""

    over: dict[str, Any]
    told: tuple[str, ...]
    service: str = "web"
    release: str = "1"
    untouched: tuple[str, ...] = field(default=("app_store",))


CRASH = ["sh", "-c", "echo the database is away; sleep 1; exit 3"]
FAILURES = {
    "an image that is not there": Failure(
        {"image": "{registry}/busibox:1"}, ("app_web failed", "could not be resolved", "was rejected", "No such image", "busibox:1")
    ),
    "a new service that crashes": Failure(
        {"image": "{registry}/busybox:1", "command": CRASH, "deploy": {"restart_policy": {"delay": "1s"}}},
        ("app_extra failed", "exited 3 ", " times: ", '"task: non-zero exit (3)"', "the database is away", "app_extra was removed"),
        service="extra", untouched=("app_store", "app_migrate", "app_web"),
    ),
    "more memory than it may have": Failure(
        {
            "command": ["sh", "-c", "head -c 300m /dev/zero | tail"],
            "deploy": {"restart_policy": {"delay": "1s"}, "resources": {"limits": {"memory": "24m"}}},
        },
        ("app_web failed", "exited 137 (killed, as happens beyond its memory limit of 24 MiB)"),
    ),
    "a health check that fails": Failure(
        {"healthcheck": {"test": ["CMD", "false"], "interval": "1s", "retries": 2}},
        ("app_web failed", "the engine paused the update", "unhealthy", "rolled back app_web"),
    ),
    "a constraint that no node meets": Failure(
        {"deploy": {"placement": {"constraints": ["node.labels.tape == true"]}}},
        ("app_web failed", "no node can take task", "no suitable node (scheduling constraints not satisfied on", "node.labels.tape"),
    ),
    "more GPUs than there are": Failure(
        {"deploy": {"resources": {"reservations": {"generic_resources": [{"discrete_resource_spec": {"kind": "gpu", "value": 1}}]}}}},
        ("app_web failed", "no node can take task", "no suitable node (insufficient resources on"),
    ),
    "a migration that fails": Failure(
        {"command": ["sh", "-c", "echo column exists already; exit 4"], "deploy": {"restart_policy": {"condition": "none"}}},
        ("app_migrate failed", "exited 4", "column exists already", "rolled back app_migrate", "never touched"),
        service="migrate", release="2", untouched=("app_store", "app_web"),
    ),
    "an update that the engine pauses": Failure(
        {"command": CRASH, "deploy": {"update_config": {"failure_action": "pause", "monitor": "5s"}}},
        ("app_web failed: the engine paused the update", "exited 3", "the database is away", "rolled back app_web"),
    ),
    "an update that the engine takes back": Failure(
        {"command": CRASH, "deploy": {"update_config": {"failure_action": "rollback", "monitor": "5s"}}},
        ("app_web failed: the engine rolled the update back", "exited 3", "the database is away", "the engine rolled back app_web"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILURES)
def test_a_failed_deploy_is_told_and_undone(
    case: str, good: dict[str, Any], before: Seen, registry: str, worse: Callable[..., dict[str, Any]]
) -> None:
    failure = FAILURES[case]
    over = json.loads(json.dumps(failure.over).replace("{registry}", registry))
    run = deploy(stacks=[worse({failure.service: over}, failure.release)])
    assert run.rc != 0
    assert run.lacks(*failure.told) == [], run.out
    assert "no suitable node" in run.text or any(f"on {node}" in run.text for node in NODES), run.out
    after = look()
    assert [name for name in failure.untouched if after["services"][name]["index"] != before["services"][name]["index"]] == []
    assert_as_before(good, before)


def test_a_network_in_use_is_not_replaced(good: dict[str, Any], before: Seen, worse: Callable[..., dict[str, Any]]) -> None:
    run = deploy(stacks=[worse(release="2", networks={"back": {"ipam": {"config": [{"subnet": "10.66.2.0/24"}]}}})])
    told = ("app_back can't be changed while services use it", "10.66.1.0/24", "10.66.2.0/24", "used by app_migrate, app_store, app_web")
    assert run.rc != 0 and not run.lacks(*told), run.out
    assert look() == before
    assert_as_before(good, before)


@pytest.mark.parametrize(("kind", "size"), [("configs", 1_024_000), ("secrets", 512_000)])
def test_what_is_too_large_for_the_engine_is_refused(
    kind: str, size: int, good: dict[str, Any], before: Seen, worse: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(b"x" * size)
    run = deploy(stacks=[worse(release="2", **{kind: {"large": {"file": str(tmp_path / "large")}}})])
    assert run.rc != 0 and not run.lacks(f"{kind}.large", f"holds {size} bytes", "the limit of the engine"), run.out
    assert look() == before
    assert_as_before(good, before)


SLOW = {
    "healthcheck": {"test": ["CMD", "test", "-f", "/up"], "interval": "1s", "retries": 60},
    "command": ["sh", "-c", "sleep 10; >/up; sleep 9999"],
}


def is_updating() -> bool:
    return bool(look()["services"]["app_web"]["update"] == "updating")


def test_a_second_deploy_at_once_is_refused(good: dict[str, Any], before: Seen, worse: Callable[..., dict[str, Any]]) -> None:
    first = start(stacks=[worse({"web": SLOW})])
    until(is_updating, "the first deploy")
    run = deploy(stacks=[{**good, "env": {**good["env"], "RELEASE": "3"}}], through="m2", user="bob")
    assert run.rc != 0 and not run.lacks("stack app is being deployed by ann@", " since 20", " UTC", "its lock ends in "), run.out
    assert "RELEASE=3" not in json.dumps(specs(look()))
    done = finish(first)
    assert done.rc == 0, done.out
    back = deploy(stacks=[good])
    assert back.rc == 0 and any(back.changed.values()), back.out
    assert_as_before(good, before)


LEFT_LOCK = """
import docker
labels = {"io.flotilla.swarm.lock": "app", "io.flotilla.swarm.lock.holder": "ann@desk", "io.flotilla.swarm.lock.run": "dead"}
docker.APIClient().create_config("lock.app", b"lock", labels)
"""


def test_a_lock_that_a_run_left_is_taken_over_after_its_time(
    good: dict[str, Any], before: Seen, worse: Callable[..., dict[str, Any]]
) -> None:
    wanted = worse({"web": {"environment": {"AFTER": "lock"}}})
    on("m1", "python3 -", LEFT_LOCK)
    run = deploy(stacks=[wanted])
    assert run.rc != 0 and not run.lacks("being deployed by ann@desk since 20", " s at most, or remove the config lock.app"), run.out
    assert specs(look())["services"] == specs(before)["services"]

    def taken_over() -> Run | None:
        again = deploy(stacks=[wanted])
        return again if again.rc == 0 else None

    assert any(until(taken_over, "the end of the lock").changed.values())
    assert "lock.app" not in look()["configs"]
    assert deploy(stacks=[good]).rc == 0
    assert_as_before(good, before)


def die(stack: dict[str, Any]) -> None:
    """A deploy that is killed while a service is being updated. What runs on the node would outlive its connection."""
    process = start(stacks=[stack])
    until(is_updating, "the deploy")
    kill(process)
    on("m1", "pkill -KILL --full --exact '/usr/bin/python3[.0-9]*' || true")


def test_a_run_after_one_that_was_killed_waits_for_its_update(good: dict[str, Any], worse: Callable[..., dict[str, Any]]) -> None:
    wanted = worse({"web": {**SLOW, "command": ["sh", "-c", "sleep 40; >/up; sleep 9999"]}})
    die(wanted)
    assert is_updating() and "lock.app" in look()["configs"]
    other = start(stacks=[wanted], through="m2", user="bob")
    again = deploy(stacks=[wanted])
    assert not again.lacks("app_web ", "3 services untouched") and not any(again.changed.values()), again.out
    assert_done(again, wanted, "m1")
    seen = finish(other)
    assert seen.rc == 0 and not any(seen.changed.values()) and not seen.lacks("stack app is being deployed by ann@"), seen.out
    # The lock of one's own run that is dead counts no more.
    back = deploy(stacks=[good])
    assert back.rc == 0 and any(back.changed.values()), back.out


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_locks_nobody_out(by: signal.Signals, good: dict[str, Any], worse: Callable[..., dict[str, Any]]) -> None:
    process = start(stacks=[worse({"web": {**SLOW, "command": ["sh", "-c", "sleep 40; >/up; sleep 9999"]}})])
    until(is_updating, "the deploy")
    process.send_signal(by)
    run = finish(process)
    assert run.rc != 0 and not run.lacks(f"app: interrupted by {by.name}, and gave its lock back. Begun: app_web (", "undoes it"), run.out
    assert "lock.app" not in look()["configs"]
    back = deploy(stacks=[good], through="m2", user="bob")
    assert back.rc == 0 and any(back.changed.values()), back.out


DOOMED = {
    "continue": ("app_web failed: task ", "exited 3", "the database is away"),
    # The engine may pause the update before or after the task has failed often enough.
    "pause": ("app_web failed: ", "exited 3", "the database is away"),
}


@pytest.mark.parametrize("action", DOOMED)
def test_a_run_after_one_that_was_killed_fails_with_the_cause(
    action: str, good: dict[str, Any], worse: Callable[..., dict[str, Any]]
) -> None:
    update = {"failure_action": action, "monitor": "5s"}
    wanted = worse({"web": {"command": CRASH, "deploy": {"update_config": update, "restart_policy": {"delay": "1s"}}}})
    die(wanted)
    for _again in range(2):
        run = deploy(stacks=[wanted])
        assert run.rc != 0 and not any(run.changed.values()) and not run.lacks(*DOOMED[action], "Nothing was changed."), run.out
    assert deploy(stacks=[good]).rc == 0


ALTER = """
import docker
api = docker.APIClient()
service = api.inspect_service("app_store")
spec = service["Spec"]
spec["TaskTemplate"]["ContainerSpec"]["Env"] = ["FOREIGN=1"]
api._post_json(api._url("/services/{{0}}/update", service["ID"]), data=spec, params={{"version": service["Version"]["Index"]}})
"""


def test_a_service_that_something_else_changes_meanwhile_is_named(good: dict[str, Any], worse: Callable[..., dict[str, Any]]) -> None:
    process = start(stacks=[worse({"web": SLOW})])
    until(is_updating, "the deploy")
    on("m1", "python3 -", ALTER.format())
    run = finish(process)
    told = ("service app_store was changed by something else (environment.FOREIGN)", "these were changed: service app_web")
    assert run.rc != 0 and not run.lacks(*told), run.out
    assert deploy(stacks=[good]).rc == 0
    assert json.dumps(specs(look())).count("FOREIGN") == 0


@pytest.fixture
def nodes_off() -> Iterator[list[str]]:
    """Names in it are switched on again after the test."""
    off: list[str] = []
    yield off
    for node in off:
        lab("start", node)


def assert_done(run: Run, wanted: dict[str, Any], node: str) -> None:
    """The deploy went through in spite of all, what runs is what was wanted, and another run finds nothing to do."""
    assert run.rc == 0, run.out
    web = look(node)["services"]["app_web"]
    assert (len(running(web)), web["update"]) == (2, "completed")
    again = deploy(stacks=[wanted], through=node)
    assert again.rc == 0 and not any(again.changed.values()), again.out


def test_a_deploy_outlives_a_restart_of_its_engine(good: dict[str, Any], worse: Callable[..., dict[str, Any]]) -> None:
    wanted = worse({"web": SLOW})
    process = start(stacks=[wanted])
    until(is_updating, "the deploy")
    on("m1", "systemctl restart docker")
    assert_done(finish(process), wanted, "m1")


def test_a_deploy_outlives_the_leader(good: dict[str, Any], worse: Callable[..., dict[str, Any]], nodes_off: list[str]) -> None:
    """Through another manager, whose swarm elects a leader meanwhile."""
    leader = look()["leader"]
    other = next(node for node in NODES if node != leader)
    wanted = worse({"web": SLOW})
    process = start(stacks=[wanted], through=other)
    until(lambda: look(other)["services"]["app_web"]["update"] == "updating", "the deploy")
    lab("stop", "--hard", leader)
    nodes_off.append(leader)
    assert_done(finish(process), wanted, other)
    assert look(other)["leader"] not in ("", leader)
