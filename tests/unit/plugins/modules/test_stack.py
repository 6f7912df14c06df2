# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
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
STACK = """
services:
  web:
    image: web:1
    environment: {LEVEL: info, DB_PASSWORD: first-secret}
    secrets: [key]
    depends_on: {migrate: {condition: service_completed_successfully}}
  migrate:
    image: migrate:1
    deploy: {mode: replicated-job}
secrets:
  key: {environment: KEY}
"""


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", Clock())
    return fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")])


def run(fake: FakeEngine, text: str = STACK, check: bool = False, **options: t.Any) -> Json:
    model = load_stack(content=text, env={"KEY": "very-secret"}, project_dir="/").model if text else None
    given = {"docker_host": fake.docker_host, "name": "app", "model": json.dumps({"model": model}), **options}
    return run_module_main(stack.main, given, check=check, diff=True)


def names(result: Json) -> list[tuple[str, str, str]]:
    return [(change["action"], change["kind"], change["name"]) for change in result["plan"]]


def test_check_mode_plans_what_the_run_then_does(fake: FakeEngine) -> None:
    planned = run(fake, check=True)
    assert planned["changed"] and not fake.writes
    done = run(fake)
    assert planned["plan"] == done["plan"]
    assert [act[:2] for act in names(done)] == [
        ("create", "network"),
        ("create", "secret"),
        ("create", "service"),
        ("create", "service"),
    ]
    assert [row["state"] for row in done["services"]] == ["running", "running"]
    fake.forget()
    again = run(fake)
    assert not again["changed"] and not again["plan"] and not fake.writes
    assert len(fake.calls()) <= 10 and fake.calls("GET /services") == ["GET /services"]


def test_no_secret_is_shown(fake: FakeEngine) -> None:
    run(fake)
    planned = run(fake, STACK.replace("first-secret", "second-secret").replace("LEVEL: info", "LEVEL: debug"), check=True)
    for secret in ("first-secret", "second-secret", "very-secret", '"info"', '"debug"'):
        assert secret not in json.dumps(planned)
    (change,) = planned["plan"]
    assert [field["path"] for field in change["fields"]] == ["environment.DB_PASSWORD", "environment.LEVEL"]
    assert change["cost"] == "restarts 1 task"


def test_absent_removes_everything_and_then_nothing(fake: FakeEngine) -> None:
    run(fake, STACK + "volumes: {data: {}}\n")
    gone = run(fake, "", state="absent")
    assert gone["changed"] and gone["volumes"] == [], gone
    assert not fake.cluster.services and not fake.cluster.secrets and not fake.cluster.configs
    assert [network["Name"] for network in fake.cluster.networks.values() if network["Name"].startswith("app")] == []
    again = run(fake, "", state="absent")
    assert not again["changed"] and not again["plan"]


JOBS = """
services:
  migrate: {image: "job:1", deploy: {mode: replicated-job, replicas: 2}}
  everywhere: {image: "job:1", deploy: {mode: global-job}}
"""


def test_an_engine_that_keeps_jobs_lets_go_of_them_before_they_are_removed(
    fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "time", Clock())
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], api_version="1.41")
    done = run(fake, JOBS, resolve_image="never")
    assert done["exit_code"] == 0 and len(fake.cluster.tasks) == 3, done
    assert run(fake, "", state="absent")["changed"] and not fake.cluster.tasks


def test_failed_tasks_that_an_engine_keeps_are_not_waited_for(
    fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "time", Clock())
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], api_version="1.41")
    fake.behave("job:1", crashes(3))
    failed = run(fake, JOBS.replace("replicas: 2", "replicas: 2, restart_policy: {condition: none}"), resolve_image="never")
    assert failed["exit_code"] == 1 and not fake.cluster.services, failed
    run(fake, JOBS, resolve_image="never", wait=False)
    fake.settle()
    gone = run(fake, "", state="absent")
    assert gone["exit_code"] == 0 and fake.cluster.tasks and not fake.cluster.services, gone


def test_absent_lists_the_volumes_that_stay(fake: FakeEngine) -> None:
    text = "services: {web: {image: web:1, volumes: ['data:/d']}}\nvolumes: {data: {}}"
    run(fake, text)
    fake.host.volumes["app_old"] = {"Name": "app_old", "Driver": "local", "Labels": {"com.docker.stack.namespace": "app"}}
    fake.host.volumes["app2_x"] = {"Name": "app2_x", "Driver": "local", "Labels": {"com.docker.stack.namespace": "app2"}}
    planned = run(fake, "", state="absent", check=True)
    gone = run(fake, "", state="absent")
    assert planned["volumes"] == gone["volumes"] == ["app_data", "app_old"]
    assert run(fake, "", state="absent")["volumes"] == ["app_old"]
    assert not fake.calls("DELETE /volumes/.*")


def test_a_failure_is_told_and_undone(fake: FakeEngine) -> None:
    run(fake)
    fake.behave("web:2", crashes(3))
    fake.log("app_web", "cannot reach the database")
    result = run(fake, STACK.replace("web:1", "web:2"))
    assert result["failed"] and "app_web failed" in result["msg"] and result["undone"]
    assert fake.service("app_web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "web:1"
    assert "very-secret" not in json.dumps(result)


def test_on_a_host_without_a_swarm_check_mode_says_what_would_be_created(
    fake_engine: t.Callable[..., FakeEngine],
) -> None:
    bare = fake_engine()
    planned = run(bare, check=True)
    assert len(planned["plan"]) == 4 and not planned.get("failed")
    assert run(bare)["failed"]


def test_an_external_network_that_is_missing_stops_the_run_but_not_the_plan(fake: FakeEngine) -> None:
    text = STACK + "networks: {default: {external: true, name: outside}}\n"
    planned = run(fake, text, check=True)
    assert any("network outside" in warning for warning in planned["warnings"])
    result = run(fake, text)
    assert result["failed"] and "network outside" in result["msg"] and not fake.writes


def test_a_bind_mount_that_no_node_can_serve_is_refused(fake: FakeEngine) -> None:
    text = "services: {web: {image: web:1, volumes: ['/srv/data:/data']}}"
    result = run(fake, text, missing_paths={"m1": ["/srv/data"], "w1": ["/srv/data"]}, check=True)
    assert result["failed"] and "/srv/data" in result["msg"] and not fake.writes
    assert not run(fake, text, missing_paths={"m1": ["/srv/data"], "w1": None}).get("failed")


def test_a_cluster_volume_has_to_be_there(fake: FakeEngine) -> None:
    """The volumes are listed only where a service mounts one of the cluster."""
    text = """
services: {web: {image: "web:1", volumes: [{type: cluster, source: data, target: /data}]}}
volumes: {data: {external: true}}
"""
    refused = run(fake, text)
    assert refused["failed"] and "cluster volume data (of app_web) does not exist; create it first" in refused["msg"] and not fake.writes
    assert fake.calls("GET /volumes")
    fake.forget()
    assert not run(fake, check=True).get("failed") and not fake.calls("GET /volumes")


def test_a_field_that_the_manager_is_too_old_for_is_refused(
    fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "time", Clock())
    members = [node("m1", role="manager", leader=True)]
    text = "services: {web: {image: 'web:1', oom_score_adj: -500}}"
    old, new = fake_engine(nodes=members, api_version="1.45"), fake_engine(nodes=members, api_version="1.46")
    for check in (True, False):
        refused = run(old, text, check)
        assert refused["failed"] and not old.writes
        assert "service app_web: oom_score_adj is new in version 1.46 of the Engine API, and the manager has 1.45" in refused["msg"]
    assert not run(new, text).get("failed")
    assert new.calls("GET /services") and not run(new, text)["changed"]


TWO = "services: {web: {image: web:1}, db: {image: db:1}}"


def break_web(fake: FakeEngine, ticks: int = 8) -> None:
    fake.behave("web:1", crashes(9, run=0))
    for task in fake.tasks("app_web"):
        fake.cluster.tasks.pop(task["ID"])
    fake.tick(ticks)


def test_a_service_that_fails_although_it_was_not_changed_fails_the_run(fake: FakeEngine) -> None:
    run(fake, TWO)
    break_web(fake)
    fake.log("app_web", "cannot reach the database")
    result = run(fake, TWO)
    assert result["failed"] and not result["changed"] and not fake.cluster.configs, result
    assert "app_web failed: task 1 on " in result["msg"] and "exited 9" in result["msg"]
    assert result["msg"].endswith("    cannot reach the database\n Nothing was changed.")
    quick = run(fake, TWO, wait=False)
    assert not quick.get("failed") and [row["state"] for row in quick["services"]] == ["running", "failed"]
    assert any("app_web was not changed" in warning and "exited 9" in warning for warning in quick["warnings"])


def test_what_was_changed_stays_when_the_rest_fails(fake: FakeEngine) -> None:
    run(fake, TWO)
    break_web(fake)
    result = run(fake, TWO.replace("db:1", "db:2"))
    assert result["failed"] and result["changed"] and not result["undone"]
    assert result["msg"].endswith(" Before that, these were changed: service app_db."), result["msg"]
    assert fake.service("app_db")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "db:2"


def test_a_service_that_was_mended_meanwhile_is_waited_for(fake: FakeEngine) -> None:
    run(fake, TWO)
    break_web(fake)
    fake.cluster.behaviours.pop("web:1")
    result = run(fake, TWO)
    assert not result.get("failed") and [row["state"] for row in result["services"]] == ["running", "running"]


CONFIG = "services: {web: {image: web:1, configs: [{source: c, target: /c}]}}\nconfigs: {c: {content: 'a=1'}}"


def test_a_stack_that_was_deployed_without_hashes_in_names_is_taken_over(fake: FakeEngine) -> None:
    run(fake, CONFIG, content_names=False)
    assert run(fake, CONFIG, check=True)["plan"] == []
    changed = run(fake, CONFIG.replace("a=1", "a=2"), keep_versions=0)
    assert [act[:2] for act in names(changed)] == [("create", "config"), ("update", "service")]
    assert run(fake, CONFIG.replace("a=1", "a=2"), check=True)["plan"] == []
    refused = run(fake, CONFIG, keep_versions=-1)
    assert refused["failed"] and "keep_versions is -1, expected 0 or more" in refused["msg"]


def test_registries_are_asked_once_in_a_run(fake: FakeEngine) -> None:
    digest = f"sha256:{'a' * 64}"
    fake.host.images = {"web:1": {"digest": digest}}
    text = "services: {web: {image: web:1}, db: {image: db:1}}"
    result = run(fake, text, resolve_image="always", call_seconds=1)
    calls = 1
    while result.get("pending"):
        result, calls = run(fake, text, resolve_image="always", call_seconds=1, session=result["session"]), calls + 1
    assert calls > 1 and len(fake.calls("GET /distribution/.*")) == 2
    assert fake.service("app_web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == f"web:1@{digest}"


def test_a_secret_with_a_name_of_its_own_may_change_unnoticed_but_not_without_a_word(fake: FakeEngine) -> None:
    named = STACK.replace("key: {environment", "key: {name: fixed, environment")
    assert not [text for text in run(fake, named)["warnings"] if "secret_content" in text]
    (warning,) = [text for text in run(fake, named)["warnings"] if "secret_content" in text]
    assert "go unnoticed" in warning and "fixed" in warning
    assert not [text for text in run(fake, named, silence=["secret_content"])["warnings"] if "secret_content" in text]


def test_tasks_on_nodes_that_match_no_more_are_a_cost(fake: FakeEngine) -> None:
    text = "services: {web: {image: web:1, deploy: {replicas: 2, placement: {constraints: ['%s']}}}}"
    run(fake, text % "node.role != none")
    before = {task["ID"] for task in fake.tasks("app_web") if task["DesiredState"] == "running"}
    (change,) = run(fake, text % "node.role == manager")["plan"]
    assert change["cost"] == "restarts tasks that are on w1"
    assert before - {task["ID"] for task in fake.tasks("app_web") if task["DesiredState"] == "running"}
    (change,) = run(fake, text % "node.hostname == m1")["plan"]
    assert change["cost"] == "nothing"
