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
from fake_engine import FakeEngine, completes, crashes, node, runs
from module_runner import run_module_main

Json = dict[str, t.Any]


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", Clock())
    return fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")])


def run(fake: FakeEngine, text: str, check: bool = False, **options: t.Any) -> Json:
    model = load_stack(content=text, project_dir="/").model
    given = {"docker_host": fake.docker_host, "name": "app", "model": json.dumps({"model": model}), **options}
    return run_module_main(stack.main, given, check=check, diff=True)


ONE_SHOT = """
services:
  web: {image: web:1, depends_on: {migrate: {condition: service_completed_successfully}}}
  migrate: {image: migrate:1, deploy: {restart_policy: {condition: none}}}
"""


def test_a_service_that_runs_once_has_to_end_before_its_dependents_are_touched(fake: FakeEngine) -> None:
    fake.behave("migrate:1", runs())
    result = run(fake, ONE_SHOT, wait_timeout="60", on_failure="stop")
    assert "timed out" in result["msg"] and [item["Spec"]["Name"] for item in fake.cluster.services.values()] == ["app_migrate"]
    fake.behave("migrate:1", completes(run=20))
    run(fake, "services: {other: {image: other:1}}", prune=True)
    assert [row["state"] for row in run(fake, ONE_SHOT)["services"]] == ["running", "running"]
    assert not run(fake, ONE_SHOT)["changed"]


def test_a_service_that_runs_once_and_fails_leaves_its_dependents_untouched(fake: FakeEngine) -> None:
    fake.behave("migrate:1", crashes(4, run=10))
    assert "app_migrate failed" in run(fake, ONE_SHOT)["msg"] and not fake.cluster.services


def acts(result: Json) -> list[tuple[str, str]]:
    return [(change["action"], change["name"]) for change in result["plan"]]


def services(fake: FakeEngine) -> dict[str, list[int]]:
    found = {item["Spec"]["Name"]: item["Spec"].get("EndpointSpec") or {} for item in fake.cluster.services.values()}
    return {name: [port["PublishedPort"] for port in endpoint.get("Ports", [])] for name, endpoint in sorted(found.items())}


def test_a_port_goes_from_one_service_to_another(fake: FakeEngine) -> None:
    run(fake, "services: {a: {image: a:1}, b: {image: b:1, ports: ['80:80', '53:53/udp']}}")
    text = "services: {a: {image: a:1, ports: ['80:80']}, b: {image: b:1, ports: ['53:53/udp']}}"
    planned = run(fake, text, check=True)
    assert acts(planned) == [("update", "app_b"), ("update", "app_a")]
    assert run(fake, text)["plan"] == planned["plan"] and services(fake) == {"app_a": [80], "app_b": [53]}
    fake.behave("a:2", crashes(1))
    assert "rolled back app_b" in run(fake, "services: {a: {image: a:2}, b: {image: b:1, ports: ['80:80']}}")["msg"]
    assert services(fake) == {"app_a": [80], "app_b": [53]}


def test_the_engine_may_count_a_port_as_taken_for_a_moment(fake: FakeEngine) -> None:
    run(fake, "services: {a: {image: a:1}, b: {image: b:1, ports: ['80:80']}}")
    path = f"/services/{fake.service('app_a')['ID']}/update"
    taken = "port '80' is already in use by service 'app_b' (x) as an ingress port"
    fake.fail("POST", path, 400, taken, times=3)
    text = "services: {a: {image: a:1, ports: ['80:80']}, b: {image: b:1}}"
    assert run(fake, text)["changed"] and services(fake) == {"app_a": [80], "app_b": []}
    fake.fail("POST", "/services/create", 400, taken, times=None)
    assert "already in use by service" in run(fake, text.replace("}}", "}, c: {image: c:1}}"))["msg"]


RENAMED = "services: {front: {image: web:2, ports: ['80:80']}, zeta: {image: z:1}}"


def test_a_service_gets_another_name_and_keeps_its_port(fake: FakeEngine) -> None:
    run(fake, "services: {web: {image: web:1, ports: ['80:80']}, zeta: {image: z:1}}")
    assert "app_front can't publish port 80/tcp: service app_web has it. Set prune: true" in run(fake, RENAMED)["msg"]
    planned = run(fake, RENAMED, check=True, prune=True)
    assert acts(planned) == [("remove", "app_web"), ("create", "app_front")]
    fake.behave("web:2", crashes(1))
    failed = run(fake, RENAMED, prune=True)
    assert "created app_web as it was" in failed["msg"] and "1 service was never touched" in failed["msg"]
    assert services(fake) == {"app_web": [80], "app_zeta": []}
    fake.behave("web:2", runs())
    done = run(fake, RENAMED, prune=True)
    assert done["plan"] and services(fake) == {"app_front": [80], "app_zeta": []}
    assert done["summary"].startswith("app: 1 service created, 1 removed, 1 untouched")
    assert not run(fake, RENAMED, prune=True)["changed"]


def test_two_services_get_the_ports_of_one_that_goes(fake: FakeEngine) -> None:
    """It goes before the first of them, which is not the first by name."""
    run(fake, "services: {web: {image: web:1, ports: ['80:80', '81:81']}}")
    taken = "services: {ant: {image: a:1, ports: ['80:80'], depends_on: [bee]}, bee: {image: b:1, ports: ['81:81']}}"
    result = run(fake, taken, prune=True)
    assert not result.get("failed"), result["msg"]
    assert acts(result) == [("remove", "app_web"), ("create", "app_bee"), ("create", "app_ant")]
    assert services(fake) == {"app_ant": [80], "app_bee": [81]}


def test_a_service_that_is_there_gets_the_port_of_one_that_goes(fake: FakeEngine) -> None:
    run(fake, "services: {web: {image: web:1, ports: ['80:80']}, zeta: {image: z:1}}")
    result = run(fake, "services: {zeta: {image: z:1, ports: ['80:80']}}", prune=True)
    assert acts(result) == [("remove", "app_web"), ("update", "app_zeta")]
    assert services(fake) == {"app_zeta": [80]}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "a: {image: i, ports: ['1:1']}",
            "a: {image: i, ports: ['1:1']}, b: {image: i, ports: ['1:2']}",
            "app_b and app_a both publish port 1/tcp",
        ),
        (
            "a: {image: i, ports: ['1:1']}, b: {image: i, ports: ['2:2']}",
            "a: {image: i, ports: ['2:2']}, b: {image: i, ports: ['1:1']}",
            "ports move in a cycle",
        ),
    ],
)
def test_ports_that_no_order_gives_are_refused_by_the_plan(fake: FakeEngine, before: str, after: str, message: str) -> None:
    run(fake, f"services: {{{before}}}")
    fake.forget()
    assert message in run(fake, f"services: {{{after}}}", check=True)["msg"] and not fake.writes


def test_what_was_proven_stays_when_a_removal_fails(fake: FakeEngine) -> None:
    run(fake, "services: {web: {image: web:1}, old: {image: old:1, networks: [back]}}\nnetworks: {back: }")
    fake.fail("DELETE", "/networks/.*", 400, "network app_back has active endpoints", times=None)
    after = "services: {web: {image: web:2}}"
    result = run(fake, after, prune=True, wait_timeout="60")
    assert "network app_back is still in use" in result["msg"] and "never touched" not in result["msg"]
    assert result["undone"] == [] and result["changed"]
    assert fake.service("app_web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "web:2"
    fake.faults.clear()
    assert acts(run(fake, after, prune=True)) == [("remove", "app_back")]


def test_a_service_of_another_stack_is_left_alone(fake: FakeEngine) -> None:
    run(fake, "services: {b_c: {image: web:1}}", name="a")
    fake.forget()
    result = run(fake, "services: {c: {image: other:1}}", name="a_b")
    assert result["msg"].startswith("service a_b_c exists and belongs to stack a. Remove it, or rename") and not fake.writes


def test_the_port_of_another_stack_is_told(fake: FakeEngine) -> None:
    run(fake, "services: {web: {image: web:1, ports: ['80:80']}}", name="other")
    message = run(fake, "services: {web: {image: w, ports: ['80:81']}}")["msg"]
    assert "app_web can't publish port 80/tcp: service other_web has it" in message
    host = "services: {web: {image: w, ports: [{target: 80, published: 81, mode: host}]}}"
    assert run(fake, host, name="other")["changed"] and run(fake, host)["changed"], "each on a node of its own"
