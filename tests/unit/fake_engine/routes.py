# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which path is answered by what."""

from __future__ import annotations

import re
import typing as t

from .containers import Containers
from .local import Local, detailed_logs_of, logs_of
from .networks import Networks
from .nodes import Nodes
from .objects import Objects
from .server import Request, Response
from .services import Services
from .state import Cluster
from .swarm import Swarm

_ID = "([^/]+)"
Route = tuple[str, t.Callable[..., Response]]


def match(request: Request, routes: t.Sequence[Route]) -> Response | None:
    """The answer of the first route that fits; None where there is none."""
    method = "GET" if request.method == "HEAD" else request.method
    for route, handler in routes:
        wanted, _, pattern = route.partition(" ")
        found = re.fullmatch(pattern, request.path) if wanted == method else None
        if found:
            return handler(request, *found.groups())
    return None


def local_routes(local: Local, containers: Containers, networks: Networks, swarm: Swarm) -> list[Route]:
    """What every engine answers, whatever its part in a swarm."""
    return [
        ("GET /_ping", local.ping),
        ("GET /version", local.version),
        ("GET /info", local.info),
        ("GET /volumes", local.list_volumes),
        ("POST /volumes/create", local.create_volume),
        (f"GET /volumes/{_ID}", local.inspect_volume),
        (f"DELETE /volumes/{_ID}", local.delete_volume),
        ("GET /images/json", local.list_images),
        ("POST /images/create", local.pull_image),
        ("GET /images/(.+)/json", local.inspect_image),
        ("DELETE /images/(.+)", local.delete_image),
        ("GET /system/df", local.disk_usage),
        ("POST /build/prune", local.prune_cache),
        ("GET /distribution/(.+)/json", local.distribution),
        ("GET /containers/json", local.list_containers),
        ("POST /containers/create", containers.create),
        (f"POST /containers/{_ID}/start", containers.start),
        (f"POST /containers/{_ID}/stop", containers.stop),
        (f"POST /containers/{_ID}/kill", containers.kill),
        (f"POST /containers/{_ID}/pause", containers.pause),
        (f"POST /containers/{_ID}/unpause", containers.unpause),
        (f"POST /containers/{_ID}/wait", containers.wait),
        (f"DELETE /containers/{_ID}", containers.delete),
        (f"GET /containers/{_ID}/stats", containers.stats),
        (f"POST /containers/{_ID}/exec", containers.create_exec),
        (f"POST /exec/{_ID}/start", containers.start_exec),
        (f"GET /exec/{_ID}/json", containers.inspect_exec),
        ("GET /networks", networks.list),
        ("POST /networks/create", networks.create),
        (f"GET /networks/{_ID}", networks.inspect),
        (f"DELETE /networks/{_ID}", networks.delete),
        (f"POST /networks/{_ID}/disconnect", networks.disconnect),
        ("POST /swarm/init", swarm.init),
        ("POST /swarm/join", swarm.join),
        ("POST /swarm/leave", swarm.leave),
        ("POST /swarm/unlock", swarm.unlock),
    ]


def swarm_routes(cluster: Cluster, swarm: Swarm) -> list[Route]:
    """What only a manager answers."""
    nodes, services = Nodes(cluster), Services(cluster)
    routes: list[Route] = [
        ("GET /swarm", swarm.inspect),
        ("POST /swarm/update", swarm.update),
        ("GET /swarm/unlockkey", swarm.unlock_key),
        ("GET /nodes", nodes.list),
        (f"GET /nodes/{_ID}", nodes.inspect),
        (f"POST /nodes/{_ID}/update", nodes.update),
        (f"DELETE /nodes/{_ID}", nodes.delete),
        ("GET /services", services.list),
        ("POST /services/create", services.create),
        (f"GET /services/{_ID}", services.inspect),
        (f"POST /services/{_ID}/update", services.update),
        (f"DELETE /services/{_ID}", services.delete),
        ("GET /tasks", services.list_tasks),
        (f"GET /tasks/{_ID}", services.inspect_task),
        (f"GET /services/{_ID}/logs", lambda request, word: _service_logs(cluster, services, request, word)),
        (f"GET /tasks/{_ID}/logs", lambda request, word: _task_logs(cluster, services, request, word)),
    ]
    for kind in ("secret", "config"):
        store = Objects(cluster, kind)
        routes += [
            (f"GET /{kind}s", store.list),
            (f"POST /{kind}s/create", store.create),
            (f"GET /{kind}s/{_ID}", store.inspect),
            (f"POST /{kind}s/{_ID}/update", store.update),
            (f"DELETE /{kind}s/{_ID}", store.delete),
        ]
    return routes


def _service_logs(cluster: Cluster, services: Services, request: Request, word: str) -> Response:
    item = services.find(word)
    if request.flag("details"):
        return detailed_logs_of(cluster, item, cluster.tasks_of(item["ID"]), request)
    return logs_of(cluster, item, item["Spec"]["Name"], request)


def _task_logs(cluster: Cluster, services: Services, request: Request, word: str) -> Response:
    task = services.inspect_task(request, word).body
    service = cluster.services.get(task["ServiceID"])
    if service and request.flag("details"):
        return detailed_logs_of(cluster, service, [task], request)
    return logs_of(cluster, task, service["Spec"]["Name"] if service else "", request)
