# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service follows a real queue: Redis, behind an endpoint that tells its depth as NSQ does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenario import Run, until
from tests.scenario.operations import addresses, done, on, play, services

WORKER, ROOM, MOST = "queue_worker", 6, 8
RECORD = "/var/log/flotilla-autoscale.jsonl"
STACK = {
    "name": "queue",
    "files": ["molecule/operations/queue/stack.yml"],
    "env": {"REGISTRY": "{{ registry_address }}", "TAG": "1"},
    "keep_replicas": ["worker"],
}


@pytest.fixture(scope="module", autouse=True)
def queue() -> Iterator[None]:
    done("deploy", stacks_present=[STACK])
    yield
    done("deploy", stacks_present=[], stacks_absent=["queue"])


def rule(**changes: Any) -> dict[str, Any]:
    metric = {"url": f"http://{addresses()['m1']}:4171/api/topics/ocr", "path": "depth"}
    return {"service": WORKER, "metric": metric, "per_replica": 10, "max": MOST, "hysteresis": 0.2, "cool_down_down": "0s", **changes}


def autoscale(*arguments: str, **changes: Any) -> Run:
    return done("autoscale", *arguments, autoscale_rules=[rule(**changes)], autoscale_record=RECORD)


def count() -> int:
    return int(services()[WORKER]["replicas"])


def fill(depth: int) -> None:
    """Make the queue as long as that."""
    with socket.create_connection((addresses()["m1"], 6380), timeout=10) as redis:
        redis.sendall(b"DEL ocr\r\n" + (b"RPUSH ocr" + b" file" * depth + b"\r\n" if depth else b"") + b"LLEN ocr\r\n")
        answer = ""
        while answer.count("\r\n") < 2 + bool(depth):
            answer += redis.recv(1000).decode()
    assert answer.strip().splitlines()[-1] == f":{depth}"


def test_an_empty_queue_changes_nothing() -> None:
    fill(0)
    run = autoscale()
    assert not any(run.changed.values()) and f"{WORKER}: 1 -> 1 (metric 0 calls for 1)" in run.text and count() == 1


def test_check_mode_says_what_a_growing_queue_calls_for() -> None:
    fill(35)
    before = services()
    planned = autoscale("--check", "--diff")
    assert any(planned.changed.values()) and f"{WORKER}: 1 -> 4 (metric 35 calls for 4)" in planned.text and services() == before


def test_the_service_follows_the_queue_up_to_the_room_and_down_again() -> None:
    first = set(services()[WORKER]["tasks"])
    for depth, expected in ((35, 4), (200, ROOM), (1000, ROOM), (33, 4)):
        fill(depth)
        autoscale()
        assert count() == len(services()[WORKER]["tasks"]) == expected
        assert first <= set(services()[WORKER]["tasks"]) or depth == 33, "what runs goes on"
    records = [json.loads(line) for line in on("m1", f"cat {RECORD}").splitlines()]
    assert [(each["before"], each["replicas"]) for each in records[-4:]] == [(1, 4), (4, ROOM), (ROOM, ROOM), (ROOM, 4)]
    assert f"the nodes have room for {ROOM}" in records[-3]["reason"]


def test_a_queue_around_a_threshold_does_not_make_the_service_flap() -> None:
    tasks, counts = services()[WORKER]["tasks"], []
    for turn in range(20):
        fill(41 if turn % 2 else 39)
        autoscale("--limit", "m1")
        counts.append(count())
    assert counts == [4, *[5] * 19]
    assert set(tasks) < set(services()[WORKER]["tasks"])


def test_the_next_site_keeps_the_number() -> None:
    before = services()
    run = done("site", stacks_present=[STACK])
    assert count() == 5 and services() == before and "queue_worker" not in run.out.split("PLAY RECAP")[-1]
    planned = done("deploy", "--check", "--diff", stacks_present=[{**STACK, "keep_replicas": []}])
    assert "replicas: 5 -> 1" in planned.text


def test_a_metric_that_cannot_be_read_changes_nothing_and_says_so() -> None:
    before = services()[WORKER]
    lost = rule(metric={**rule()["metric"], "path": "messages"})
    run = done("autoscale", autoscale_rules=[lost])
    assert not any(run.changed.values()) and f"{WORKER} keeps its 5 replicas" in run.text and "there is nothing at messages" in run.text
    done("scale", services_replicas={"queue_redis": 0})
    until(lambda: not services()["queue_redis"]["tasks"])
    run = autoscale()
    assert not any(run.changed.values()) and "the metric can't be read" in run.text and "502" in run.text
    assert services()[WORKER] == before


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"autoscale_rules": [{"service": "queue_wroker", "metric": {"value": 1}, "max": 3, "per_replica": 1}]}, "there is queue_worker"),
        ({"autoscale_rules": [{"service": WORKER, "metric": {}, "max": 3, "per_replica": 1}]}, "expected one of url, command and value"),
        (
            {"autoscale_rules": [{"service": WORKER, "metric": {"value": 1}, "max": 0, "per_replica": 1}]},
            "max is 0, expected a whole number",
        ),
        ({"autoscale_rules": [], "autoscale_only": "web"}, "autoscale_rules is not given"),
    ],
)
def test_wrong_input_gives_one_clear_message(variables: dict[str, Any], words: str) -> None:
    run = play("autoscale", **variables)
    assert run.rc == 2 and words in run.text and "Traceback" not in run.out and not any(run.changed.values())
