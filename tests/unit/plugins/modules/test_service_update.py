# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.service_options import UPDATE
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.modules import service as module
from fake_clock import Clock
from fake_engine import FakeEngine, node, service
from module_runner import run_module_main

Json = dict[str, t.Any]
PORTS = [{"TargetPort": 80, "PublishedPort": number, "Protocol": "tcp", "PublishMode": "ingress"} for number in (8080, 9090)]


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", Clock())
    web = service("app_web", labels={"auto": "true"}, EndpointSpec={"Mode": "vip", "Ports": PORTS})
    return fake_engine(nodes=[node("m1", role="manager", leader=True)], services=[web, service("lonely")])


def run(fake: FakeEngine, verb: str, check: bool = False, **options: t.Any) -> Json:
    suboptions = {name: options.pop(name) for name in (*UPDATE, "replicas", "check_capacity") if name in options}
    return run_module_main(module.main, {"docker_host": fake.docker_host, verb: suboptions, **options}, check=check, diff=True)


def published(fake: FakeEngine) -> list[tuple[int, int]]:
    return sorted((port["PublishedPort"], port["TargetPort"]) for port in fake.service("app_web")["Spec"]["EndpointSpec"]["Ports"])


def test_a_port_of_the_container_that_is_published_twice_stays_so(fake: FakeEngine) -> None:
    given = [{"target": 443, "published": 443}]
    assert run(fake, "update", name=["app_web"], ports=given)["changed"]
    assert published(fake) == [(443, 443), (8080, 80), (9090, 80)]
    assert not run(fake, "update", name=["app_web"], ports=given)["changed"]


def test_a_port_of_the_container_can_be_published_twice(fake: FakeEngine) -> None:
    given = [{"target": 80, "published": 81}, {"target": 80, "published": 82}]
    run(fake, "update", name=["app_web"], ports=given)
    assert published(fake) == [(81, 80), (82, 80)]
    run(fake, "update", name=["app_web"], ports_absent=["80"])
    assert "Ports" not in fake.service("app_web")["Spec"]["EndpointSpec"]


@pytest.mark.parametrize(("value", "found"), [(True, ["app_web"]), ("true", ["app_web"]), (False, []), (None, [])])
def test_a_label_is_true_as_a_playbook_says_it(fake: FakeEngine, value: t.Any, found: list[str]) -> None:
    result = run(fake, "restart", check=True, label={"auto": value})
    assert [change["name"] for change in result["plan"]] == found and bool(result.get("failed")) is not bool(found)


def test_replicas_go_by_full_names(fake: FakeEngine) -> None:
    result = run(fake, "scale", replicas={"app_*": 2})
    assert result["msg"].startswith("replicas: a wildcard means app_web") and not fake.writes


@pytest.mark.parametrize("after", ["second-value", None])
def test_a_former_secret_value_is_not_shown(fake: FakeEngine, after: str | None) -> None:
    run(fake, "update", name=["app_web"], secret_environment={"LICENSE": "first-value"})
    result = run(fake, "update", name=["app_web"], secret_environment={"LICENSE": after})
    assert result["changed"] and "first-value" not in str(result) and "second-value" not in str(result)
    assert result["plan"][0]["fields"][0]["before"] == "(hidden)"


@pytest.mark.parametrize(("options", "option"), [({"wait_timeout": "1d"}, "wait_timeout"), ({"update_config": {"delay": "soon"}}, "delay")])
def test_a_time_that_is_none_is_told_with_its_option(fake: FakeEngine, options: Json, option: str) -> None:
    result = run(fake, "update", name=["app_web"], labels={"a": "b"}, **options)
    assert result["msg"].startswith(f"{option}: found '") and not fake.writes


def test_what_was_once_given_as_secret_stays_secret(fake: FakeEngine) -> None:
    """For another call, for a rollback and for the stack, whatever may be shown."""
    run(fake, "update", name=["app_web"], environment={"LICENSE": "zeroth-value"})
    run(fake, "update", name=["app_web"], secret_environment={"LICENSE": "first-value"})
    results = [run(fake, "rollback", check=True, name=["app_web"], show_environment=["*"])]
    results.append(run(fake, "update", check=True, name=["app_web"], environment={"LICENSE": "next-value"}, show_environment=["*"]))
    results.append(run(fake, "rollback", name=["app_web"], show_environment=["*"]))
    results.append(run(fake, "update", name=["app_web"], environment={"LICENSE": "third-value", "LEVEL": "seen"}, show_environment=["*"]))
    results.append(run(fake, "update", name=["app_web"], environment={"LICENSE": "fourth-value"}, show_environment=["*"]))
    for result in results:
        assert result["changed"] and "-value" not in str([result["plan"], result["diff"]]), result["plan"]
    assert "seen" in str(results[3]["plan"])


def test_a_variable_that_is_given_as_secret_again_changes_nothing(fake: FakeEngine) -> None:
    given: Json = {"name": ["app_web"], "secret_environment": {"LICENSE": "first-value"}}
    assert run(fake, "update", **given)["changed"]
    assert not run(fake, "update", **given)["changed"]


@pytest.mark.parametrize("verb", ["update", "rollback"])
def test_values_of_the_environment_are_hidden(fake: FakeEngine, verb: str) -> None:
    run(fake, "update", name=["app_web"], environment={"PLAIN": "first-value"})
    options = {"environment": {"PLAIN": "second-value"}} if verb == "update" else {}
    result = run(fake, verb, check=True, name=["app_web"], **options)
    assert result["changed"] and "-value" not in str([result["plan"], result["diff"]])
