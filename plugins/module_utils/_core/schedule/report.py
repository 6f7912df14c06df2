# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of a swarm in a readable form, whoever deployed them. Pure."""

from __future__ import annotations

import typing as t

from ..service.constraints import Node
from ..service.naming import Item, stack_of
from ..service.spec import Json, Service
from .placement import Nodes, hostname
from .task_states import error_of, has_ended, tasks_by_service
from .verdict import RUNNING, count_up, judge, settle_at_once, shown_cause


def report_services(
    services: t.Iterable[Item], tasks: t.Sequence[Item], current: t.Collection[str], nodes: t.Iterable[Node], now: float
) -> list[Json]:
    """One record for each service, by name. Services and tasks that lack fields are reported as far as possible.

    ``current`` has the IDs of the tasks that run the present spec of their service. ``now`` is in seconds since 1970.
    """
    known = Nodes(nodes)
    hosts = {node.get("ID", ""): node for node in known.all}
    mine = tasks_by_service(tasks)
    records = [_report(service, mine.get(service.get("ID", ""), []), current, known, hosts, now) for service in services]
    return sorted(records, key=lambda record: str(record["name"]))


def _report(
    service: Item, tasks: t.Sequence[Item], current: t.Collection[str], nodes: Nodes, hosts: t.Mapping[str, Node], now: float
) -> Json:
    view = Service(service)
    spec = view.spec
    whole = [task for task in tasks if task.get("Status", {}).get("State") and task.get("DesiredState")]
    verdict = settle_at_once(judge(service, [task for task in whole if task.get("ID") in current], nodes, now=now))
    return {
        "name": spec.name,
        "stack": stack_of(service),
        "mode": spec.mode,
        "image": spec.image,
        "running": verdict.running if spec.is_job else max(verdict.running, min(count_up(whole, nodes), verdict.desired)),
        "desired": verdict.desired,
        "state": "completed" if spec.is_job and verdict.state == RUNNING else verdict.state,
        "cause": shown_cause(verdict),
        "update_state": view.update_state,
        "update_message": view.update_message,
        "ports": _ports(service, whole, hosts),
        "tasks": [_report_task(task, hosts) for task in sorted(tasks, key=_order)],
    }


def _ports(service: Item, tasks: t.Sequence[Item], hosts: t.Mapping[str, Node]) -> list[str]:
    """Such as ``*:80->8080/tcp`` through the routing mesh, ``10.0.0.5:80->8080/tcp`` on the node of a task."""
    found = set()
    for port in (service.get("Endpoint") or {}).get("Ports") or []:
        target = f"{port.get('TargetPort', 0)}/{port.get('Protocol', 'tcp')}"
        if port.get("PublishMode") != "host":
            found.add(f"*:{port.get('PublishedPort', 0)}->{target}")
            continue
        for task in tasks:
            if task["Status"]["State"] == "running":
                address = (hosts.get(task.get("NodeID", ""), {}).get("Status") or {}).get("Addr", "")
                found.add(f"{address}:{_host_port(port, task)}->{target}")
    return sorted(found)


def _host_port(port: Item, task: Item) -> int:
    for given in (task["Status"].get("PortStatus") or {}).get("Ports") or []:
        if given.get("TargetPort") == port.get("TargetPort") and given.get("Protocol") == port.get("Protocol"):
            return int(given.get("PublishedPort") or 0)
    return int(port.get("PublishedPort") or 0)


def _report_task(task: Item, hosts: t.Mapping[str, Node]) -> Json:
    status = task.get("Status") or {}
    node = hosts.get(task.get("NodeID", ""))
    return {
        "id": task.get("ID", ""),
        "slot": task.get("Slot", 0),
        "node": hostname(node) if node else "",
        "state": status.get("State", ""),
        "desired_state": task.get("DesiredState", ""),
        "cause": error_of(task),
        "exit_code": (status.get("ContainerStatus") or {}).get("ExitCode") if has_ended(task) else None,
        "since": status.get("Timestamp", ""),
    }


def _order(task: Item) -> tuple[int, str, str]:
    return int(task.get("Slot") or 0), str(task.get("NodeID", "")), str(task.get("CreatedAt", ""))
