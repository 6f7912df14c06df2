# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.verdict import FAILED, RUNNING, Verdict
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.spec import Service
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.work import Work
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.policy import (
    Policy,
    Terms,
    Wait,
    deploy_of,
    operation_on,
    run_of_job,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change

Json = dict[str, t.Any]


def service(name: str, stack: str = "", **more: t.Any) -> Json:
    return {"ID": name, "Spec": {"Name": name, "Labels": {"com.docker.stack.namespace": stack} if stack else {}}, **more}


def update(*waits: str, completes: tuple[str, ...] = ()) -> Change:
    return Change("service", "web", "update", payload=Work({}, None, waits, completes))


REMOVAL, EARLY = (Change("service", "old", "remove", payload=Work(early=early, waits_for=("db",))) for early in (False, True))
CHOSEN = [service("web", "app"), service("db", "app"), service("lone"), service("api", "other")]


@pytest.mark.parametrize(
    ("policy", "change", "proves", "wait"),
    [
        (deploy_of("app"), update(), True, Wait((), False)),
        (deploy_of("app"), update("db", completes=("db",)), True, Wait(("db",), False, ("db",))),
        (deploy_of("app"), REMOVAL, True, Wait(["db", "api"])),
        (deploy_of("app"), REMOVAL, False, Wait()),
        (deploy_of("app"), EARLY, True, Wait(("db",))),
        (operation_on("restart", CHOSEN), update(), True, Wait(["db", "api"])),
        (operation_on("restart", CHOSEN), update(), False, Wait(["db", "api"])),
        (operation_on("scale", CHOSEN), update(), True, Wait()),
    ],
)
def test_what_a_change_waits_for(policy: Policy, change: Change, proves: bool, wait: Wait) -> None:
    assert policy.waits_for(change, ["db", "api"], proves) == wait


def test_an_operation_locks_the_stacks_of_its_services() -> None:
    policy = operation_on("restart", CHOSEN)
    assert (policy.title, policy.locks, policy.services) == ("restart", ["app", "other"], {"id": ["web", "db", "lone", "api"]})


@pytest.mark.parametrize(
    ("policy", "state", "read"),
    [
        (operation_on("rollback", CHOSEN), "rollback_completed", "completed"),
        (operation_on("rollback", CHOSEN), "updating", "updating"),
        (operation_on("update", CHOSEN), "rollback_completed", "rollback_completed"),
        (deploy_of("app"), "rollback_started", "rollback_started"),
    ],
)
def test_only_a_rollback_that_was_asked_for_is_none(policy: Policy, state: str, read: str) -> None:
    assert policy.read_service(service("web", UpdateStatus={"State": state}))["UpdateStatus"]["State"] == read


@pytest.mark.parametrize(
    ("policy", "mode", "state", "cure"),
    [
        (deploy_of("app"), "Replicated", "paused", "a restart of the service tries again"),
        (operation_on("scale", CHOSEN), "Global", "rollback_paused", "a rollback goes back"),
        (deploy_of("app"), "Replicated", "completed", ""),
        (deploy_of("app"), "ReplicatedJob", "", "another run_id runs it again"),
        (operation_on("restart", CHOSEN), "GlobalJob", "", ""),
    ],
)
def test_what_helps_a_service_that_an_earlier_run_left_failed(policy: Policy, mode: str, state: str, cure: str) -> None:
    given = Service({"Spec": {"Name": "web", "Mode": {mode: {}}}, "UpdateStatus": {"State": state}})
    assert cure in policy.cure_of(given) and bool(cure) == bool(policy.cure_of(given))


@pytest.mark.parametrize(("container", "state"), [({"ContainerID": "c", "ExitCode": 3}, RUNNING), ({}, FAILED)])
def test_a_command_that_ended_ran_and_one_that_could_not_start_failed(container: Json, state: str) -> None:
    tasks = [{"Status": {"State": "failed", "ContainerStatus": container}}]
    failed = Verdict("job", FAILED, 0, 1, "0/1 completed", "exited 3")
    assert run_of_job("job").read_verdict(failed, tasks).state == state
    assert deploy_of("app").read_verdict(failed, tasks) == failed


def test_terms_are_read_from_the_options_that_a_module_has() -> None:
    assert Terms.of({"wait_timeout": "2m"}) == Terms(120.0)
    given = {"wait_timeout": "30s", "call_seconds": 10, "wait": False, "on_failure": "stop"}
    assert Terms.of(given) == Terms(30.0, 10, False, False)
