# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of a swarm's edge, and why one does not answer. Pure."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from ..schedule.task_states import error_of, is_running, tasks_by_service
from ..service.naming import Item
from ..service.spec import Service, ServiceSpec

EDGE_LABEL = "io.flotilla.swarm.edge"
"""Of the service that is an edge: the network where services with labels of their own are found."""
ROUTES_LABEL = "io.flotilla.swarm.edge.routes"
TRUST = "trust"
"""The same label's value of the config with the certificates that an edge shows, or their authorities, where not everybody knows these."""
VIA = "1.1 flotilla-edge"

OK, WARNING, FAILED = "ok", "warning", "failed"
CONNECTION, CERTIFICATE, ROUTER, SERVICE = "connection", "certificate", "router", "service"
TASK, NETWORK, BACKEND, AUTH = "task", "network", "backend", "auth"
HTTPS_PORT = 443
_ENTRY_POINT = "websecure"
_DAY = 86400.0
_WARN_DAYS, _LAST_PART = 30.0, 0.2
"""A certificate is about to end when less is left of it than both of these: days, and a part of its whole life."""
_ROUTER = re.compile(r"traefik\.http\.routers\.([^.]+)\.rule", re.IGNORECASE)
_HOSTS = re.compile(r"(?<![\w!])Host\(([^)]*)\)")
_PATH = re.compile(r"\bPath(?:Prefix)?\(\s*[`\"']([^`\"']+)")
_QUOTED = re.compile(r"[`\"']([^`\"']+)[`\"']")
_BAD_GATEWAY, _UNAVAILABLE, _TIMEOUT = 502, 503, 504
_GATES = (_BAD_GATEWAY, _UNAVAILABLE, _TIMEOUT)
_LOGINS = (301, 302, 303, 307, 308, 401, 403)


@dataclass(frozen=True)
class Route:
    """``service`` is a full name, or empty for one that the edge answers itself; ``network`` the one that it must be on, any if empty.

    ``port`` is 0 where it is not known. ``by_labels``: the service's own labels make it.
    """

    host: str
    path: str = "/"
    service: str = ""
    port: int = 0
    auth: bool = False
    network: str = ""
    by_labels: bool = False


@dataclass(frozen=True)
class Edge:
    """``networks`` are the names of those that it is on; ``nodes`` name -> address, of those with a running task of it."""

    service: str
    networks: frozenset[str]
    nodes: t.Mapping[str, str]
    routes: tuple[Route, ...]


@dataclass(frozen=True)
class Answer:
    """What came back for a host from one node. ``error`` is why nothing did, ``untrusted`` what is wrong with the certificate.

    ``begins`` and ``ends`` are the certificate's, in seconds since 1970; 0 where that is not known. ``status`` is 0 without an answer.
    """

    error: str = ""
    untrusted: str = ""
    begins: float = 0.0
    ends: float = 0.0
    status: int = 0
    is_routed: bool = False


@dataclass(frozen=True)
class Swarm:
    """What a manager told, as the engine has it."""

    services: t.Sequence[Item]
    tasks: t.Sequence[Item]
    nodes: t.Mapping[str, tuple[str, str]]
    """Id -> name and address."""
    networks: t.Mapping[str, str]
    """Id -> name."""


def find_edges(swarm: Swarm) -> list[Edge]:
    """By name. What labels of services ask for belongs to each edge whose network they name."""
    mine = tasks_by_service(swarm.tasks)
    edges = []
    for raw in swarm.services:
        spec = Service(raw).spec
        if EDGE_LABEL not in spec.labels:
            continue
        running = [task for task in mine.get(raw.get("ID", ""), []) if is_running(task)]
        found = [swarm.nodes[task["NodeID"]] for task in running if task.get("NodeID") in swarm.nodes]
        network = str(spec.labels[EDGE_LABEL])
        routes = [*_own_routes(spec), *(route for each in swarm.services for route in label_routes(Service(each).spec, network))]
        edges.append(Edge(spec.name, _networks(spec, swarm.networks), dict(sorted(found)), tuple(routes)))
    return sorted(edges, key=lambda edge: edge.service)


def _own_routes(spec: ServiceSpec) -> t.Iterator[Route]:
    try:
        told = json.loads(spec.labels.get(ROUTES_LABEL) or "[]")
        for each in told:
            yield Route(str(each["host"]), "/", str(each["service"]), int(each["port"]), bool(each["auth"]))
    except (ValueError, TypeError, KeyError):  # a label that somebody else has written
        return


def label_routes(spec: ServiceSpec, network: str) -> t.Iterator[Route]:
    """The routes that the labels of a service ask for over HTTPS, one for each host that a rule names."""
    labels = {name.lower(): str(value) for name, value in spec.labels.items()}
    if labels.get("traefik.enable", "").lower() != "true":
        return
    wanted = labels.get("traefik.swarm.network") or labels.get("traefik.docker.network") or network
    ports = {value for name, value in labels.items() if re.fullmatch(r"traefik\.http\.services\.[^.]+\.loadbalancer\.server\.port", name)}
    named = [value for value in ports if value.isdigit()]
    port = int(named[0]) if len(ports) == len(named) == 1 else 0
    for name, rule in labels.items():
        found = _ROUTER.fullmatch(name)
        if not found:
            continue
        points = labels.get(f"traefik.http.routers.{found[1]}.entrypoints", "")
        if points and _ENTRY_POINT not in [point.strip() for point in points.split(",")]:
            continue
        gates = labels.get(f"traefik.http.routers.{found[1]}.middlewares", "")
        path = _PATH.search(rule)
        for host in (each for group in _HOSTS.findall(rule) for each in _QUOTED.findall(group)):
            yield Route(host, path[1] if path else "/", spec.name, port, "auth@file" in gates, wanted, by_labels=True)


def judge_route(route: Route, edge: Edge, swarm: Swarm, answers: t.Mapping[str, Answer], now: float) -> dict[str, t.Any]:
    """``state`` (ok, warning, failed), ``cause`` in one word, ``text`` and ``cure``. ``answers`` are by node."""
    told = _fault_of_service(route, edge, swarm) or _fault_of_edge(edge)
    if not told:
        faults = [(found, node) for node, answer in answers.items() for found in [_fault_of_answer(route, answer, edge)] if found]
        if faults:
            cause, text, cure = faults[0][0]
            told = (cause, f"{text} (on {', '.join(at for found, at in faults if found[0] == cause)})", cure)
    result = {"host": route.host, "path": route.path, "service": route.service, "auth": route.auth}
    result["status"] = next((answer.status for answer in answers.values() if answer.status), 0)
    days = [(answer.ends - now) / _DAY for answer in answers.values() if answer.ends]
    result["certificate_days"] = round(min(days), 1) if days else None
    if told:
        return {**result, "state": FAILED, "cause": told[0], "text": told[1], "cure": told[2]}
    ending = [answer for answer in answers.values() if _is_ending(answer, now)]
    if ending:
        text = f"its certificate ends in {min(days):.1f} days"
        cure = "Replace it, or look in the edge's log for why the authority does not renew it"
        return {**result, "state": WARNING, "cause": CERTIFICATE, "text": text, "cure": cure}
    return {**result, "state": OK, "cause": "", "text": "", "cure": ""}


Told = tuple[str, str, str]


def _fault_of_service(route: Route, edge: Edge, swarm: Swarm) -> Told | None:
    if not route.service:
        return None
    found = [raw for raw in swarm.services if Service(raw).name == route.service]
    if not found:
        return SERVICE, f"there is no service {route.service}", "Deploy it, or correct the route"
    spec = Service(found[0]).spec
    tasks = [task for task in swarm.tasks if task.get("ServiceID", "") == found[0].get("ID", "")]
    if not any(map(is_running, tasks)):
        last = max(tasks, key=lambda task: str((task.get("Status") or {}).get("Timestamp", "")), default={})
        why = f": {error_of(last).rstrip('.')}" if error_of(last) else ""
        return TASK, f"no task of {route.service} runs and is healthy{why}", f"Run logs.yml -e services_names={route.service}"
    own = _networks(spec, swarm.networks)
    common = own & edge.networks
    if not common or (route.network and route.network not in own):
        wanted = route.network or ", ".join(sorted(edge.networks))
        text = f"{route.service} is on {', '.join(sorted(own)) or 'no network'}, and the edge reaches it on {wanted}"
        return NETWORK, text, "Let the service join that network, or name one of its own in edge_networks"
    if route.by_labels and not route.port:
        text = f"no label of {route.service} says which port it listens on, so there is no router for it"
        return ROUTER, text, "Add traefik.http.services.NAME.loadbalancer.server.port to deploy.labels"
    return None


def _fault_of_edge(edge: Edge) -> Told | None:
    if edge.nodes:
        return None
    return CONNECTION, f"no task of {edge.service} runs", f"Run logs.yml -e services_names={edge.service}"


def _fault_of_answer(route: Route, answer: Answer, edge: Edge) -> Told | None:
    where = f"services_names={edge.service}"
    if answer.untrusted:
        text = f"the certificate that is shown for {route.host} is not good: {answer.untrusted.rstrip('.')}"
        return CERTIFICATE, text, f"Look for {route.host} in the edge's log: run logs.yml -e {where}"
    if answer.error or not answer.status:
        text = f"port {HTTPS_PORT} does not answer: {answer.error.rstrip('.') or 'nothing came back'}"
        return CONNECTION, text, "Let it through the firewall, and check that nothing else has the port"
    if not answer.is_routed:
        text = f"there is no router for {route.host}{route.path if route.path != '/' else ''}"
        return ROUTER, text, f"Look for a label that is wrong in the edge's log: run logs.yml -e {where}"
    if answer.status in _GATES:
        of = f"{route.service}{f' at port {route.port}' if route.port else ''}" if route.service else "the edge"
        words = {_BAD_GATEWAY: "refuses the connection, or its name is not known", _TIMEOUT: "does not answer in time"}
        return BACKEND, f"{of} {words.get(answer.status, 'takes no requests')} (status {answer.status})", "Check the port of the route"
    if answer.status == 500 and route.auth:
        return BACKEND, f"what decides who may see {route.host} does not answer (status 500)", "Check the service of edge_auth"
    if route.auth and answer.status not in _LOGINS:
        return AUTH, f"{route.host} answers without a login (status {answer.status})", "Look for another router of this host"
    return None


def _is_ending(answer: Answer, now: float) -> bool:
    left = answer.ends - now
    return bool(answer.ends) and left < min(_WARN_DAYS * _DAY, _LAST_PART * (answer.ends - answer.begins))


def _networks(spec: ServiceSpec, names: t.Mapping[str, str]) -> frozenset[str]:
    return frozenset(names.get(target, target) for target in spec.targets)
