# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tick of the swarm: tasks move on, services get and lose tasks, updates advance."""

from __future__ import annotations

import collections.abc
import typing

from .behaviour import choose
from .errors import Json
from .placement import Placement, is_alive, matches
from .rollout import advance_update, is_dirty
from .state import Cluster, make_id

Slot = typing.Union[int, str]


def tick(cluster: Cluster) -> bool:
    """Let one second pass; whether anything moved, or is still about to."""
    step = Tick(cluster)
    step.run()
    return step.changed


class Tick:
    """One step of time over a whole swarm."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.changed = cluster, False
        self.placement = Placement(cluster.nodes, cluster.tasks.values())
        self.by_service: dict[str, list[Json]] = {key: [] for key in cluster.services}
        for task in list(cluster.tasks.values()):
            self.by_service.setdefault(task["ServiceID"], []).append(task)

    def run(self) -> None:
        self.cluster.now += 1
        for service_id, tasks in self.by_service.items():
            for task in list(tasks):
                self._advance(task, self.cluster.services.get(service_id))
        self.placement = Placement(self.cluster.nodes, self.cluster.tasks.values())
        for service in list(self.cluster.services.values()):
            self._reconcile(service)

    def set_state(self, task: Json, state: str, message: str, err: str = "", exit_code: int | None = None) -> None:
        """Move a task to another state; the same state with the same error is no change."""
        status: Json = {"Timestamp": self.cluster.stamp(), "State": state, "Message": message}
        if err:
            status["Err"] = err
        if state in ("running", "failed", "complete") or (state == "shutdown" and "ContainerStatus" in task["Status"]):
            container = {"ContainerID": make_id("container", task["ID"]), "PID": 4000 + task["Version"]["Index"]}
            status["ContainerStatus"] = {**container, "ExitCode": exit_code or 0}
        status["PortStatus"] = {}
        if (task["Status"].get("State"), task["Status"].get("Err", "")) != (state, err):
            task["Status"], task["_age"] = status, 0
            self.cluster.touch(task)
            self.changed = True

    def stop(self, task: Json, desired: str = "shutdown") -> None:
        if task["DesiredState"] != desired:
            if task["DesiredState"] in ("running", "complete"):
                self.placement.leave(task)
            task["DesiredState"] = desired
            self.cluster.touch(task)
            self.changed = True

    def live(self, service: Json) -> list[Json]:
        """Tasks that the service still wants and that have not ended."""
        wanted = ("running", "complete")
        return [task for task in self.by_service[service["ID"]] if task["DesiredState"] in wanted and is_alive(task)]

    def start(self, service: Json, slot: Slot) -> Json:
        """A new task in a slot: the number of a replica, or the ID of a node."""
        template = service["Spec"]["TaskTemplate"]
        count = self.cluster.index
        task: Json = {
            "ID": make_id("task", service["ID"], slot, count),
            "Labels": {},
            "Spec": template,
            "ServiceID": service["ID"],
            "Status": {"Timestamp": self.cluster.stamp(), "State": "pending", "Message": "pending task scheduling"},
            "DesiredState": "complete" if "JobStatus" in service else "running",
            "_slot": slot,
            "_age": 0,
            "_version": service["_spec_version"],
            "_endpoint": service["Spec"].get("EndpointSpec"),
            "_service": (service["Spec"]["Name"], service["Spec"]["Labels"]),
        }
        if isinstance(slot, int) and slot:
            task["Slot"] = slot
        if "JobStatus" in service:
            task["JobIteration"] = dict(service["JobStatus"]["JobIteration"])
        if template.get("Networks"):
            task["NetworksAttachments"] = [{"Network": {"ID": n["Target"]}, "Addresses": []} for n in template["Networks"]]
        self.cluster.touch(task)
        self.cluster.tasks[task["ID"]] = task
        self.by_service[service["ID"]].append(task)
        self.changed = True
        self._place(service, task)
        return task

    def _place(self, service: Json, task: Json) -> None:
        behaviour = choose(self.cluster.behaviours, service)
        if behaviour.state == "pending":
            err = behaviour.err
        elif isinstance(task["_slot"], str):
            task["NodeID"], err = task["_slot"], ""
        else:
            err = self.placement.place(service, task)
        if err:
            self.set_state(task, "pending", "pending task scheduling", err)
        else:
            self.set_state(task, "preparing", "preparing")

    def _advance(self, task: Json, service: Json | None) -> None:
        if task["DesiredState"] == "remove":
            del self.cluster.tasks[task["ID"]]
            self.by_service[task["ServiceID"]].remove(task)
            self.changed = True
        elif task["DesiredState"] == "shutdown":
            node = self.cluster.nodes.get(task.get("NodeID", ""))
            if is_alive(task) and not (node and node["Status"]["State"] == "down"):  # a dead node reports nothing
                self.set_state(task, "shutdown", "shutdown")
        elif service and is_alive(task) and task.get("NodeID"):
            self._move_on(task, service)

    def _move_on(self, task: Json, service: Json) -> None:
        node = self.cluster.nodes.get(task["NodeID"])
        if node is None or node["Spec"]["Availability"] == "drain" or node["Status"]["State"] == "down":
            return self.stop(task)
        constraints = service["Spec"]["TaskTemplate"].get("Placement", {}).get("Constraints", [])
        active = node["Spec"]["Availability"] == "active"
        if active and not matches(node, constraints):  # swarmkit's constraint enforcer
            self.set_state(task, "rejected", "assigned node no longer meets constraints")
            return self.stop(task)
        task["_age"] += 1
        behaviour = choose(self.cluster.behaviours, {**service, "Spec": {**service["Spec"], "TaskTemplate": task["Spec"]}})
        ended = service["_ended"].get(task["_slot"], 0)
        well = behaviour.state == "running" or (behaviour.times is not None and ended >= behaviour.times)
        state = task["Status"]["State"]
        self.changed |= state != "running" or not well
        if state != "running" and task["_age"] >= behaviour.start:
            if well or behaviour.run:
                self.set_state(task, "running", "started")
            else:
                self._end(task, service, behaviour.state, "preparing", behaviour.err, behaviour.exit_code)
        elif state == "running" and not well and task["_age"] >= behaviour.run:
            message = "finished" if behaviour.state == "complete" else "started"
            self._end(task, service, behaviour.state, message, behaviour.err, behaviour.exit_code)

    def _end(self, task: Json, service: Json, state: str, message: str, err: str, exit_code: int) -> None:
        self.set_state(task, state, message, err, exit_code)
        service["_ended"][task["_slot"]] = service["_ended"].get(task["_slot"], 0) + 1
        if "JobStatus" not in service or state != "complete":
            self.stop(task)

    def _reconcile(self, service: Json) -> None:
        for task in self.live(service):
            if task["Status"]["State"] == "pending":
                self._place(service, task)
        if "JobStatus" in service:
            self._run_job(service)
        else:
            wanted = self.slots(service)
            advance_update(self, service)
            live = self.live(service)
            held = {task["_slot"] for task in live}
            for task in live:
                if task["_slot"] not in wanted:
                    self.stop(task, "remove" if isinstance(task["_slot"], int) else "shutdown")
            for slot in wanted:
                if slot not in held and self._may_start(service, slot):
                    self.start(service, slot)
        self._forget(service)

    def slots(self, service: Json) -> collections.abc.Collection[Slot]:
        """The slots that a service which is no job should fill."""
        if "Replicated" in service["Spec"]["Mode"]:
            return range(1, service["Spec"]["Mode"]["Replicated"]["Replicas"] + 1)
        fitting = self.placement.fitting(service)
        paused = {key for key, node in self.cluster.nodes.items() if node["Spec"]["Availability"] == "pause"}
        return {**dict.fromkeys(fitting), **{task["_slot"]: None for task in self.live(service) if task["_slot"] in paused}}

    def _may_start(self, service: Json, slot: Slot) -> bool:
        past = [t for t in self.by_service[service["ID"]] if t["_slot"] == slot and not is_dirty(service, t, None)]
        past = [t for t in past if t.get("JobIteration") == service.get("JobStatus", {}).get("JobIteration")]
        if not past or past[-1]["Status"]["State"] not in ("failed", "rejected", "complete"):
            return True
        policy = service["Spec"]["TaskTemplate"].get("RestartPolicy", {})
        condition, most = policy.get("Condition", "any"), policy.get("MaxAttempts", 0)
        if condition == "none" or (condition == "on-failure" and past[-1]["Status"]["State"] == "complete"):
            return False
        return not most or service["_ended"].get(slot, 0) <= most

    def _run_job(self, service: Json) -> None:
        iteration = service["JobStatus"]["JobIteration"]["Index"]
        tasks = self.by_service[service["ID"]]
        for task in tasks:
            kept = self.cluster.keeps_jobs and task["DesiredState"] == "shutdown"
            if task["JobIteration"]["Index"] != iteration and not kept:
                self.stop(task, "remove")
        tasks = [task for task in tasks if task["JobIteration"]["Index"] == iteration]
        done = {task["_slot"] for task in tasks if task["Status"]["State"] == "complete"}
        busy = {task["_slot"] for task in tasks if is_alive(task)}
        job = service["Spec"]["Mode"].get("ReplicatedJob")
        slots: collections.abc.Iterable[Slot] = range(job["TotalCompletions"]) if job else self.placement.fitting(service)
        room = job["MaxConcurrent"] - len(busy) if job else len(self.cluster.nodes)
        for slot in slots:
            if room > 0 and slot not in done and slot not in busy and self._may_start(service, slot):
                self.start(service, slot)
                room -= 1

    def _forget(self, service: Json) -> None:
        """Keep as many ended tasks in each slot as the swarm's settings say."""
        limit = self.cluster.swarm["Spec"]["Orchestration"].get("TaskHistoryRetentionLimit", 5)
        slots: dict[Slot, list[str]] = {}
        for task in self.by_service[service["ID"]]:
            slots.setdefault(task["_slot"], []).append(task["ID"])
        for ids in slots.values():
            for task_id in ids[: max(0, len(ids) - limit)]:
                task_state = self.cluster.tasks.get(task_id)
                if task_state and not is_alive(task_state):
                    del self.cluster.tasks[task_id]
