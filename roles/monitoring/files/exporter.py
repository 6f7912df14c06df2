# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of the swarm and of containers, as the engine's API tells them. Runs as a global service, with the engine's socket.
``targets ADDRESS`` prints what a Prometheus scrapes, for the proof of the role.

The leader alone tells of nodes and services, so that each is told once. Containers have the names of cAdvisor's metrics. The standard
library is enough, so that any image with Python will do.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

SOCKET = "/var/run/docker.sock"
SERVICE, STACK, TASK = "com.docker.swarm.service.name", "com.docker.stack.namespace", "com.docker.swarm.task.name"
FAILED = ("failed", "rejected")
PAUSED = ("paused", "rollback_paused")

Json = Mapping[str, Any]
Sample = tuple[str, Mapping[str, str], float]
Get = Callable[[str], Any]

HELP = {
    "swarm_node_up": ("gauge", "Whether the managers call the node ready."),
    "swarm_node_active": ("gauge", "Whether the node takes tasks."),
    "swarm_managers": ("gauge", "Managers of the swarm."),
    "swarm_managers_reachable": ("gauge", "Managers that the leader reaches."),
    "swarm_service_desired_tasks": ("gauge", "Tasks that a service should have."),
    "swarm_service_running_tasks": ("gauge", "Tasks of a service that run on a node that is ready."),
    "swarm_service_update_paused": ("gauge", "Whether the update or rollback of a service is paused."),
    "swarm_service_task_failures_total": ("counter", "Tasks of a service that failed or were rejected, seen since this exporter began."),
    "container_cpu_usage_seconds_total": ("counter", "Time of processors that a container used."),
    "container_memory_working_set_bytes": ("gauge", "Memory of a container, without files that can be dropped."),
    "container_spec_memory_limit_bytes": ("gauge", "Limit of a container's memory; of one without a limit, the memory of the node."),
    "container_network_receive_bytes_total": ("counter", "Bytes that a container received."),
    "container_network_transmit_bytes_total": ("counter", "Bytes that a container sent."),
}


class Failures:
    """Counts the failed tasks of each service. The managers remember few of them, so a task counts when it is first seen."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._counts: dict[str, int] = {}
        self._started = False

    def count(self, tasks: Sequence[Json], services: Iterable[str]) -> Mapping[str, int]:
        failed = {task["ID"]: task["ServiceID"] for task in tasks if task["Status"]["State"] in FAILED}
        for identity in services:
            self._counts.setdefault(identity, 0)
        for task, service in failed.items():
            if self._started and task not in self._seen and service in self._counts:
                self._counts[service] += 1
        self._seen, self._started = set(failed), True
        return self._counts


def swarm_samples(get: Get, info: Json, failures: Failures) -> Iterator[Sample]:
    swarm = info["Swarm"]
    if not swarm.get("ControlAvailable"):
        return
    nodes = get("/nodes")
    leader = next((node["ID"] for node in nodes if (node.get("ManagerStatus") or {}).get("Leader")), "")
    if leader != swarm["NodeID"]:
        return
    ready = {node["ID"] for node in nodes if node["Status"]["State"] == "ready"}
    for node in nodes:
        labels = {"node": node["Description"]["Hostname"], "role": node["Spec"]["Role"]}
        yield "swarm_node_up", labels, node["ID"] in ready
        yield "swarm_node_active", labels, node["Spec"]["Availability"] == "active"
    managers = [node["ManagerStatus"]["Reachability"] for node in nodes if node.get("ManagerStatus")]
    yield "swarm_managers", {}, len(managers)
    yield "swarm_managers_reachable", {}, managers.count("reachable")
    yield from _services(get("/services?status=true"), get("/tasks"), ready, failures)


def _services(services: Sequence[Json], tasks: Sequence[Json], ready: set[str], failures: Failures) -> Iterator[Sample]:
    failed = failures.count(tasks, [service["ID"] for service in services])
    for service in services:
        spec = service["Spec"]
        labels = {"service": spec["Name"], "stack": (spec.get("Labels") or {}).get(STACK, "")}
        yield "swarm_service_task_failures_total", labels, failed[service["ID"]]
        yield "swarm_service_update_paused", labels, (service.get("UpdateStatus") or {}).get("State") in PAUSED
        if not {"Replicated", "Global"} & set(spec["Mode"]):
            continue  # a job has no count to keep
        mine = [task for task in tasks if task["ServiceID"] == service["ID"] and task.get("NodeID") in ready]
        running = [task for task in mine if task["Status"]["State"] == task["DesiredState"] == "running"]
        yield "swarm_service_desired_tasks", labels, service["ServiceStatus"]["DesiredTasks"]
        yield "swarm_service_running_tasks", labels, len(running)


def container_samples(container: Json, stats: Json) -> Iterator[Sample]:
    given = container.get("Labels") or {}
    labels = {
        "name": (container.get("Names") or [""])[0].lstrip("/"),
        "service": given.get(SERVICE, ""),
        "stack": given.get(STACK, ""),
        "task": given.get(TASK, ""),
    }
    memory = stats.get("memory_stats") or {}
    if "usage" not in memory:
        return  # it has just ended
    parts = memory.get("stats") or {}
    unused = parts.get("inactive_file", parts.get("total_inactive_file", 0))
    yield "container_cpu_usage_seconds_total", labels, stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    yield "container_memory_working_set_bytes", labels, max(memory["usage"] - unused, 0)
    yield "container_spec_memory_limit_bytes", labels, memory["limit"]
    for interface, traffic in (stats.get("networks") or {}).items():
        through = {**labels, "interface": interface}
        yield "container_network_receive_bytes_total", through, traffic["rx_bytes"]
        yield "container_network_transmit_bytes_total", through, traffic["tx_bytes"]


def all_container_samples(get: Get) -> Iterator[Sample]:
    running = {"filters": json.dumps({"status": ["running"]})}
    containers = get(f"/containers/json?{urllib.parse.urlencode(running)}")
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda each: get(f"/containers/{each['Id']}/stats?stream=false&one-shot=true"), containers)
        for container, stats in zip(containers, found, strict=True):
            yield from container_samples(container, stats or {})


def as_text(samples: Iterable[Sample]) -> str:
    """The text format of Prometheus, in which the samples of one name stand together."""
    by_name: dict[str, list[str]] = {}
    for name, labels, value in samples:
        given = ",".join(f"{key}={json.dumps(text, ensure_ascii=False)}" for key, text in labels.items())
        by_name.setdefault(name, []).append(f"{name}{{{given}}} {float(value)!r}\n")
    return "".join(f"# HELP {name} {HELP[name][1]}\n# TYPE {name} {HELP[name][0]}\n{''.join(lines)}" for name, lines in by_name.items())


class Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def get(path: str) -> Any:
    """What the engine answers; nothing where the object is gone."""
    connection = Connection("engine", timeout=8)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status == 404 or (answer.status == 409 and path.startswith("/containers/")):
        return None
    if answer.status != 200:
        raise OSError(f"the engine answers {answer.status} to {path.partition('?')[0]}: {json.loads(body).get('message')}")
    return json.loads(body)


class Handler(BaseHTTPRequestHandler):
    failures = Failures()
    with_containers = True

    def do_GET(self) -> None:
        if self.path != "/metrics":
            self.send_error(404)
            return
        try:
            samples = list(swarm_samples(get, get("/info"), self.failures))
            samples += all_container_samples(get) if self.with_containers else []
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.send_error(503, str(error).replace("\n", " "))
            return
        body = as_text(samples).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """A line for each scrape tells nobody anything."""


def targets(prometheus: str) -> str:
    """What Prometheus says of its targets; of those that are up only which they are, since the whole is too long to print."""
    try:
        with urllib.request.urlopen(f"{prometheus}/api/v1/targets?state=active", timeout=10) as answer:
            active = json.load(answer)["data"]["activeTargets"]
    except (OSError, ValueError, KeyError) as error:
        return str(error)
    return json.dumps({"data": {"activeTargets": [_short(target) for target in active]}})


def _short(target: Json) -> Json:
    labels = {name: target["labels"].get(name, "") for name in ("job", "instance")}
    why = {} if target["health"] == "up" else {"scrapeUrl": target["scrapeUrl"], "lastError": target["lastError"]}
    return {"labels": labels, "health": target["health"], **why}


def main() -> None:
    if sys.argv[1] == "targets":
        print(targets(sys.argv[2]))
        return
    Handler.with_containers = os.environ.get("CONTAINERS") == "true"
    HTTPServer(("", int(sys.argv[1])), Handler).serve_forever()


if __name__ == "__main__":
    main()
