# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import threading
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import task_exec, task_info
from fake_engine import FakeEngine, node, service
from module_runner import run_module_main

Json = dict[str, t.Any]
LABELS = {"com.docker.swarm.task.id": "t1", "com.docker.swarm.task.name": "app_web.2.t1"}


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True, addr="10.77.0.1"), node("w1", addr="10.77.0.2")],
        services=[service("app_web", replicas=2), service("app_agent", mode="global"), service("off", replicas=0)],
        containers=[{"Id": "c1", "Labels": LABELS}, {"Id": "c2", "Labels": {"com.docker.swarm.task.id": "t2"}}],
    )
    fake.host.commands["echo"] = lambda body, stdin: (0, " ".join(body["Cmd"][1:]), "")
    fake.host.commands["cat"] = lambda body, stdin: (0, stdin.decode(), f"{body['User']} {body['Env']}")
    fake.host.commands["fail"] = lambda body, stdin: (3, "out\n", "err\n")
    fake.host.commands["flood"] = lambda body, stdin: (0, "x" * 100_000 + "end", "")
    fake.forget()
    return fake


def run(fake: FakeEngine, check: bool = False, **options: t.Any) -> Json:
    return run_module_main(task_exec.main, {"docker_host": fake.docker_host, "task": "t1", **options}, check=check, diff=True)


def find(fake: FakeEngine, **options: t.Any) -> Json:
    return run_module_main(task_info.main, {"docker_host": fake.docker_host, **options})


def test_a_command_runs_in_the_container_of_the_task(fake: FakeEngine) -> None:
    result = run(fake, command="echo 'two words' x")
    assert (result["rc"], result["stdout"], result["found"]) == (0, "two words x", True)
    assert fake.writes[0].path == "/containers/c1/exec" and fake.writes[0].body["Tty"] is False
    assert result["plan"][0]["name"] == "app_web.2"


def test_stdin_user_and_environment_reach_it_and_secrets_are_not_shown(fake: FakeEngine) -> None:
    options: Json = {"command": ["cat"], "stdin": "top-secret-text", "user": "1000"}
    options |= {"environment": {"A": 1}, "secret_environment": {"B": "hushed"}}
    planned = run(fake, check=True, **options)
    assert planned["changed"] and not fake.writes
    done = run(fake, **options)
    assert fake.writes[0].body["Env"] == ["A=1", "B=hushed"] and fake.writes[0].body["User"] == "1000"
    assert done["plan"] == planned["plan"] and done["stderr"].startswith("1000 ['A=1'")
    for shown in (planned, done):
        told = json.dumps({key: value for key, value in shown.items() if key != "invocation"})
        assert "top-secret" not in told and "hushed" not in told


def test_stdin_arrives_whole(fake: FakeEngine) -> None:
    got: list[bytes] = []

    def eat(body: Json, stdin: bytes) -> tuple[int, str, str]:
        got.append(stdin)
        return 0, "", ""

    fake.host.commands["eat"] = eat
    assert run(fake, command="eat", stdin="line\n" * 50_000)["rc"] == 0 and got == [b"line\n" * 50_000]


@pytest.mark.parametrize(("codes", "failed"), [([0], True), ([3], False)])
def test_an_exit_code_fails_the_run_unless_it_is_accepted(fake: FakeEngine, codes: list[int], failed: bool) -> None:
    result = run(fake, command="fail", success_codes=codes)
    assert (result.get("failed", False), result["rc"], result["stdout"], result["stderr"]) == (failed, 3, "out\n", "err\n")
    assert not failed or result["msg"] == "the command exited 3 in app_web.2.\n    out\n    err"


def test_of_a_long_output_the_end_is_kept(fake: FakeEngine) -> None:
    text = run(fake, command="flood")["stdout"]
    assert text.startswith("[34467 bytes before this were omitted]\n") and text.endswith("xend") and len(text) < 66_000


def test_on_another_host_nothing_happens(fake: FakeEngine) -> None:
    result = run(fake, task="elsewhere", command="echo x")
    assert (result["found"], result["changed"]) == (False, False) and not fake.writes


@pytest.mark.parametrize(
    ("command", "words"), [("", "nothing to run"), ("echo 'x", "No closing quotation"), (7, "expected a text or a list")]
)
def test_what_is_no_command_is_refused(fake: FakeEngine, command: t.Any, words: str) -> None:
    assert words in run(fake, command=command)["msg"] and not fake.writes


def test_a_command_that_does_not_end_is_given_up(fake: FakeEngine) -> None:
    ended = threading.Event()
    fake.host.commands["hang"] = lambda body, stdin: (int(ended.wait(10)), "", "")
    assert "did not end within 0.2 s" in run(fake, command="hang", wait_timeout="200ms")["msg"]
    assert "did not end within 0.2 s" in run(fake, command="hang", wait_timeout="200ms", stdin="x")["msg"]
    ended.set()


def test_running_tasks_are_found_with_their_nodes(fake: FakeEngine) -> None:
    found = find(fake, service="app_web")["tasks"]
    assert [(task["slot"], task["service"]) for task in found] == [(1, "app_web"), (2, "app_web")]
    assert {task["node"]: task["address"] for task in find(fake, service="app_agent")["tasks"]} == {"m1": "10.77.0.1", "w1": "10.77.0.2"}
    (second,) = find(fake, service="app_web", slot=2)["tasks"]
    assert second["id"] == found[1]["id"] and len(find(fake, service="app_agent", node="w1")["tasks"]) == 1
    fake.forget()
    find(fake, service="app_web")
    assert fake.calls() == ["GET /services", "GET /tasks", "GET /nodes"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"service": ""}, "no service is given"),
        ({"service": "app_wed"}, "no service app_wed; there is app_web"),
        ({"service": "app_*"}, "matches 2 services: app_agent, app_web"),
        ({"service": "off"}, "no task of off is running."),
        ({"service": "app_web", "slot": 3}, "no task of app_web, slot 3 is running; there is 1 on"),
        ({"service": "app_agent", "node": "w9"}, "no task of app_agent, node w9 is running; there is one on"),
    ],
)
def test_a_task_that_is_not_there_is_told(fake: FakeEngine, options: Json, words: str) -> None:
    result = find(fake, **options)
    assert result["failed"] and words in result["msg"]
