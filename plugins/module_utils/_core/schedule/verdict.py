# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the tasks of a service to what to think of it. Pure: what needs the time gets it as an argument."""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from dataclasses import dataclass, replace

from ..service.canonical import MONITOR_NS, SECOND_NS, desired_count, service_mode
from .placement import Nodes
from .task_states import FAILED_STATES, error_of

CRASHES = 3
"""So many failures of one task in a row are a crash loop; one or two may be a dependency that is still starting."""
GRACE_SECONDS = 15.0
"""So long a task may find no node: an old task may have to leave first."""

RUNNING, WAITING, FAILED = "running", "waiting", "failed"
_CONVERGED, _STUCK = "converged", "stuck"

_KILLED = 137  # 128 and the number of the signal that nothing can handle
_ROLLBACKS = ("rollback_started", "rollback_paused", "rollback_completed")
_CULPRIT = re.compile(r"termination of task (\w+)")
_NOT_YET = ("new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting")
_TIMES = {1: "", 2: " twice", 3: " three times"}

Service = t.Mapping[str, t.Any]
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


def judge(service: Service, tasks: t.Iterable[Task], nodes: Nodes, since: int | None = None) -> Verdict:
    """What the tasks of a service that run its present spec say at one moment.

    ``since`` is the version index of the service before this run changed it, so that older failures don't count; None for a
    service that was not changed, which is then never failed for its history. The state may be ``converged`` or ``stuck``,
    which ``settle`` turns into a verdict.
    """
    spec, mode = service["Spec"], service_mode(service["Spec"])
    hosts = nodes.names
    # What has completed stays so when its node goes.
    mine = [task for task in tasks if task.get("NodeID") not in nodes.down or task["Status"]["State"] == "complete"]
    if mode.endswith("-job"):
        return _judge_job(service, mine, nodes, hosts, since)
    desired = desired_count(spec) if mode == "replicated" else len(nodes.eligible(spec))
    active = [task for task in mine if task["DesiredState"] in ("running", "ready")]
    up = {_slot(task) for task in active if task["Status"]["State"] == "running"}
    finished = _finished(spec, mine) - up
    counts = _counts(active, len(up | finished), desired)
    verdict = Verdict(spec["Name"], WAITING, len(up) + len(finished), desired, counts, finished=len(finished))
    failed = _judge_update(service, verdict, since)
    if failed:
        return failed
    if len(up | finished) >= desired and (service.get("UpdateStatus") or {}).get("State", "") != "updating":
        return replace(verdict, state=_CONVERGED)
    if mode == "global":
        active = _of_eligible(spec, active, nodes)
    return _judge_failures(spec, verdict, mine, active, hosts, since)


def settle(verdict: Verdict, service: Service, memory: Memory, now: float) -> Verdict:
    """Whether a moment's state lasted: converged for the monitor time is running, stuck beyond the grace is failed.

    ``memory`` keeps when this service was first seen converged or stuck, and is changed here. ``now`` is in seconds.
    """
    for state in (_CONVERGED, _STUCK):
        if verdict.state != state:
            memory.pop(state, None)
    if verdict.state == _CONVERGED:
        since = memory.setdefault(_CONVERGED, now)
        state = RUNNING if now - since >= _monitor_seconds(service, verdict) else WAITING
        return replace(verdict, state=state, converged=True)
    if verdict.state == _STUCK:
        since = memory.setdefault(_STUCK, now)
        return replace(verdict, state=FAILED if now - since >= GRACE_SECONDS else WAITING)
    return verdict


def settle_at_once(verdict: Verdict) -> Verdict:
    """The verdict on a service that was not changed: as it is now."""
    states = {_CONVERGED: RUNNING, _STUCK: FAILED}
    return replace(verdict, state=states.get(verdict.state, verdict.state))


def progress(verdict: Verdict) -> str:
    return f"{verdict.text}, stable" if verdict.state == RUNNING and "running" in verdict.text else verdict.text


def _monitor_seconds(service: Service, verdict: Verdict) -> float:
    """How long to stay converged. The engine itself has watched for so long before it calls an update completed."""
    state = (service.get("UpdateStatus") or {}).get("State")
    if state == "completed" or not verdict.desired or service_mode(service["Spec"]).endswith("-job"):
        return 0.0
    monitor = (service["Spec"].get("UpdateConfig") or {}).get("Monitor") or MONITOR_NS
    return float(monitor) / SECOND_NS


def _judge_update(service: Service, verdict: Verdict, since: int | None) -> Verdict | None:
    """The culprit is a task of the former spec once that is rolled back, so that it is known by its ID alone."""
    update = service.get("UpdateStatus") or {}
    state, message = update.get("State", ""), update.get("Message", "")
    if since is None and state != "paused":
        return None
    if state == "paused" or state in _ROLLBACKS:
        words = "paused the update" if state == "paused" else "rolled the update back"
        culprit = _CULPRIT.search(message)
        cause = f"the engine {words}" if culprit else f"the engine {words} ({message})"
        return replace(verdict, state=FAILED, cause=cause, task=culprit[1] if culprit else "")
    return None


def _judge_failures(
    spec: t.Mapping[str, t.Any],
    verdict: Verdict,
    tasks: t.Sequence[Task],
    active: t.Sequence[Task],
    hosts: t.Mapping[str, str],
    since: int | None,
) -> Verdict:
    crashed = [task for task in tasks if _is_crash(spec, task) and (since is None or _index(task) > since)]
    counts = Counter(_slot(task) for task in crashed)
    if counts:
        slot, count = counts.most_common(1)[0]
        last = t.cast(Task, _last(task for task in crashed if _slot(task) == slot))
        cause = f"{_describe(last, hosts)}{_TIMES.get(count, f' {count} times')}{_error_text(last)}"
        verdict = replace(verdict, state=WAITING, cause=cause, task=last["ID"])
        if since is None or count >= _crashes_allowed(spec):
            return replace(verdict, state=FAILED)
    for task in active:
        status = task["Status"]
        if status["State"] == "pending" and "no suitable node" in (status.get("Err") or status.get("Message") or ""):
            return replace(verdict, state=_STUCK, cause=_pending_cause(spec, task), task="")
    return verdict


def _of_eligible(spec: t.Mapping[str, t.Any], tasks: t.Iterable[Task], nodes: Nodes) -> list[Task]:
    """The engine makes a task of a global service for a node of another platform, too, which then waits for ever."""
    eligible = {node["ID"] for node in nodes.eligible(spec)}
    return [task for task in tasks if task.get("NodeID", "") in {"", *eligible}]


def _judge_job(service: Service, tasks: t.Sequence[Task], nodes: Nodes, hosts: t.Mapping[str, str], since: int | None) -> Verdict:
    spec = service["Spec"]
    iteration = ((service.get("JobStatus") or {}).get("JobIteration") or {}).get("Index", 0)
    mine = [task for task in tasks if (task.get("JobIteration") or {}).get("Index", 0) == iteration]
    desired = desired_count(spec) if service_mode(spec) == "replicated-job" else len(nodes.eligible(spec))
    done = {_slot(task) for task in mine if task["Status"]["State"] == "complete"}
    active = [task for task in mine if task["Status"]["State"] in (*_NOT_YET, "running")]
    text = f"{len(done)}/{desired} completed{_states(active)}"
    verdict = Verdict(spec["Name"], WAITING, len(done), desired, text, finished=len(done))
    if len(done) >= desired:
        return replace(verdict, state=_CONVERGED)
    if service_mode(spec) == "global-job":
        active = _of_eligible(spec, active, nodes)
    # A job that was not changed may still be at work; it is failed only when nothing works on it any more.
    if since is None and active:
        return verdict
    return _judge_failures(spec, verdict, mine, active, hosts, since)


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


def _pending_cause(spec: t.Mapping[str, t.Any], task: Task) -> str:
    constraints = ((spec.get("TaskTemplate") or {}).get("Placement") or {}).get("Constraints") or []
    wanted = f"; constraints: {', '.join(constraints)}" if constraints else ""
    return f"no node can take task {task.get('Slot') or ''}".rstrip() + f"{_lacking(spec, task)}{_error_text(task)}{wanted}"


def _lacking(spec: t.Mapping[str, t.Any], task: Task) -> str:
    """Such as ``, no free gpu``. The engine says that resources are insufficient, and not which."""
    reserved = ((spec.get("TaskTemplate") or {}).get("Resources") or {}).get("Reservations") or {}
    units = [item.get("DiscreteResourceSpec") or item.get("NamedResourceSpec") or {} for item in reserved.get("GenericResources") or []]
    kinds = [unit["Kind"] for unit in units if unit.get("Kind")]
    if not kinds or "insufficient resources" not in (task["Status"].get("Err") or ""):
        return ""
    others = [word for key, word in (("NanoCPUs", "CPU"), ("MemoryBytes", "memory")) if reserved.get(key)]
    return f", no free {' or '.join([*kinds, *others])}"


def _is_crash(spec: t.Mapping[str, t.Any], task: Task) -> bool:
    """Ended though it should run. An exit with 0 is a crash only of a service that is to run for ever."""
    state, runs_for_ever = task["Status"]["State"], not service_mode(spec).endswith("-job") and _condition(spec) == "any"
    return state in FAILED_STATES or (state == "complete" and runs_for_ever)


def _finished(spec: t.Mapping[str, t.Any], tasks: t.Iterable[Task]) -> set[str]:
    """Slots of one-shots: ended well, not to be started again."""
    if _condition(spec) == "any":
        return set()
    return {_slot(task) for task in tasks if task["Status"]["State"] == "complete"}


def _condition(spec: t.Mapping[str, t.Any]) -> str:
    return str(((spec.get("TaskTemplate") or {}).get("RestartPolicy") or {}).get("Condition") or "any")


def _crashes_allowed(spec: t.Mapping[str, t.Any]) -> int:
    """How many failures of one task mean that it won't come up any more."""
    if _condition(spec) == "none":
        return 1
    attempts = ((spec.get("TaskTemplate") or {}).get("RestartPolicy") or {}).get("MaxAttempts") or 0
    if service_mode(spec).endswith("-job") and attempts:
        return int(attempts) + 1
    return min(CRASHES, int(attempts) + 1) if attempts else CRASHES


def _counts(active: t.Sequence[Task], up: int, desired: int) -> str:
    return f"{up}/{desired} running{_states(task for task in active if task['Status']['State'] != 'running')}"


def _states(tasks: t.Iterable[Task]) -> str:
    counts = Counter(task["Status"]["State"] for task in tasks)
    return "".join(f", {count} {state}" for state, count in sorted(counts.items()))


def _slot(task: Task) -> str:
    return str(task.get("Slot") or task.get("NodeID") or task["ID"])


def _index(task: Task) -> int:
    return int((task.get("Version") or {}).get("Index", 0))


def _last(tasks: t.Iterable[Task]) -> Task | None:
    return max(tasks, key=lambda task: (_index(task), str(task.get("CreatedAt", ""))), default=None)
