# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.verdict import judge, settle, settle_at_once
from fake_engine import node

Json = dict[str, t.Any]
NODES = Nodes([node("m1", role="manager", node_id="N1"), node("w1", node_id="N2"), node("w2", node_id="N3", state="down")])
SECOND = 10**9


def service(mode: Json | None = None, restart: Json | None = None, update: str = "", job: int = 0, **spec: t.Any) -> Json:
    item: Json = {
        "ID": "s",
        "Spec": {
            "Name": "app_web",
            "Mode": mode or {"Replicated": {"Replicas": 2}},
            "TaskTemplate": {"ContainerSpec": {}, "RestartPolicy": restart or {}, **spec.pop("template", {})},
            **spec,
        },
    }
    if update:
        item["UpdateStatus"] = {"State": update, "Message": f"{update} because of termination of task T9"}
    if job:
        item["JobStatus"] = {"JobIteration": {"Index": job}}
    return item


def task(
    slot: int, state: str, index: int = 50, node_id: str = "N1", desired: str = "", err: str = "", code: int = 0, **more: t.Any
) -> Json:
    over = state in ("failed", "rejected", "complete", "shutdown")
    return {
        "ID": f"t{slot}-{index}",
        "ServiceID": "s",
        "Slot": slot,
        "NodeID": node_id,
        "Version": {"Index": index},
        "DesiredState": desired or ("shutdown" if over else "running"),
        "Status": {"State": state, "Err": err, "ContainerStatus": {"ExitCode": code}},
        **more,
    }


JOB = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 2}}
GLOBAL: Json = {"Global": {}}
NEVER = {"Condition": "none"}
crash = [task(1, "failed", index, err="task: non-zero exit (1)", code=1) for index in (51, 52, 53)]

ENDED = {**task(1, "complete", 51), "ID": "T9"}

# The service, its tasks, the state that a moment shows, (running, desired), and a part of the cause.
CASES: list[tuple[str, Json, list[Json], str, tuple[int, int], str]] = [
    ("all run", service(), [task(1, "running"), task(2, "running", node_id="N2")], "converged", (2, 2), ""),
    ("one starts", service(), [task(1, "running"), task(2, "starting")], "waiting", (1, 2), ""),
    ("none wanted", service({"Replicated": {"Replicas": 0}}), [], "converged", (0, 0), ""),
    ("no task yet", service(), [], "waiting", (0, 2), ""),
    ("on a node that is down", service(), [task(1, "running"), task(2, "running", node_id="N3")], "waiting", (1, 2), ""),
    ("still updating", service(update="updating"), [task(1, "running"), task(2, "running")], "waiting", (2, 2), ""),
    ("updated", service(update="completed"), [task(1, "running"), task(2, "running")], "converged", (2, 2), ""),
    ("paused", service(update="paused"), [task(1, "running")], "failed", (1, 2), "the engine paused the update"),
    ("paused by a good end", service(restart=NEVER, update="paused"), [ENDED, task(2, "running")], "converged", (2, 2), ""),
    ("stopped by a good end", service(restart=NEVER, update="paused"), [ENDED], "failed", (1, 2), "however it ends: update_config"),
    ("undone for a good end", service(restart=NEVER, update="rollback_completed"), [ENDED, task(2, "running")], "failed", (2, 2), "rolled"),
    ("paused by an end that is none", service(update="paused"), [ENDED, task(2, "running")], "failed", (1, 2), "exited 0"),
    ("rolling back", service(update="rollback_started"), [], "failed", (0, 2), "rolled the update back"),
    ("rolled back", service(update="rollback_completed"), [task(1, "running"), task(2, "running")], "failed", (2, 2), "rolled"),
    ("one crash is none", service(), [crash[0], task(1, "starting", 54)], "waiting", (0, 2), "exited 1"),
    ("crash loop", service(), [*crash, task(1, "ready", 54)], "failed", (0, 2), 'task 1 on m1 exited 1 three times: "task:'),
    ("old crashes", service(), [{**c, "Version": {"Index": 3}} for c in crash], "waiting", (0, 2), ""),
    ("crash without a retry", service(restart=NEVER), crash[:1], "failed", (0, 2), "task 1 on m1 exited 1"),
    ("few attempts", service(restart={"Condition": "on-failure", "MaxAttempts": 1}), crash[:2], "failed", (0, 2), "exited 1 twice"),
    (
        "beyond its memory limit",
        service(restart=NEVER),
        [task(1, "failed", 51, code=137, Spec={"Resources": {"Limits": {"MemoryBytes": 64 << 20}}})],
        "failed",
        (0, 2),
        "task 1 on m1 exited 137 (killed, as happens beyond its memory limit of 64 MiB)",
    ),
    (
        "killed without a limit",
        service(restart=NEVER),
        [task(1, "failed", 51, code=137)],
        "failed",
        (0, 2),
        "exited 137 (killed, as happens beyond the memory of the node)",
    ),
    ("one-shot", service(restart=NEVER), [task(1, "complete"), task(2, "complete")], "converged", (2, 2), ""),
    ("ends with 0 though it should run", service(), [task(1, "complete", i) for i in (51, 52, 53)], "failed", (0, 2), "exited 0"),
    (
        "rejected",
        service(),
        [task(1, "rejected", i, err="No such image: x") for i in (1, 51, 52, 53)],
        "failed",
        (0, 2),
        "was rejected three",
    ),
    (
        "unhealthy",
        service(),
        [task(2, "failed", i, err="unhealthy container", code=137) for i in (51, 52, 53)],
        "failed",
        (0, 2),
        "was unhealthy",
    ),
    (
        "no node",
        service(template={"Placement": {"Constraints": ["node.labels.gpu == true"]}}),
        [task(1, "pending", err="no suitable node (scheduling constraints not satisfied on 2 nodes)")],
        "stuck",
        (0, 2),
        "node.labels.gpu == true",
    ),
    ("global", service(GLOBAL), [task(0, "running"), task(0, "running", node_id="N2")], "converged", (2, 2), ""),
    ("global, one missing", service(GLOBAL), [task(0, "running")], "waiting", (1, 2), ""),
    (
        "global that matches no node",
        service(GLOBAL, template={"Placement": {"Constraints": ["node.labels.gpu == true"]}}),
        [],
        "converged",
        (0, 0),
        "",
    ),
    ("job at work", service(JOB, job=1), [task(1, "complete"), task(2, "running")], "waiting", (1, 2), ""),
    ("job done", service(JOB, job=1), [task(1, "complete"), task(2, "complete")], "converged", (2, 2), ""),
    ("job done on a node that went", service(JOB, job=1), [task(i, "complete", node_id="N3") for i in (1, 2)], "converged", (2, 2), ""),
    (
        "job on a node that went",
        service(JOB, job=1),
        [task(1, "complete"), task(2, "running", node_id="N3")],
        "stuck",
        (1, 2),
        "task 2 ran on w2, which is down, and the engine starts no other in its place",
    ),
    (
        "job of which a part is on a node that went",
        service(JOB, job=1),
        [task(1, "running"), task(2, "running", node_id="N3")],
        "waiting",
        (0, 2),
        "",
    ),
    (
        "job of another time",
        service(JOB, job=2),
        [task(1, "complete", JobIteration={"Index": 1}), task(2, "complete", JobIteration={"Index": 1})],
        "waiting",
        (0, 2),
        "",
    ),
    ("job fails", service(JOB, {"Condition": "on-failure", "MaxAttempts": 2}, job=1), crash, "failed", (0, 2), "exited 1 three times"),
    ("job tries on", service(JOB, {"Condition": "on-failure", "MaxAttempts": 9}, job=1), crash, "waiting", (0, 2), "exited 1"),
]


@pytest.mark.parametrize(("given", "tasks", "state", "counts", "cause"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_tasks_say(given: Json, tasks: list[Json], state: str, counts: tuple[int, int], cause: str) -> None:
    if given.get("JobStatus"):
        index = given["JobStatus"]["JobIteration"]["Index"] if state != "waiting" or "JobIteration" not in tasks[0] else 0
        tasks = [{"JobIteration": {"Index": index}, **task} for task in tasks]
    verdict = judge(given, tasks, NODES, since=10)
    assert (verdict.state, (verdict.running, verdict.desired)) == (state, counts)
    assert cause in verdict.cause


NOW = 1_800_000_000.0


def ago(seconds: float) -> str:
    return datetime.fromtimestamp(NOW - seconds, timezone.utc).isoformat().replace("+00:00", "Z")


def aged(slot: int, state: str, since: float, index: int = 50, life: float = 10.0, **more: t.Any) -> Json:
    """A task that came to its state so many seconds ago, and began ``life`` seconds before that."""
    found = task(slot, state, index, **more)
    return {**found, "CreatedAt": ago(since + life), "Status": {**found["Status"], "Timestamp": ago(since)}}


def loop(slot: int, *ends: float, life: float = 10.0, **more: t.Any) -> list[Json]:
    return [aged(slot, "failed", end, 60 - number, life, code=1, **more) for number, end in enumerate(ends)]


UP = [aged(1, "running", 9000), aged(2, "running", 9000)]
EXITED = "task 1 on m1 exited 1 three times"
# The service, its tasks, the verdict of a single look, that of a run which can wait (at once), and a part of the cause.
UNTOUCHED: list[tuple[str, Json, list[Json], str, str, str]] = [
    ("all run", service(), UP, "running", "running", ""),
    ("all run for a short time", service(), [UP[0], aged(2, "running", 1)], "running", "waiting", ""),
    ("a short time after an update", service(update="completed"), [UP[0], aged(2, "running", 1)], "running", "running", ""),
    ("none wanted", service({"Replicated": {"Replicas": 0}}), [], "running", "running", ""),
    ("rolled back long ago", service(update="rollback_completed"), UP, "running", "running", ""),
    ("an update goes on", service(update="updating"), UP, "waiting", "waiting", "its update goes on"),
    ("an update goes on, one is new", service(update="updating"), [aged(1, "starting", 2)], "waiting", "waiting", "its update goes on"),
    ("it is being rolled back", service(update="rollback_started"), UP, "waiting", "waiting", "rolling its update back"),
    ("paused", service(update="paused"), UP, "failed", "failed", "the engine paused the update"),
    ("the way back is paused", service(update="rollback_paused"), UP, "failed", "failed", "paused the rollback of its update"),
    ("one starts", service(), [UP[0], aged(2, "starting", 2)], "waiting", "waiting", ""),
    ("one failed once", service(), [UP[1], *loop(1, 5), aged(1, "ready", 5, 61)], "waiting", "waiting", "task 1 on m1 exited 1"),
    ("a crash loop", service(), [UP[1], *loop(1, 5, 20, 35), aged(1, "ready", 5, 61)], "failed", "waiting", EXITED),
    ("a crash loop, up now", service(), [UP[1], *loop(1, 9, 20, 35), aged(1, "running", 3, 61)], "waiting", "waiting", "only just come up"),
    ("a slow loop, up now", service(), [UP[1], *loop(1, 30, 90, 150, life=40), aged(1, "running", 29, 61)], "waiting", "waiting", EXITED),
    ("restarted three times, after days", service(), [UP[1], *loop(1, 99, 900, 1800, life=9e5), aged(1, "running", 70, 61)],
     "running", "running", ""),
    ("it outlived its failures", service(), [UP[1], *loop(1, 30, 90, 150), aged(1, "running", 20, 61)], "running", "running", ""),
    ("an update that went on in spite of it", service(update="completed"),
     [UP[1], *loop(1, 9, 20, 35), aged(1, "running", 3, 61)], "waiting", "waiting", EXITED),
    ("failures of long ago, one starts", service(), [UP[1], *loop(1, 9e4, 9e5, 9e6), aged(1, "starting", 2, 61)], "waiting", "waiting", ""),
    ("failed for good, long ago", service(restart=NEVER), [UP[1], *loop(1, 9e4)], "failed", "failed", "task 1 on m1 exited 1"),
    ("the loop of a slot that is gone", service(), [*UP, *loop(7, 5, 20, 35)], "running", "running", ""),
    ("one-shot", service(restart=NEVER), [aged(1, "complete", 9e4), aged(2, "complete", 9e4)], "running", "running", ""),
    ("no node", service(), [UP[0], aged(2, "pending", 90, err="no suitable node (insufficient resources on 2 nodes)")],
     "failed", "waiting", "no node can take task 2"),
    ("global", service(GLOBAL), [aged(0, "running", 9000), aged(0, "running", 9000, node_id="N2")], "running", "running", ""),
    ("global, on a node that counts no more", service(GLOBAL, template={"Placement": {"Constraints": ["node.hostname == m1"]}}),
     [aged(0, "starting", 2), aged(0, "running", 9000, node_id="N2")], "waiting", "waiting", ""),
    ("global, failed where it runs no more", service(GLOBAL),
     [aged(0, "running", 9000), aged(0, "running", 9000, node_id="N2"), *loop(0, 5, 20, 35, node_id="N3")], "running", "running", ""),
    ("job done", service(JOB, job=1), [aged(1, "complete", 9), aged(2, "complete", 9)], "running", "running", ""),
    ("job at work", service(JOB, job=1), [aged(1, "complete", 9), aged(2, "running", 9)], "waiting", "waiting", ""),
    ("job that failed and tries on", service(JOB, job=1), [*loop(1, 5), aged(1, "running", 2, 61)], "waiting", "waiting", "exited 1"),
    ("job that failed", service(JOB, NEVER, job=1), [aged(2, "complete", 9), *loop(1, 9e4)], "failed", "failed", "exited 1"),
    ("job that a new node does not run", service({"GlobalJob": {}}, job=1), [aged(0, "complete", 9)], "running", "running", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "tasks", "glance", "run", "cause"), [case[1:] for case in UNTOUCHED], ids=[case[0] for case in UNTOUCHED]
)
def test_what_a_service_is_that_was_not_changed(given: Json, tasks: list[Json], glance: str, run: str, cause: str) -> None:
    if given.get("JobStatus"):
        tasks = [{"JobIteration": {"Index": 1}, **task} for task in tasks]
    verdict = judge(given, tasks, NODES, now=NOW)
    assert (settle_at_once(verdict).state, settle(verdict, {}, NOW).state) == (glance, run)
    assert cause in verdict.cause


def test_a_crash_loop_is_one_when_it_goes_on_while_we_look() -> None:
    memory: dict[str, float] = {}
    before = [UP[1], *loop(1, 5, 20, 35), aged(1, "ready", 5, 61)]
    assert settle(judge(service(), before, NODES, now=NOW), memory, 0.0).state == "waiting"
    up = [UP[1], *loop(1, 8, 23, 38), aged(1, "running", 2, 61)]
    assert settle(judge(service(), up, NODES, now=NOW), memory, 1.0).state == "waiting"
    again = [UP[1], *loop(1, 5, 20, 35), aged(1, "failed", 0, 70, code=1), aged(1, "ready", 0, 71)]
    assert settle(judge(service(), again, NODES, now=NOW), memory, 2.0).state == "failed"


def test_a_crash_between_two_looks_begins_the_time_anew() -> None:
    memory: dict[str, float] = {}
    tasks = [task(1, "running"), task(2, "running")]
    assert settle(judge(service(), tasks, NODES, 1), memory, 0.0).state == "waiting"
    crashed = [*tasks[:1], task(2, "failed", 51, code=1), task(2, "running", 52)]
    states = [settle(judge(service(), crashed, NODES, 1), memory, now).state for now in (5.0, 9.9, 10.0)]
    assert states == ["waiting", "waiting", "running"]


def test_the_time_to_prove_itself_passes_whatever_the_clocks_say() -> None:
    memory: dict[str, float] = {}
    tomorrow = [UP[0], aged(2, "running", -86400)]
    assert [settle(judge(service(), tomorrow, NODES, now=NOW), memory, now).state for now in (0.0, 5.0)] == ["waiting", "running"]


def test_the_culprit_of_a_pause_is_described() -> None:
    culprit = {**aged(1, "failed", 5, code=1, err="task: non-zero exit (1)"), "ID": "T9"}
    cause = judge(service(update="paused"), [culprit], NODES, now=NOW).cause
    assert cause == 'the engine paused the update: task 1 on m1 exited 1: "task: non-zero exit (1)"'


def test_a_paused_update_whose_culprit_is_forgotten_blames_the_last_failure() -> None:
    lately = [task(1, "failed", 40, code=3), task(1, "starting")]
    verdict = judge(service(update="paused"), lately, NODES, now=NOW)
    assert verdict.state == "failed" and verdict.task == lately[0]["ID"]
    assert verdict.cause.startswith("the engine paused the update: task 1 on m1 exited 3")


def test_the_culprit_of_a_rollback_is_named() -> None:
    assert judge(service(update="rollback_completed"), [], NODES, since=1).task == "T9"


def test_running_means_for_the_monitor_time() -> None:
    given = service(UpdateConfig={"Monitor": 20 * SECOND})
    up, memory = judge(given, [task(1, "running"), task(2, "running")], NODES, 1), t.cast("dict[str, float]", {})
    assert [settle(up, memory, now).state for now in (100.0, 119.9, 120.0)] == ["waiting", "waiting", "running"]
    down = judge(given, [task(1, "running")], NODES, 1)
    settle(down, memory, 121.0)
    assert settle(up, memory, 122.0).state == "waiting", "the time begins anew"


def test_no_node_is_a_failure_only_when_it_stays_so() -> None:
    given, memory = service(), t.cast("dict[str, float]", {})
    stuck = judge(given, [task(1, "pending", err="no suitable node (insufficient resources on 2 nodes)")], NODES, 1)
    assert [settle(stuck, memory, now).state for now in (0.0, 14.0, 15.0)] == ["waiting", "waiting", "failed"]


@pytest.mark.parametrize(
    ("reservations", "reason", "words"),
    [
        (
            {"GenericResources": [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": 1}}]},
            "insufficient resources on 2 nodes",
            ", no free gpu:",
        ),
        (
            {"GenericResources": [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": 1}}], "MemoryBytes": 1},
            "insufficient resources on 2 nodes",
            ", no free gpu or memory:",
        ),
        ({"GenericResources": [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": 1}}]}, "scheduling constraints not satisfied", " 1:"),
        ({"NanoCPUs": 1}, "insufficient resources on 2 nodes", " 1:"),
    ],
)
def test_what_no_node_has_free_is_named(reservations: Json, reason: str, words: str) -> None:
    given = service(template={"Resources": {"Reservations": reservations}})
    verdict = judge(given, [task(1, "pending", err=f"no suitable node ({reason})")], NODES, 1)
    assert f"no node can take task 1{words.removeprefix(' 1')}" in verdict.cause


def test_a_task_that_no_node_takes_is_seen_behind_one_that_failed_and_came_up() -> None:
    given, memory = service(), t.cast("dict[str, float]", {})
    rejected = task(1, "rejected", 51, err="assigned node no longer meets constraints")
    waiting = task(2, "pending", 52, err="no suitable node (insufficient resources on 2 nodes)")
    stuck = judge(given, [rejected, task(1, "running", 53), waiting], NODES, 1)
    assert [settle(stuck, memory, now).state for now in (0.0, 15.0)] == ["waiting", "failed"]
    assert "no node can take task 2" in stuck.cause


def test_a_global_service_is_not_stuck_for_a_node_of_another_platform() -> None:
    nodes = Nodes([node("a1", node_id="N1"), node("r1", node_id="N2", arch="aarch64")])
    template = {"Placement": {"Platforms": [{"Architecture": "amd64", "OS": "linux"}]}}
    err = "no suitable node (unsupported platform on 1 node)"
    waits = task(0, "pending", node_id="N2", err=err)
    assert judge(service(GLOBAL, template=template), [task(0, "preparing"), waits], nodes, 40).state == "waiting"
    found = judge(service(GLOBAL, template=template), [task(0, "running"), waits], nodes, 40)
    assert (found.state, found.running, found.desired) == ("converged", 1, 1)
    full = task(0, "pending", err="no suitable node (insufficient resources on 1 node)")
    assert judge(service(GLOBAL, template=template), [full, waits], nodes, 40).state == "stuck"
