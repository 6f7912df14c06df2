# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is likely to go wrong with a stack although the engine accepts it. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ...errors import PlanError
from ..schedule.placement import Nodes, hostname, task_count
from ..service.constraints import Node
from ..service.spec import Raw, ServiceSpec
from .finding import Finding, about, tell
from .room import lint_room

NEARLY_FULL = 0.75
_TAKEN_BY_THE_NETWORK = 3
"""Its own address, the gateway, and the broadcast address."""
# Their clients keep connections open for long.
_DATABASES = ("postgres", "pgvector", "timescaledb", "mysql", "mariadb", "percona")
_KEEPALIVE = "net.ipv4.tcp_keepalive_time"
_SOCKETS = {"/var/run/docker.sock", "/run/docker.sock"}
# The first versions that ask the engine for its API. Those before know 1.24 alone.
_TRAEFIK_THAT_ASKS = {2: (2, 11, 31), 3: (3, 6, 1)}
_PASSWORD = re.compile(
    r"pass(?:word|wd|phrase)|_pwd$|secret(?:_(?:access_)?key)?$|token$"
    r"|(?:api|private|signing|encryption|master|access|account|subscription|service)_?key$",
    re.IGNORECASE,
)
_LOGIN_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s:]*:(?!\{\{)[^/@\s]+@", re.IGNORECASE)
_NO_PASSWORD = re.compile(r"|/.*|[0-9]+|true|false|yes|no|.*\{\{.*", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{\{-?\s*\.(?:Task|Service|Node)\.[^}]*\}\}")
_IDLE_SECONDS = 900
"""After so long a virtual address forgets a connection on which nothing is sent."""


def lint(
    specs: t.Iterable[Raw],
    nodes: Nodes,
    missing_paths: t.Mapping[str, t.Collection[str]],
    silence: t.Collection[str] = (),
    others: t.Iterable[Raw] = (),
    more: t.Iterable[Finding] = (),
) -> list[str]:
    """Warnings, each once. ``missing_paths`` are paths that are not there, by host name or node ID; nodes it lacks were not asked.

    ``others`` are the specs of other stacks' services, and ``more`` is what was found elsewhere.
    Raises PlanError for a bind mount whose source no eligible node has.
    """
    views = [ServiceSpec(spec) for spec in specs]
    findings = [
        *_bind_findings(views, nodes, missing_paths),
        *_without_node(views, nodes),
        *(finding for spec in views for check in _CHECKS for finding in check(spec, nodes)),
        *lint_room(views, nodes, [ServiceSpec(spec) for spec in others]),
        *_passwords(views),
        *more,
    ]
    return tell(findings, silence)


def bind_sources(spec: Raw) -> list[str]:
    mounts = ServiceSpec(spec).mounts
    # A source with a template differs from node to node.
    return sorted({m["Source"] for m in mounts if m.get("Type") == "bind" and m.get("Source") and "{{" not in m["Source"]})


def _bind_findings(specs: t.Iterable[ServiceSpec], nodes: Nodes, missing: t.Mapping[str, t.Collection[str]]) -> list[Finding]:
    problems: list[str] = []
    findings: list[Finding] = []
    for spec in specs:
        eligible = nodes.eligible(spec.raw)
        for source in bind_sources(spec.raw):
            lacking = sorted(hostname(node) for node in eligible if _lacks(node, source, missing))
            if lacking and len(lacking) == len(eligible):
                problems.append(f"service {spec.name} mounts {source}, which no node that may run it has ({', '.join(lacking)})")
            elif lacking:
                findings.append(about("bind_source", spec.name, f" mounts {source}, which {', '.join(lacking)} lacks"))
    if problems:
        raise PlanError(
            f"{'; '.join(problems)}",
            "The engine does not create the source of a bind mount: create the directory there (directories_present), use a volume, "
            "constrain the service to nodes that have it, or say in project_dir where relative paths start.",
        )
    return findings


def _lacks(node: Node, source: str, missing: t.Mapping[str, t.Collection[str]]) -> bool:
    return any(source in (missing.get(name) or ()) for name in (hostname(node), str(node.get("ID"))))


def refuse_differing_volumes(specs: t.Iterable[Raw], nodes: Nodes, differing: t.Mapping[str, t.Mapping[str, str]]) -> None:
    """Raise PlanError where a service may run on a node that has a volume of it with other options.

    ``differing`` is by host name or node ID, then by volume, and says how it differs. An engine takes a volume that is there as it is.
    """
    found: dict[str, None] = {}
    for spec in map(ServiceSpec, specs):
        named = [str(mount["Source"]) for mount in spec.volumes]
        for node in nodes.eligible(spec.raw) if named else ():
            there = {**(differing.get(hostname(node)) or {}), **(differing.get(str(node.get("ID"))) or {})}
            where = f"of {spec.name} exists on {hostname(node)}"
            found.update((f"volume {name} {where}: {there[name]}", None) for name in named if name in there)
    if found:
        raise PlanError(
            "; ".join(found),
            "An engine never changes a volume that exists. Remove it there (docker volume rm, after its tasks; a local volume loses its "
            "data), give it another name, or keep the service off that node.",
        )


def _without_node(specs: t.Iterable[ServiceSpec], nodes: Nodes) -> t.Iterator[Finding]:
    unfit = {spec.name: ", ".join(spec.constraints) for spec in specs if nodes.all and spec.constraints and not nodes.eligible(spec.raw)}
    if len(set(unfit.values())) > 1:
        told = "; ".join(f"{name} ({constraints})" for name, constraints in sorted(unfit.items()))
        yield Finding("no_node", tuple(unfit), f"no active node matches the constraints of these services: {told}")
    else:
        yield from (about("no_node", name, f": no active node matches {constraints}") for name, constraints in unfit.items())


def _single_replica(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[Finding]:
    if spec.mode != "replicated" or spec.desired != 1:
        return
    is_start_first, written = spec.update_config.get("Order") == "start-first", _written_volumes(spec)
    if is_start_first and written:
        yield about(
            "two_writers",
            spec.name,
            f": with start-first the old and the new task write into volume {', '.join(written)} at the same time; "
            "use update_config.order: stop-first",
        )
    if spec.ports and not is_start_first and not spec.host_ports and not written:
        yield about(
            "single_replica",
            spec.name,
            " publishes ports with one replica, and is down during each update; "
            "update_config.order: start-first with a health check prevents that",
        )


def _written_volumes(spec: ServiceSpec) -> list[str]:
    return [str(mount["Source"]) for mount in spec.volumes if not mount.get("ReadOnly")]


def _source_ip(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[Finding]:
    for port in spec.ports:
        if port.get("PublishedPort") in (80, 443) and port.get("PublishMode") != "host" and port.get("Protocol") != "udp":
            yield about(
                "source_ip",
                spec.name,
                f" publishes port {port['PublishedPort']} through the routing mesh, which hides the addresses of clients; "
                "mode: host shows them",
            )
            return


def _idle_connections(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[Finding]:
    name = spec.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    keepalive = str(spec.sysctls.get(_KEEPALIVE, ""))
    sends = keepalive.isdecimal() and int(keepalive) < _IDLE_SECONDS
    if name.startswith(_DATABASES) and spec.endpoint_mode != "dnsrr" and not sends:
        yield about(
            "idle",
            spec.name,
            f": its virtual address drops connections that are idle for {_IDLE_SECONDS // 60} minutes; "
            f"use endpoint_mode: dnsrr, or sysctls with {_KEEPALIVE}: 600",
        )


def _templates(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[Finding]:
    """They are filled in in variables, host names, mounts, and configs with a template_driver alone."""
    health = spec.container.get("Healthcheck") or {}
    words = [*spec.command, *(health.get("Test") or ())]
    literal = sorted({found[0] for word in words for found in _TEMPLATE.finditer(word)})
    if literal:
        yield about(
            "template",
            spec.name,
            f": {', '.join(literal)} is not expanded in a command; set it as a variable in environment and use that",
        )


def _all_gpus(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[Finding]:
    if "NVIDIA_VISIBLE_DEVICES=all" in spec.environment and not spec.reservations.get("GenericResources"):
        yield about(
            "all_gpus",
            spec.name,
            ": NVIDIA_VISIBLE_DEVICES=all without a reservation shows it every GPU of its node, also those of other services; "
            "reserve generic_resources",
        )


def _traefik_labels(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[Finding]:
    def has_some(labels: Raw) -> bool:
        return any(name.startswith("traefik.") for name in labels)

    if has_some(spec.container.get("Labels") or {}) and not has_some(spec.labels):
        yield about("traefik_labels", spec.name, ": Traefik reads the labels of services in a swarm; move them to deploy.labels")


def _passwords(specs: t.Iterable[ServiceSpec]) -> t.Iterator[Finding]:
    """One for all services, for their variables differ and the cure does not."""
    found = {spec.name: names for spec in specs if (names := sorted(filter(None, map(_password, spec.environment))))}
    if found:
        where = "; ".join(f"{name}: {', '.join(names)}" for name, names in sorted(found.items()))
        text = f"passwords seem to be in plain environment, which everyone can read who may inspect a service ({where}); use secrets"
        yield Finding("plain_password", tuple(found), text)


def _password(variable: str) -> str:
    """The name of a variable whose value is likely to be or to hold one; empty for others, such as a path, a realm or a number."""
    name, _equals, value = variable.partition("=")
    is_other = name.upper().endswith(("_FILE", "_REALM")) or _NO_PASSWORD.fullmatch(value)
    return name if _LOGIN_IN_URL.search(value) or (_PASSWORD.search(name) and not is_other) else ""


def _old_client(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[Finding]:
    """Of a tag that moves, such as v3, the version is not known."""
    image = spec.image.partition("@")[0].rpartition("/")[2]
    found = re.match(r"traefik:v?(\d+)\.(\d+)(?:\.(\d+))?", image)
    if not found or not set(bind_sources(spec.raw)) & _SOCKETS:
        return
    version = tuple(int(part) for part in found.groups() if part)
    first = _TRAEFIK_THAT_ASKS[min(max(version[0], 2), 3)]
    if version < first[: len(version)]:
        yield about(
            "old_client",
            spec.name,
            f": Traefik {'.'.join(map(str, version))} uses a version of the Engine API that engines from 29.0 on "
            f"refuse; use {'.'.join(map(str, first))} or later before you upgrade",
        )


_CHECKS = (_single_replica, _source_ip, _idle_connections, _templates, _all_gpus, _traefik_labels, _old_client)


def lint_addresses(
    specs: t.Iterable[Raw],
    networks: t.Iterable[Raw],
    others: t.Iterable[Raw],
    nodes: Nodes,
) -> t.Iterator[str]:
    """A warning for each network with a known subnet that gets full. Raises PlanError for one that has too few whatever node runs what.

    ``specs`` name networks; ``others`` are the specs of the remaining services, which may refer to networks by ID.
    """
    users = [ServiceSpec(spec) for spec in (*specs, *others)]
    for network in sorted(networks, key=lambda item: str(item["Name"])):
        attached = [spec for spec in users if spec.targets & {network["Name"], network.get("Id")}]
        size = sum(_size(config.get("Subnet", "")) for config in (network.get("IPAM") or {}).get("Config") or [])
        if not attached or not size:
            continue
        tasks = sum(task_count(spec.raw, nodes) for spec in attached)
        virtual = sum(spec.endpoint_mode != "dnsrr" for spec in attached)
        lasting = sum(task_count(spec.raw, nodes) for spec in attached if not spec.is_job)
        least = lasting + virtual + min(lasting, 1)
        if least > size:
            raise PlanError(
                f"network {network['Name']} has {size} addresses, and needs at least {least}: {lasting} tasks, {virtual} virtual "
                "addresses, and one for each node that runs some",
                "Give it a larger subnet, use several networks, or endpoint_mode: dnsrr.",
            )
        needed = tasks + virtual + len(nodes.all)
        if needed > NEARLY_FULL * size:
            yield (
                f"network {network['Name']} has {size} addresses and needs {needed}: {tasks} tasks, {virtual} virtual addresses, "
                f"{len(nodes.all)} nodes; use several networks, or endpoint_mode: dnsrr"
            )


def _size(subnet: str) -> int:
    try:
        network = ipaddress.ip_network(subnet, strict=False)
    except ValueError:
        return 0
    return max(0, network.num_addresses - _TAKEN_BY_THE_NETWORK) if network.version == 4 else 0
