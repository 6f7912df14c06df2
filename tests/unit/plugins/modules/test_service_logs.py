# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.logs import file_name, read_moment, sort_by_task
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.outputs import bounded, split_streams
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.streams import engine_words
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.modules import service_logs
from fake_engine import FakeEngine, node, service
from module_runner import run_module_main

Json = dict[str, t.Any]
STACK = {"com.docker.stack.namespace": "app"}
NOON = 1767268800.0  # 2026-01-01T12:00:00Z


def frame(text: str, kind: int = 1) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(text.encode()).to_bytes(4, "big") + text.encode()


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True), node("w1")],
        services=[service("app_web", replicas=2, labels=STACK), service("app_agent", mode="global", labels=STACK), service("quiet")],
    )
    for name in ("app_web", "app_agent"):
        for task in fake.tasks(name):
            fake.log(task["ID"], "".join(f"{name} line {number}\n" for number in range(5)))
    fake.forget()
    return fake


def run(fake: FakeEngine, **options: t.Any) -> Json:
    return run_module_main(service_logs.main, {"docker_host": fake.docker_host, **options}, check=True)


def test_logs_are_read_once_a_service_and_sorted_by_task(fake: FakeEngine) -> None:
    logs = run(fake, stack=["app"], tail=2)["logs"]
    assert [(log["service"], log["slot"], log["lines"]) for log in logs[:2]] == [("app_agent", 0, 2), ("app_agent", 0, 2)]
    assert {log["node"] for log in logs[:2]} == {"m1", "w1"} and [log["slot"] for log in logs[2:]] == [1, 2]
    assert logs[2]["text"] == "app_web line 3\napp_web line 4\n" and logs[2]["state"] == "running"
    assert len(fake.calls("GET .*/logs")) == 2 and len(fake.calls()) == 5 and not fake.writes


def test_one_task_and_times(fake: FakeEngine) -> None:
    task = fake.tasks("app_web")[0]["ID"]
    (log,) = run(fake, task=task[:8], until="2026-01-01T02:00:00.5Z", timestamps=True)["logs"]
    assert (log["task"], log["lines"]) == (task, 3) and log["text"].startswith("2026-01-01T00:00:00.000000001Z app_web line 0\n")
    run(fake, name=["app_web"], since="2026-01-01T00:00:00+02:00")
    assert fake.requests[-1].raw_query["since"] == "1767218400.000"


def test_much_is_cut_at_the_beginning(fake: FakeEngine) -> None:
    (log, _other) = run(fake, name=["app_web"], max_bytes=15)["logs"]
    assert log["text"] == "[60 bytes before this were omitted]\napp_web line 4\n"


def test_nothing_chosen_is_nothing_read(fake: FakeEngine) -> None:
    assert run(fake, name="", stack="", allow_empty=True)["logs"] == [] and not fake.calls()
    assert run(fake, name=["quiet"])["logs"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "", "stack": "", "task": " "}, "no service is named. Give name, stack, label or task"),
        ({"name": ["app_wed"]}, "no service app_wed; there is app_web"),
        ({"task": "nosuch"}, "there is no task nosuch."),
        ({"name": ["app_web"], "since": "yesterday"}, "since: found 'yesterday', expected how long ago"),
        ({"name": ["app_web"], "tail": 0}, "must be 1 or more"),
    ],
)
def test_wrong_input_is_told(fake: FakeEngine, options: Json, words: str) -> None:
    result = run(fake, **options)
    assert result["failed"] and words in result["msg"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("90", NOON - 90),
        ("1h30m", NOON - 5400),
        ("2026-01-01T10:00:00Z", NOON - 7200),
        ("2026-01-01T10:00:00+02:00", NOON - 14400),
        ("2026-01-01 10:00", NOON - 7200),
        ("2026-01-01", NOON - 43200),
    ],
)
def test_moments(text: str, moment: float | None) -> None:
    assert read_moment(text, "since", NOON) == moment


def test_a_moment_that_is_none_is_refused() -> None:
    with pytest.raises(PlanError, match="until: found 'soon'"):
        read_moment("soon", "until", NOON)


def test_lines_without_a_task_are_left_out_and_the_engine_is_heard() -> None:
    raw = frame("2026-01-01T00:00:00Z com.docker.swarm.task.id=t1 a b\n") + frame("no details\n") + frame("node w9 is not available", 3)
    assert sort_by_task(raw, None, False) == {"t1": b"a b\n"} and engine_words(raw) == ["node w9 is not available"]


def test_outputs_are_told_apart_and_a_terminal_has_one() -> None:
    assert split_streams(frame("out\n") + frame("err\n", 2) + frame("more\n")) == ("out\nmore\n", "err\n")
    assert split_streams(b"plain text\n") == ("plain text\n", "")
    assert bounded(b"12345", 5) == "12345" and bounded(b"12345", 2) == "[3 bytes before this were omitted]\n45"


def test_names_of_files() -> None:
    assert file_name("web", 2, "w1", "t1") == "web.2.w1.t1.log" and file_name("agent", 0, "", "t1") == "agent.t1.log"
    assert file_name("web", 2, "../../etc/cron.d/x\n\0", "t1") == "web.2._.._etc_cron.d_x__.t1.log"
