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

_Finding = tuple[str, str]
NEARLY_FULL = 0.75
_TAKEN_BY_THE_NETWORK = 3
"""Its own address, the gateway, and the broadcast address."""
# Their clients keep connections open for long.
_DATABASES = ("postgres", "pgvector", "timescaledb", "mysql", "mariadb", "percona")
_KEEPALIVE = "net.ipv4.tcp_keepalive_time"
_SOCKETS = {"/var/run/docker.sock", "/run/docker.sock"}
# The first versions that ask the engine for its API. Those before know 1.24 alone.
_TRAEFIK_THAT_ASKS = {2: (2, 11, 31), 3: (3, 6, 1)}
_IDLE_SECONDS = 900
"""After so long a virtual address forgets a connection on which nothing is sent."""


def lint(
    specs: t.Iterable[Raw],
    nodes: Nodes,
    missing_paths: t.Mapping[str, t.Collection[str]],
    silence: t.Collection[str] = (),
) -> list[str]:
    """Warnings, each once. ``missing_paths`` are paths that are not there, by host name or node ID; nodes it lacks were not asked.

    Raises PlanError for a bind mount whose source no eligible node has.
    """
    views = [ServiceSpec(spec) for spec in specs]
    findings = _bind_findings(views, nodes, missing_paths)
    findings += [finding for spec in views for check in _CHECKS for finding in check(spec, nodes)]
    return [f"{text} ({rule})" for rule, text in findings if rule not in silence]


def bind_sources(spec: Raw) -> list[str]:
    mounts = ServiceSpec(spec).mounts
    # A source with a template differs from node to node.
    return sorted({m["Source"] for m in mounts if m.get("Type") == "bind" and m.get("Source") and "{{" not in m["Source"]})


def _bind_findings(specs: t.Iterable[ServiceSpec], nodes: Nodes, missing: t.Mapping[str, t.Collection[str]]) -> list[_Finding]:
    problems: list[str] = []
    findings: list[_Finding] = []
    for spec in specs:
        eligible = nodes.eligible(spec.raw)
        for source in bind_sources(spec.raw):
            lacking = sorted(hostname(node) for node in eligible if _lacks(node, source, missing))
            if lacking and len(lacking) == len(eligible):
                problems.append(f"service {spec.name} mounts {source}, which no node that may run it has ({', '.join(lacking)})")
            elif lacking:
                findings.append(("bind_source", f"service {spec.name} mounts {source}, which {', '.join(lacking)} lacks"))
    if problems:
        raise PlanError(
            f"{'; '.join(problems)}",
            "The engine does not create the source of a bind mount: create the directory there, "
            "use a volume, or constrain the service to nodes that have it.",
        )
    return findings


def _lacks(node: Node, source: str, missing: t.Mapping[str, t.Collection[str]]) -> bool:
    return any(source in (missing.get(name) or ()) for name in (hostname(node), str(node.get("ID"))))


def _placement(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[_Finding]:
    if nodes.all and spec.constraints and not nodes.eligible(spec.raw):
        yield "no_node", f"service {spec.name}: no active node matches {', '.join(spec.constraints)}"


def _capacity(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[_Finding]:
    eligible = nodes.eligible(spec.raw)
    replicas = spec.desired if spec.mode == "replicated" else 0
    limit = spec.most_on_a_node
    if limit and eligible and replicas > limit * len(eligible):
        yield (
            "capacity",
            f"service {spec.name}: {replicas} replicas, but {len(eligible)} nodes take {limit} each (max_replicas_per_node)",
        )
    wanted = _reserved(spec.reservations)
    if not eligible or not wanted or (spec.mode == "replicated" and not replicas):
        return
    for resource, amount in sorted(wanted.items()):
        needed, fits = max(1, replicas), 0
        for node in eligible:
            fits += int(_has(node).get(resource, 0) // amount)
            if fits >= needed:
                break
        else:
            yield (
                "capacity",
                f"service {spec.name}: {needed} tasks reserve {_amount(resource, amount)} each, "
                f"but the nodes that may run it have room for {fits}",
            )


def _single_replica(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[_Finding]:
    if spec.mode != "replicated" or spec.desired != 1 or not spec.ports:
        return
    if spec.update_config.get("Order") != "start-first" and not spec.host_ports:
        yield (
            "single_replica",
            f"service {spec.name} publishes ports with one replica, and is away during each update; "
            "update_config.order: start-first with a health check prevents that",
        )


def _source_ip(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[_Finding]:
    for port in spec.ports:
        if port.get("PublishedPort") in (80, 443) and port.get("PublishMode") != "host" and port.get("Protocol") != "udp":
            yield (
                "source_ip",
                f"service {spec.name} publishes port {port['PublishedPort']} through the routing mesh, which hides the addresses "
                "of clients; mode: host shows them",
            )
            return


def _idle_connections(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[_Finding]:
    name = spec.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    keepalive = str(spec.sysctls.get(_KEEPALIVE, ""))
    sends = keepalive.isdecimal() and int(keepalive) < _IDLE_SECONDS
    if name.startswith(_DATABASES) and spec.endpoint_mode != "dnsrr" and not sends:
        yield (
            "idle",
            f"service {spec.name}: its virtual address drops connections that are idle for {_IDLE_SECONDS // 60} minutes; "
            f"use endpoint_mode: dnsrr, or sysctls with {_KEEPALIVE}: 600",
        )


def _old_client(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[_Finding]:
    """Of a tag that moves, such as v3, the version is not known."""
    image = spec.image.partition("@")[0].rpartition("/")[2]
    found = re.match(r"traefik:v?(\d+)\.(\d+)(?:\.(\d+))?", image)
    if not found or not set(bind_sources(spec.raw)) & _SOCKETS:
        return
    version = tuple(int(part) for part in found.groups() if part)
    first = _TRAEFIK_THAT_ASKS[min(max(version[0], 2), 3)]
    if version < first[: len(version)]:
        yield (
            "old_client",
            f"service {spec.name}: Traefik {'.'.join(map(str, version))} speaks a version of the engine's API that engines from 29.0 on "
            f"refuse; take {'.'.join(map(str, first))} or later before an upgrade",
        )


def _host_port(spec: ServiceSpec, nodes: Nodes) -> t.Iterator[_Finding]:
    if spec.update_config.get("Order") != "start-first":
        return
    if spec.host_ports and spec.mode == "replicated" and len(nodes.eligible(spec.raw)) <= spec.desired:
        yield (
            "host_port",
            f"service {spec.name}: with start-first the new task can't have the host port that the old one holds; "
            "use update_config.order: stop-first",
        )
    generic = spec.reservations.get("GenericResources")
    if generic and nodes.all:
        reserved = _reserved({"GenericResources": generic})
        for resource, amount in reserved.items():
            total = sum(int(_has(node).get(resource, 0) // amount) for node in nodes.eligible(spec.raw))
            if total <= spec.desired:
                yield (
                    "capacity",
                    f"service {spec.name}: with start-first an update needs one more free {resource.partition(':')[2]} "
                    "than there is; use update_config.order: stop-first",
                )


def _reserved(reservations: Raw) -> dict[str, int]:
    amounts = {key: reservations[key] for key in ("NanoCPUs", "MemoryBytes") if reservations.get(key)}
    for item in reservations.get("GenericResources") or []:
        unit = item.get("DiscreteResourceSpec") or {}
        if unit.get("Value"):
            amounts[f"generic:{unit['Kind']}"] = unit["Value"]
    return amounts


def _has(node: Node) -> dict[str, int]:
    resources = (node.get("Description") or {}).get("Resources") or {}
    found: dict[str, int] = {key: resources.get(key) or 0 for key in ("NanoCPUs", "MemoryBytes")}
    for item in resources.get("GenericResources") or []:
        discrete, named = item.get("DiscreteResourceSpec"), item.get("NamedResourceSpec")
        kind = (discrete or named or {}).get("Kind", "")
        found[f"generic:{kind}"] = found.get(f"generic:{kind}", 0) + (int(discrete["Value"]) if discrete else 1)
    return found


def _amount(resource: str, amount: int) -> str:
    if resource == "NanoCPUs":
        return f"{amount / 1e9:g} CPUs"
    return f"{amount / 2**20:g} MiB" if resource == "MemoryBytes" else f"{amount} {resource.partition(':')[2]}"


_CHECKS = (_placement, _capacity, _single_replica, _source_ip, _idle_connections, _old_client, _host_port)


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
