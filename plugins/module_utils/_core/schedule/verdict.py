# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the tasks of a service to what to think of it. Pure: what needs the time gets it as an argument."""

from __future__ import annotations

import math
import re
import typing as t
from collections import Counter
from dataclasses import dataclass, replace

from ..service.fields import MONITOR_NS
from ..service.spec import Raw, Service, ServiceSpec
from ..timestamps import SECOND_NS, read_time
from .placement import Nodes
from .task_states import CRASHES, FAILED_STATES, WITHIN_SECONDS, age_of, error_of, is_running

GRACE_SECONDS = 15.0
"""So long a task may find no node: an old task may have to leave first."""

PROOF_SECONDS = 60.0
"""So long at most a task has to outlive those that failed before it."""

RUNNING, WAITING, FAILED = "running", "waiting", "failed"
_CONVERGED, _STUCK, _LOOPING = "converged", "stuck", "looping"
_NEWEST = "newest"

_KILLED = 137  # 128 and the number of the signal that nothing can handle
_ROLLBACKS = ("rollback_started", "rollback_paused", "rollback_completed")
_GOES_ON = {"updating": "its update goes on", "rollback_started": "the engine is rolling its update back"}
_LETS_END = "update_config.failure_action: continue lets the update go on"
_CULPRIT = re.compile(r"termination of task (\w+)")
_NOT_YET = ("new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting")
_TIMES = {1: "", 2: " twice", 3: " three times"}

Task = t.Mapping[str, t.Any]
Memory = dict[str, float]


@dataclass(frozen=True)
class Verdict:
    """``state`` is running, waiting or failed; ``cause`` says why; ``task`` is the ID of the task whose logs tell more."""

    name: str
    state: str
    running: int
    desired: int
    text: str
    cause: str = ""
    task: str = ""
    converged: bool = False
    """Everything is up, if perhaps not for long."""
    finished: int = 0
    """Of those that count as running, the tasks that ended well and are not started again."""
    needs: float = 0.0
    """So many seconds all have to be up."""
    up_for: float = 0.0
    """So many seconds all have been up, by the times of the tasks, of a service that this run did not change."""
    newest: int = 0
    """The version index of the last failure."""


def judge(service: Raw, tasks: t.Iterable[Task], nodes: Nodes, since: int | None = None, now: float = 0.0) -> Verdict:
    """What the tasks of a service that run its present spec say at one moment.

    ``since`` is the version index of the service before this run changed it: failures after that count. Of a service that this run did
    not change (None), those of the last hour before ``now`` (seconds since 1970, by the swarm's clock) count, and only as far as they
    say why a task is not up, or not for long. The state may be ``converged``, ``stuck`` or ``looping``, of which ``settle`` or
    ``settle_at_once`` makes a verdict.
    """
    view = Service(service)
    spec, mode = view.spec, view.spec.mode
    if mode.endswith("-job"):
        return _judge_job(view, tasks, nodes, since)
    mine = _that_remain(tasks, nodes)
    if mode == "global":
        mine = _of_eligible(spec, mine, nodes)
    desired = spec.desired if mode == "replicated" else len(nodes.eligible(spec.raw))
    active = [task for task in mine if task["DesiredState"] in ("running", "ready")]
    running = [task for task in active if task["Status"]["State"] == "running"]
    up = {_slot(task) for task in running}
    finished = _finished(spec, mine) - up
    crashed = [task for task in mine if _is_crash(spec, task)]
    lately = [task for task in crashed if (age_of(task, now) <= WITHIN_SECONDS if since is None else _index(task) > since)]
    newest = max(map(_index, lately), default=0)
    counts = _counts(active, len(up | finished), desired)
    verdict = Verdict(spec.name, WAITING, len(up) + len(finished), desired, counts, finished=len(finished), newest=newest)
    failed = _judge_update(view, verdict, mine, crashed, nodes, since)
    if failed:
        return failed
    goes_on = _GOES_ON.get(view.update_state, "")
    if len(up | finished) >= desired and not goes_on:
        up_for = 0.0 if since is not None else min((age_of(task, now) for task in running), default=math.inf)
        return _judge_proof(view, replace(verdict, up_for=up_for), [task for task in lately if _slot(task) in up], nodes)
    if since is None:
        verdict = replace(verdict, cause=goes_on)
        lately = [task for task in lately if _slot(task) not in up]
        busy = {_slot(task) for task in active} | finished
        lost = [task for task in crashed if _slot(task) not in busy] if len(busy) < desired else []
        if lost:  # not started again
            return replace(_blame(verdict, lost, nodes), state=FAILED)
    return _judge_failures(spec, verdict, lately, active, nodes, FAILED if since is not None else _LOOPING)


def settle(verdict: Verdict, memory: Memory, now: float) -> Verdict:
    """Whether a moment's state lasted: converged for as long as it needs is running, stuck beyond the grace is failed, and looping is
    once a task has failed again.

    ``memory`` keeps what this run has seen of the service, and is changed here. ``now`` is in seconds, by any clock.
    """
    if verdict.newest > memory.get(_NEWEST, verdict.newest):
        memory.pop(_CONVERGED, None)
    memory[_NEWEST] = verdict.newest
    for state in (_CONVERGED, _STUCK):
        if verdict.state != state:
            memory.pop(state, None)
    if verdict.state == _CONVERGED:
        seconds = max(now - memory.setdefault(_CONVERGED, now), verdict.up_for)
        return replace(verdict, state=RUNNING if seconds >= verdict.needs else WAITING, converged=True)
    if verdict.state == _STUCK:
        since = memory.setdefault(_STUCK, now)
        return replace(verdict, state=FAILED if now - since >= GRACE_SECONDS else WAITING)
    if verdict.state == _LOOPING:
        # What made it fail may have been mended a moment ago: the next attempt shows that.
        seen = memory.setdefault(_LOOPING, verdict.newest)
        return replace(verdict, state=FAILED if verdict.newest > seen else WAITING)
    return verdict


def settle_at_once(verdict: Verdict) -> Verdict:
    """The verdict of a single look. What came up again a moment ago, after it failed, has yet to prove itself."""
    if verdict.state == _CONVERGED:
        return replace(verdict, state=WAITING if verdict.cause and verdict.up_for < verdict.needs else RUNNING)
    return replace(verdict, state={_STUCK: FAILED, _LOOPING: FAILED}.get(verdict.state, verdict.state))


def progress(verdict: Verdict) -> str:
    return f"{verdict.text}, stable" if verdict.state == RUNNING and "running" in verdict.text else verdict.text


def _judge_proof(service: Service, verdict: Verdict, failures: t.Sequence[Task], nodes: Nodes) -> Verdict:
    """For how long everything has to be up: for the monitor time, and after a crash loop for as long as a task lived in it.

    The engine itself has watched for so long before it calls an update completed; with ``failure_action: continue`` it does so as well
    when tasks failed.
    """
    spec, verdict = service.spec, replace(verdict, state=_CONVERGED)
    monitor = float(spec.update_config.get("Monitor") or MONITOR_NS) / SECOND_NS
    if failures:
        worst = [mine for mine in _by_slot(failures).values() if len(mine) >= _crashes_allowed(spec)]
        lives = [min(_life(task), PROOF_SECONDS) for mine in worst for task in mine]
        blamed = _blame(verdict, failures, nodes)
        return replace(blamed, needs=max([monitor, *lives]), cause=f"{blamed.cause}, and has only just come up again")
    completed = service.update_state == "completed"
    return replace(verdict, needs=0.0 if completed or not verdict.desired else monitor)


def _judge_update(
    service: Service, verdict: Verdict, tasks: t.Iterable[Task], crashed: t.Sequence[Task], nodes: Nodes, since: int | None
) -> Verdict | None:
    """The culprit is a task of the former spec once that is rolled back, so that it may be known by its ID alone.

    Of a paused update it has the present spec, but the engine forgets all but the last tasks of one that is started again and again.
    """
    state, message = service.update_state, service.update_message
    stopped = service.is_paused if since is None else state in ("paused", *_ROLLBACKS)
    if not stopped:
        return None
    words = "rolled the update back"
    if state == "paused":
        words = "paused the update"
    elif since is None:
        words = "paused the rollback of its update"
    culprit = _CULPRIT.search(message)
    found = next((task for task in tasks if culprit and task["ID"] == culprit[1]), None)
    ended_well = bool(found and found["Status"]["State"] == "complete" and service.spec.restart_condition != "any")
    if ended_well and state == "paused" and verdict.running >= verdict.desired:
        return None  # the engine paused it although nothing failed
    if state == "paused" and not found and crashed:
        blamed = _blame(verdict, crashed, nodes)
        return replace(blamed, state=FAILED, cause=f"the engine {words}: {blamed.cause}")
    more = f": {describe_end(found, nodes)}" if found else "" if culprit else f" ({message})"
    if ended_well:
        more += f"; to the engine a task that ends within monitor has failed, however it ends: {_LETS_END}"
    return replace(verdict, state=FAILED, cause=f"the engine {words}{more}", task=culprit[1] if culprit else "")


def _judge_failures(
    spec: ServiceSpec, verdict: Verdict, crashed: t.Sequence[Task], active: t.Sequence[Task], nodes: Nodes, many: str
) -> Verdict:
    """Why not everything is up. ``many`` is the state for as many failures of one task as mean that it won't come up any more."""
    if crashed:
        verdict = _blame(verdict, crashed, nodes)
        if max(map(len, _by_slot(crashed).values())) >= _crashes_allowed(spec):
            return replace(verdict, state=many)
    for task in active:
        status = task["Status"]
        if status["State"] == "pending" and "no suitable node" in (status.get("Err") or status.get("Message") or ""):
            return replace(verdict, state=_STUCK, cause=_pending_cause(spec, task), task="")
    return verdict


def _blame(verdict: Verdict, crashed: t.Sequence[Task], nodes: Nodes) -> Verdict:
    """The verdict, with the last failure of the task that failed most often as its cause."""
    mine = max(_by_slot(crashed).values(), key=len)
    last = max(mine, key=lambda task: (_index(task), str(task.get("CreatedAt", ""))))
    cause = f"{_describe(last, nodes.names)}{_TIMES.get(len(mine), f' {len(mine)} times')}{_error_text(last)}"
    return replace(verdict, cause=cause, task=last["ID"])


def _by_slot(tasks: t.Iterable[Task]) -> dict[str, list[Task]]:
    slots: dict[str, list[Task]] = {}
    for task in tasks:
        slots.setdefault(_slot(task), []).append(task)
    return slots


def _of_eligible(spec: ServiceSpec, tasks: t.Iterable[Task], nodes: Nodes) -> list[Task]:
    """The engine makes a task of a global service for a node of another platform, too, which then waits for ever."""
    eligible = nodes.eligible_ids(spec.raw) | {""}
    return [task for task in tasks if task.get("NodeID", "") in eligible]


def _judge_job(service: Service, tasks: t.Iterable[Task], nodes: Nodes, since: int | None) -> Verdict:
    spec, mode = service.spec, service.spec.mode
    now = [task for task in tasks if (task.get("JobIteration") or {}).get("Index", 0) == service.job_iteration]
    mine = _that_remain(now, nodes)
    lost = [task for task in now if task.get("NodeID") in nodes.down and _is_at_work(task)]
    desired = spec.desired if mode == "replicated-job" else len(nodes.eligible(spec.raw))
    done = {_slot(task) for task in mine if task["Status"]["State"] == "complete"}
    active = [task for task in mine if _is_at_work(task)]
    text = f"{len(done)}/{desired} completed{_states(active)}"
    verdict = Verdict(spec.name, WAITING, len(done), desired, text, finished=len(done))
    if len(done) >= desired:
        return replace(verdict, state=_CONVERGED)
    if mode == "global-job":
        active = _of_eligible(spec, active, nodes)
    crashed = [task for task in mine if _is_crash(spec, task) and (since is None or _index(task) > since)]
    if lost and not active and mode == "replicated-job":
        node = nodes.names[lost[0]["NodeID"]]
        cause = f"task {lost[0]['Slot']} ran on {node}, which is down, and the engine starts no other in its place"
        return replace(verdict, state=_STUCK, cause=cause, task=lost[0]["ID"])
    if since is None and not active:
        if crashed:
            return replace(_blame(verdict, crashed, nodes), state=FAILED)
        # A node that joined later does not run it.
        return replace(verdict, state=_CONVERGED, desired=len(done)) if done and mode == "global-job" else verdict
    # One that was not changed may still be at work; it is failed only when nothing works on it any more.
    return _judge_failures(spec, verdict, crashed, active, nodes, FAILED if since is not None else WAITING)


def _that_remain(tasks: t.Iterable[Task], nodes: Nodes) -> list[Task]:
    """Without those of nodes that are down. What has completed stays so when its node goes."""
    return [task for task in tasks if task.get("NodeID") not in nodes.down or task["Status"]["State"] == "complete"]


def _is_at_work(task: Task) -> bool:
    return task["Status"]["State"] in (*_NOT_YET, "running")


def count_up(tasks: t.Iterable[Task], nodes: Nodes) -> int:
    """How many tasks of a service run that is no job, be it by its present spec or a former one."""
    return len({_slot(task) for task in tasks if is_running(task) and task.get("NodeID") not in nodes.down})


def describe_end(task: Task, nodes: Nodes) -> str:
    """Such as ``task 2 on gpu01 exited 1: "task: non-zero exit (1)"``."""
    return f"{_describe(task, nodes.names)}{_error_text(task)}"


def _describe(task: Task, hosts: t.Mapping[str, str]) -> str:
    node = hosts.get(task.get("NodeID", ""), "")
    name = f"task {task['Slot']}" if task.get("Slot") else "task"
    return f"{name}{f' on {node}' if node else ''} {_act(task)}"


def _act(task: Task) -> str:
    status = task["Status"]
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    if status["State"] == "rejected":
        return "was rejected"
    if "unhealthy" in (status.get("Err") or ""):
        return "was unhealthy"
    if code == _KILLED:
        return f"exited {code} (killed, as happens beyond {_memory_text(task)})"
    if code or status["State"] == "complete":
        return f"exited {code or 0}"
    return str(status["State"])


def _memory_text(task: Task) -> str:
    """The engine tells the swarm nothing of memory: a process beyond its limit ends like any other that is killed."""
    limit = ((task.get("Spec") or {}).get("Resources") or {}).get("Limits") or {}
    size = limit.get("MemoryBytes")
    return f"its memory limit of {size / 2**20:.4g} MiB" if size else "the memory of the node"


def _error_text(task: Task) -> str:
    text = error_of(task).strip()
    return f': "{text}"' if text else ""


def _pending_cause(spec: ServiceSpec, task: Task) -> str:
    wanted = f"; constraints: {', '.join(spec.constraints)}" if spec.constraints else ""
    return f"no node can take task {task.get('Slot') or ''}".rstrip() + f"{_lacking(spec, task)}{_error_text(task)}{wanted}"


def _lacking(spec: ServiceSpec, task: Task) -> str:
    """Such as ``, no free gpu``. The engine says that resources are insufficient, and not which."""
    reserved = spec.reservations
    units = [item.get("DiscreteResourceSpec") or item.get("NamedResourceSpec") or {} for item in reserved.get("GenericResources") or []]
    kinds = [unit["Kind"] for unit in units if unit.get("Kind")]
    if not kinds or "insufficient resources" not in (task["Status"].get("Err") or ""):
        return ""
    others = [word for key, word in (("NanoCPUs", "CPU"), ("MemoryBytes", "memory")) if reserved.get(key)]
    return f", no free {' or '.join([*kinds, *others])}"


def _is_crash(spec: ServiceSpec, task: Task) -> bool:
    """Ended though it should run. An exit with 0 is a crash only of a service that is to run for ever."""
    state, runs_for_ever = task["Status"]["State"], not spec.is_job and spec.restart_condition == "any"
    return state in FAILED_STATES or (state == "complete" and runs_for_ever)


def _finished(spec: ServiceSpec, tasks: t.Iterable[Task]) -> set[str]:
    """Slots of one-shots: ended well, not to be started again."""
    if spec.restart_condition == "any":
        return set()
    return {_slot(task) for task in tasks if task["Status"]["State"] == "complete"}


def _crashes_allowed(spec: ServiceSpec) -> int:
    """How many failures of one task mean that it won't come up any more."""
    if spec.restart_condition == "none":
        return 1
    attempts = spec.restart_attempts
    if spec.is_job and attempts:
        return attempts + 1
    return min(CRASHES, attempts + 1) if attempts else CRASHES


def _counts(active: t.Sequence[Task], up: int, desired: int) -> str:
    return f"{up}/{desired} running{_states(task for task in active if task['Status']['State'] != 'running')}"


def _states(tasks: t.Iterable[Task]) -> str:
    counts = Counter(task["Status"]["State"] for task in tasks)
    return "".join(f", {count} {state}" for state, count in sorted(counts.items()))


def _slot(task: Task) -> str:
    return str(task.get("Slot") or task.get("NodeID") or task["ID"])


def _index(task: Task) -> int:
    return int((task.get("Version") or {}).get("Index", 0))


def _life(task: Task) -> float:
    """Seconds from the beginning of a task to its end."""
    return _time(task["Status"].get("Timestamp"), 0.0) - _time(task.get("CreatedAt"), math.inf)


def _time(text: t.Any, unknown: float) -> float:
    try:
        return read_time(text or "")
    except ValueError:
        return unknown


def account(service: Raw, verdict: Verdict) -> dict[str, t.Any]:
    """How a service fares at the end of a run."""
    spec = Service(service).spec
    return {
        "name": spec.name,
        "mode": spec.mode,
        "running": verdict.running,
        "desired": verdict.desired,
        "image": spec.image,
        "state": verdict.state,
        "cause": shown_cause(verdict),
    }


def shown_cause(verdict: Verdict) -> str:
    return "" if verdict.state == RUNNING else verdict.cause or verdict.text
