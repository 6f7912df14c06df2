# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake engine itself: data in, a socket out, every request on record."""

from __future__ import annotations

import copy
import os
import re
import shutil
import tempfile
import threading
import typing as t

from .behaviour import Behaviour
from .containers import Containers
from .errors import IS_WORKER, LOCKED, NO_LEADER, NOT_IN_SWARM, OUT_OF_SEQUENCE, ApiError, Json
from .faults import Fault, Faults
from .local import Local
from .networks import Networks
from .nodes import Nodes
from .routes import local_routes, match, swarm_routes
from .scheduler import tick
from .server import Request, Response, Server
from .services import Services
from .state import Cluster, Host
from .swarm import Swarm

_UNCOUNTED = ("/version", "/_ping")


class FakeEngine:
    """One engine on a unix socket. Use it as a context manager, or call ``close()``.

    ``nodes`` empty means that the host is in no swarm; otherwise it is the node named ``name``, by default the leader.
    ``services``, ``networks``, ``secrets``, ``configs`` and ``volumes`` are request bodies (see the builders); ``images`` maps
    a name to ``{"digest": "sha256:...", "local": True, "platforms": [...]}``. ``behaviours`` as for ``behave``. The services
    given here are already running when the engine starts. ``peers`` are engines whose swarm this one can join.
    With ``auto_tick`` each list of tasks, and each list of services with ``status``, lets a second pass first.
    """

    def __init__(
        self,
        nodes: t.Sequence[Json] = (),
        services: t.Sequence[Json] = (),
        networks: t.Sequence[Json] = (),
        secrets: t.Sequence[Json] = (),
        configs: t.Sequence[Json] = (),
        volumes: t.Sequence[Json] = (),
        images: t.Mapping[str, Json] | None = None,
        containers: t.Sequence[Json] = (),
        behaviours: t.Mapping[str, Behaviour] | None = None,
        name: str = "",
        addr: str = "10.77.0.1",
        api_version: str = "1.45",
        engine_version: str = "26.1.5",
        peers: t.Sequence[FakeEngine] = (),
        auto_tick: bool = True,
        info: Json | None = None,
    ) -> None:
        self.host = Host(name or "m1", addr, api_version, engine_version, info=info or {})
        self.host.images, self.host.containers = dict(images or {}), list(containers)
        self.faults, self.requests, self.auto_tick = Faults(), t.cast(list[Request], []), auto_tick
        self._peers, self._lock = list(peers), threading.RLock()
        self._swarm = Swarm(self.host, self._find_peer)
        if nodes:
            self._fill(nodes, name)
            self.cluster.behaviours.update(behaviours or {})
            self.cluster.keeps_jobs = api_version in ("1.41", "1.42")
        for body in networks:
            self._do("POST", "/networks/create", body)
        for path, bodies in (("secrets", secrets), ("configs", configs), ("volumes", volumes), ("services", services)):
            for body in bodies:
                self._do("POST", f"/{path}/create", body)
        if services:
            self.settle()
        self._folder = tempfile.mkdtemp(prefix="fake")
        self.docker_host = f"unix://{self._folder}/s"
        self._server = Server(f"{self._folder}/s", self._dispatch, self.requests.append, self.faults, lambda: self.host.api_version)

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        if os.path.isdir(self._folder):
            self._server.close()
            shutil.rmtree(self._folder)

    @property
    def cluster(self) -> Cluster:
        """The data of the swarm, to look at and to change. AttributeError on a host that is in none."""
        if self._swarm.cluster is None:
            raise AttributeError("this engine is in no swarm")
        return self._swarm.cluster

    # what was asked

    def calls(self, pattern: str = ".*") -> list[str]:
        """Such as ``GET /nodes`` for each request that matches, without the negotiation of the version."""
        found = [request.call for request in self.requests if request.path not in _UNCOUNTED]
        return [call for call in found if re.fullmatch(pattern, call)]

    @property
    def writes(self) -> list[Request]:
        """Every request that is not a GET or HEAD."""
        return [request for request in self.requests if request.method not in ("GET", "HEAD")]

    def forget(self) -> None:
        """Start the record anew."""
        self.requests.clear()

    # what goes wrong

    def fail(self, method: str, path: str, status: int = 500, message: str = "boom", nth: int = 1, times: int | None = 1) -> None:
        """Answer the matching requests number ``nth`` to ``nth + times - 1`` with an error; ``path`` is a regular expression."""
        self.faults.add(Fault(method, path, nth, times, status, message))

    def drop(self, method: str, path: str, when: str = "before", nth: int = 1, times: int | None = 1) -> None:
        """Hang up ``before`` the request is carried out, or ``after`` it and without an answer."""
        self.faults.add(Fault(method, path, nth, times, drop=when))

    def delay(self, method: str, path: str, seconds: float, nth: int = 1, times: int | None = None) -> None:
        self.faults.add(Fault(method, path, nth, times, delay=seconds))

    def out_of_sequence(self, path: str = ".*/update", nth: int = 1, times: int | None = 1) -> None:
        self.fail("POST", path, 500, OUT_OF_SEQUENCE, nth, times)

    def lose_leader(self, times: int | None = None) -> None:
        """No leader for this many requests to the swarm (None: until ``cluster.has_leader`` is set)."""
        if times is None:
            self.cluster.has_leader = False
        else:
            self.fail("*", r"/(swarm|nodes|services|tasks|secrets|configs)(/.*)?", 500, NO_LEADER, times=times)

    # what happens by itself

    def behave(self, key: str, behaviour: Behaviour) -> None:
        """How tasks behave from now on, by image (with or without digest) or by service name."""
        self.cluster.behaviours[key] = behaviour

    def log(self, key: str, text: str) -> None:
        """What logs answer, by ID or by service name."""
        self.cluster.logs[key] = text

    def tick(self, times: int = 1) -> bool:
        """Let seconds pass; whether the last one moved anything."""
        with self.cluster.lock:
            return [tick(self.cluster) for _ in range(times)][-1]

    def settle(self, limit: int = 30) -> int:
        """Tick until nothing moves; the number of ticks."""
        return next((count for count in range(limit) if not self.tick()), limit)

    def node(self, name: str) -> Json:
        """The node of this name or ID, to change it: ``fake.node("w1")["Status"]["State"] = "down"``."""
        return Nodes(self.cluster).find(name)

    def service(self, name: str) -> Json:
        return Services(self.cluster).find(name)

    def tasks(self, service: str) -> list[Json]:
        return self.cluster.tasks_of(self.service(service)["ID"])

    # how it answers

    def _fill(self, nodes: t.Sequence[Json], name: str) -> None:
        cluster = self._swarm.create({})
        cluster.nodes.clear()
        nodes = copy.deepcopy(nodes)
        for node in nodes:
            cluster.nodes[node["ID"]] = cluster.touch(node)
        managers = [node for node in nodes if node["Spec"]["Role"] == "manager"]
        if managers and not any(node["ManagerStatus"].get("Leader") for node in managers):
            managers[0]["ManagerStatus"]["Leader"] = True
        named = [node for node in nodes if node["Description"]["Hostname"] == name]
        me = (named or [node for node in managers if node["ManagerStatus"].get("Leader")] or list(nodes))[0]
        self.host.name = me["Description"]["Hostname"]
        self._swarm.attach(cluster, me["ID"])

    def _find_peer(self, addr: str) -> Cluster | None:
        for peer in self._peers:
            cluster = peer._swarm.cluster
            if addr.partition(":")[0] == peer.host.addr and cluster and peer._is_manager():
                return cluster
        return None

    def _is_manager(self) -> bool:
        cluster = self._swarm.cluster
        node = cluster.nodes.get(self.host.node_id) if cluster else None
        return bool(node and node["Spec"]["Role"] == "manager")

    def _do(self, method: str, path: str, body: t.Any, **query: t.Any) -> Response:
        raw = {name: str(value) for name, value in query.items()}
        return self._dispatch(Request(method, path, dict(raw), body, {}, raw_query=raw))

    def _dispatch(self, request: Request) -> Response:
        lock = self._swarm.cluster.lock if self._swarm.cluster else self._lock
        with lock:
            return self._route(request)

    def _route(self, request: Request) -> Response:
        manager = self.host.state == "active" and self._is_manager()
        cluster = self._swarm.cluster
        local = Local(self.host, cluster, manager)
        swarm, networks = self._swarm, Networks(self.host, cluster if manager else None)
        found = match(request, local_routes(local, Containers(self.host), networks, swarm))
        if found:
            return found
        if cluster is None or not manager:
            reason = LOCKED if self.host.state == "locked" else IS_WORKER if self.host.state == "active" else NOT_IN_SWARM
            raise ApiError(503, reason)
        if not cluster.has_leader:
            raise ApiError(500, NO_LEADER)
        if self.auto_tick and (request.call == "GET /tasks" or (request.call == "GET /services" and request.flag("status"))):
            tick(cluster)
        found = match(request, swarm_routes(cluster, swarm))
        if found is None:
            raise ApiError(404, "page not found")
        return found
