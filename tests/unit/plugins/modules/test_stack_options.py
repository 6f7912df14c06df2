# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each option of the module changes in its plan."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.modules import stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_clock import Clock
from fake_engine import FakeEngine, crashes, node
from module_runner import run_module_main

Json = dict[str, t.Any]
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
WEB = "services: {web: {image: web:1}, db: {image: db:1}}"
JOB = "services: {job: {image: job:1, deploy: {mode: replicated-job}}}"


class Time(Clock):
    def time(self) -> float:
        return self.now


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", Time())
    return fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")], images={"web:1": {"digest": OLD}})


def run(fake: FakeEngine, text: str, check: bool = False, **options: t.Any) -> Json:
    model = load_stack(content=text, project_dir="/").model
    given = {"docker_host": fake.docker_host, "name": "app", "model": json.dumps({"model": model}), "resolve_image": "never", **options}
    return run_module_main(stack.main, given, check=check, diff=True)


def test_an_image_that_cannot_be_resolved_is_a_warning_or_an_error(fake: FakeEngine) -> None:
    warned = run(fake, WEB, check=True, resolve_image="always")
    assert [warning for warning in warned["warnings"] if "db:1" in warning] and not warned.get("failed")
    refused = run(fake, WEB, resolve_image="always", unresolved="error")
    assert refused["failed"] and "db:1" in refused["msg"] and "unresolved: warn" in refused["msg"] and not fake.writes


@pytest.mark.parametrize(
    ("constraint", "has", "expected"),
    [
        ("", ["db:1"], "service app_db: {problem}; m1 has it, and w1 can't pull it: push it to a registry (local_image)"),
        ("node.role == manager", ["db:1"], ""),
        ("", [], "{problem}; nodes may run different versions of it, and only nodes that have it can start it (unresolved)"),
    ],
)
def test_an_image_that_the_manager_alone_has(fake: FakeEngine, constraint: str, has: list[str], expected: str) -> None:
    fake.host.images.update((name, {"created": 1}) for name in has)
    placement = f", deploy: {{placement: {{constraints: [{constraint}]}}}}" if constraint else ""
    text = f"services: {{db: {{image: 'db:1'{placement}}}, web: {{image: 'web:1'}}}}"
    problem = "image db:1 could not be resolved (errors: denied: requested access to the resource is denied (db:1))"
    warnings = run(fake, text, check=True, resolve_image="always")["warnings"]
    assert warnings == ([expected.format(problem=problem)] if expected else [])
    assert len(fake.calls("GET /images/.*")) == 1
    for pattern, left in (("app_d*", []), ("app_web", warnings)):
        silence = [f"{word}:{pattern}" for word in ("local_image", "unresolved")]
        assert run(fake, text, check=True, resolve_image="always", silence=silence)["warnings"] == left


def test_a_subnet_that_a_host_reaches_by_itself(fake: FakeEngine) -> None:
    text = "{services: {web: {image: 'web:1'}}, networks: {default: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}}"
    routes = {"w1": [{"network": "10.9.0.0/16", "via": "eth1"}], "m1": [{"network": "default", "via": "eth0"}]}
    (warning,) = run(fake, text, check=True, routes=routes)["warnings"]
    assert "overlaps what hosts reach by themselves (10.9.0.0/16 (eth1) on w1)" in warning


@pytest.mark.parametrize(("policy", "asked", "changed"), [("never", 0, False), ("changed", 0, False), ("always", 1, True)])
def test_when_a_moved_tag_rolls_out(fake: FakeEngine, policy: str, asked: int, changed: bool) -> None:
    web = "services: {web: {image: web:1}}"
    run(fake, web, resolve_image="always")
    fake.host.images["web:1"] = {"digest": NEW}
    fake.forget()
    planned = run(fake, web, check=True, resolve_image=policy)
    assert (len(fake.calls("GET /distribution/.*")), planned["changed"]) == (asked, changed)
    assert changed == (NEW[7:19] in json.dumps(planned["plan"]))


@pytest.mark.parametrize(
    ("kept", "left"), [(True, []), ("true", []), (["web"], ["db"]), ("web,db", []), (False, ["db", "web"]), ("no", ["db", "web"])]
)
def test_replicas_that_stay(fake: FakeEngine, kept: t.Any, left: list[str]) -> None:
    two = WEB.replace(":1}", ":1, deploy: {replicas: 2}}")
    run(fake, two)
    planned = run(fake, WEB.replace(":1}", ":1, deploy: {replicas: 1}}"), check=True, keep_replicas=kept)
    assert sorted(change["name"] for change in planned["plan"]) == [f"app_{key}" for key in left]


def test_replicas_of_a_service_that_is_not_there(fake: FakeEngine) -> None:
    refused = run(fake, WEB, keep_replicas=["wbe"])
    assert refused["failed"] and "names wbe, expected services of it: db, web" in refused["msg"] and not fake.writes


def test_a_job_runs_again_for_another_run_id(fake: FakeEngine) -> None:
    run(fake, JOB, run_id="1")
    assert run(fake, JOB, check=True, run_id="1")["plan"] == []
    assert [change["name"] for change in run(fake, JOB, check=True, run_id="2")["plan"]] == ["app_job"]


def test_warnings_can_be_silenced(fake: FakeEngine) -> None:
    text = "services: {web: {image: web:1, deploy: {placement: {constraints: [node.labels.x == y]}}}}"
    assert any(warning.endswith("(no_node)") for warning in run(fake, text, check=True)["warnings"])
    assert run(fake, text, check=True, silence=["no_node"])["warnings"] == []


@pytest.mark.parametrize(("policy", "image"), [("stop", "web:2"), ("rollback", "web:1")])
def test_what_a_failure_leaves(fake: FakeEngine, policy: str, image: str) -> None:
    run(fake, WEB)
    fake.behave("web:2", crashes(3))
    assert run(fake, WEB.replace("web:1", "web:2"), on_failure=policy)["failed"]
    assert fake.service("app_web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == image


def test_only_the_plan_that_was_approved_is_carried_out(fake: FakeEngine) -> None:
    run(fake, WEB)
    after = WEB.replace("web:1", "web:2")
    approved = run(fake, after, check=True)["plan_id"]
    other = run(fake, WEB.replace("web:1", "web:3"), plan_id=approved)
    assert other["failed"] and approved in other["msg"] and "Nothing was changed" in other["msg"]
    run(fake, WEB.replace("web:1", "web:4"))
    run(fake, WEB)
    fake.forget()
    stale = run(fake, after, plan_id=approved)
    assert stale["failed"] and not fake.writes
    assert run(fake, after, plan_id=run(fake, after, check=True)["plan_id"])["changed"]
    gone = run(fake, after, check=True, state="absent")["plan_id"]
    assert run(fake, after, state="absent", plan_id=gone)["changed"]
