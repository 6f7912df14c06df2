# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One verdict on a swarm, from what its hosts and one of its managers say. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass
from types import MappingProxyType

from .exposure import find_exposures
from .fault import LEAST_INODES_PERCENT
from .health_overlay import ONLY_SMALL, encrypts_ingress, find_clear_ways, find_closed_ways, find_keyless, overlay_words

OK, WARNING, FAILED = "ok", "warning", "failed"
REGISTRY_DAYS = 30
_ORDER = (OK, WARNING, FAILED)
_WORDS = {OK: "healthy", WARNING: "degraded", FAILED: "unhealthy"}

Given = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Finding:
    """``state`` is warning or failed; ``where`` is a host, node or service; ``cure`` says what to do."""

    area: str
    state: str
    where: str
    text: str
    cure: str


@dataclass(frozen=True)
class Limits:
    """Below ``min_disk_free_mb`` a disk is a failure, below twice as much a warning. ``certificate_days`` is when to warn.

    ``public_ports`` are those, such as 80 or 53/udp, that the world is meant to reach.
    """

    min_disk_free_mb: int
    certificate_days: float
    public_ports: t.Sequence[t.Any] = (80, 443)


def judge_health(
    hosts: t.Mapping[str, Given],
    cluster: Given,
    services: t.Sequence[Given],
    limits: Limits,
    overlay: t.Mapping[str, Given] = MappingProxyType({}),
    edge: Given = MappingProxyType({}),
) -> dict[str, t.Any]:
    """The verdict (healthy, degraded or unhealthy), a row for each area, and what is wrong.

    ``hosts`` has the registered result of ``health_info`` by host, also of those that failed or were unreachable; ``cluster`` the
    result of ``swarm_info``, without ``nodes`` where no manager can act; ``services`` those of ``stack_info``; ``overlay`` has the result
    of the second run of ``overlay_probe`` for each host that listened; ``edge`` is that of ``edge_info``, and a swarm without one has no
    row for it.
    """
    seen = {name: result for name, result in hosts.items() if "certificate_expires" in result}
    nodes = cluster.get("nodes") or []
    open_things = _of_exposure(seen, limits)
    parts: list[tuple[str, str, t.Iterable[Finding]]] = [
        ("hosts", f"{len(seen)} of {len(hosts)} answer", _of_hosts(hosts, seen)),
        ("network", _network_words(seen), _of_network(seen, nodes)),
        ("nodes", f"{sum(node['state'] == 'ready' for node in nodes)} of {len(nodes)} ready", _of_nodes(nodes, cluster)),
        ("quorum", _quorum_words(cluster), _of_quorum(cluster)),
        ("overlay", overlay_words(overlay), _of_overlay(overlay, cluster, seen)),
        ("services", _services_words(services), [*_of_services(services), *_of_crashing(cluster, services)]),
        ("mounts", _mounts_words(seen), _of_mounts(seen)),
        ("gpus", _gpus_words(seen, nodes), _of_gpus(seen, nodes)),
        ("certificates", _soonest_words(seen), _of_certificates(seen, limits)),
        ("disks", _fullest_words(seen), _of_disks(seen, limits)),
        ("exposure", _exposure_words(open_things), open_things),
    ]
    if edge.get("edges"):
        parts.append(("edge", _edge_words(edge["routes"]), _of_edge(edge["routes"])))
    areas, findings = [], []
    for area, words, found in parts:
        mine = list(found)
        findings += mine
        areas.append({"area": area, "state": _worst(mine), "text": words})
    return {"verdict": _WORDS[_worst(findings)], "areas": areas, "findings": [asdict(finding) for finding in findings]}


def _worst(findings: t.Iterable[Finding]) -> str:
    return max((finding.state for finding in findings), key=_ORDER.index, default=OK)


def _of_hosts(hosts: t.Mapping[str, Given], seen: t.Mapping[str, Given]) -> t.Iterator[Finding]:
    for name, result in hosts.items():
        if name not in seen:
            words = " ".join(str(result.get("msg") or "no answer").split()).rpartition("ssh: ")[2].rstrip(".")
            yield Finding("hosts", FAILED, name, f"does not answer: {words}", "Start it, or check how Ansible connects")
        elif result["state"] != "active":
            problem = f" ({result['problem'].rstrip('.')})" if result["problem"] else ""
            cure = "Unlock it with site.yml" if result["state"] == "locked" else "Start its engine, or make it a member with site.yml"
            yield Finding("hosts", FAILED, name, f"its engine is in state {result['state']}{problem}", cure)


def _network_words(seen: t.Mapping[str, Given]) -> str:
    return f"{sum(not (host['filter_problem'] or host['names_problem']) for host in seen.values())} of {len(seen)} filter and look up names"


def _of_network(seen: t.Mapping[str, Given], nodes: t.Sequence[Given]) -> t.Iterator[Finding]:
    """What keeps packets, names and addresses of one host from working, which others may see as a closed port or a missing image."""
    told = {node["node_id"]: node.get("address") or "" for node in nodes}
    for name, host in seen.items():
        if host["filter_problem"]:
            text = f"its packet filter was emptied: {host['filter_problem']}"
            cure = "Drain it, restart its engine, activate it; keep other tools from flushing iptables"
            yield Finding("network", FAILED, name, text, cure)
        if host["names_problem"]:
            cure = "Check /etc/resolv.conf and the servers it names: images can't be pulled and packages not be had by name"
            yield Finding("network", WARNING, name, f"can't look names up: {host['names_problem']}", cure)
        seen_as = told.get(host["node_id"], "")
        if host["address"] and not host["has_address"] and seen_as not in ("", host["address"]):
            text = f"the swarm knows it by {host['address']}, which it has no more, and sees it at {seen_as}"
            yield Finding("network", FAILED, name, text, "Let it leave and join again: remove_node.yml, then site.yml")


def _of_nodes(nodes: t.Sequence[Given], cluster: Given) -> t.Iterator[Finding]:
    for node in nodes:
        name = node["hostname"]
        if node["state"] != "ready":
            ghost = node["node_id"] in (cluster.get("ghosts") or [])
            cure = (
                "Its host is up under another id: remove this one with nodes_remove_ghosts" if ghost else "Start it, or run remove_node.yml"
            )
            yield Finding("nodes", FAILED, name, f"is {node['state']}", cure)
        elif node["availability"] != "active":
            text = f"takes no tasks, it is set to {node['availability']}"
            yield Finding("nodes", WARNING, name, text, "Run activate.yml when the work on it is done")


def _quorum_words(cluster: Given) -> str:
    quorum = cluster.get("quorum") or {}
    if not quorum:
        return "no manager can act"
    return f"{quorum['reachable']} of {quorum['managers']} managers reachable, {quorum['margin'] or 'none'} may fail"


def _of_quorum(cluster: Given) -> t.Iterator[Finding]:
    if not cluster.get("quorum"):
        cure = "Start managers until most of them run; if they are lost, run recover.yml"
        yield Finding("quorum", FAILED, "swarm", "no manager of the inventory can act", cure)
        return
    for manager in cluster.get("managers") or []:
        if not manager["reachable"]:
            text = "this manager can't be reached by the others"
            yield Finding("quorum", FAILED, manager["hostname"], text, "Start it, or check port 2377")


def _of_overlay(overlay: t.Mapping[str, Given], cluster: Given, seen: t.Mapping[str, Given]) -> t.Iterator[Finding]:
    port = (cluster.get("cluster") or {}).get("data_path_port") or 4789
    for closed in find_closed_ways(overlay):
        which = f" in encrypted network{'s'[: len(closed.networks) - 1]} {', '.join(closed.networks)}" if closed.networks else ""
        others = "" if " " in closed.where else " from or to any other node"
        cure = f"Check UDP {port} with preflight.yml"
        if closed.outcome == ONLY_SMALL:
            cure = "Raise the MTU between them, or give the networks an mtu of 50 less than it (encrypted ones 100)"
        elif which or encrypts_ingress(overlay):
            keyless = ", ".join(find_keyless(overlay, closed.where))
            cure = "Let ESP (IP protocol 50) through; the kernel needs esp4, xfrm_user, xt_policy and xt_bpf (older engines xt_u32)"
            if keyless:
                cure = f"The kernel of {keyless} holds no keys for ESP (IP protocol 50): load esp4 and xfrm_user there, restart the engine"
        text = f"{closed.outcome}{others}{which}, so containers there can't talk to each other"
        yield Finding("overlay", FAILED, closed.where, text, cure)
    for network, ways in find_clear_ways(overlay).items():
        rules = "it marks what to encrypt in the table mangle of iptables, with the kernel module xt_bpf (older engines xt_u32)"
        cure = f"Drain the sender, restart its engine, activate it: {rules}"
        yield Finding("overlay", FAILED, network, f"is an encrypted network, but traffic is in clear text from {ways}", cure)
    for name in sorted(seen.keys() - overlay.keys()) if overlay else ():
        if seen[name]["state"] == "active":
            text = "has no endpoint in the ingress network, so it does not answer on published ports"
            yield Finding("overlay", FAILED, name, text, "Drain it, restart its engine, activate it")


def _services_words(services: t.Sequence[Given]) -> str:
    return f"{sum(service['state'] in ('running', 'completed') for service in services)} of {len(services)} run as they should"


def _of_services(services: t.Sequence[Given]) -> t.Iterator[Finding]:
    for service in services:
        count = f"{service['running']} of {service['desired']} tasks"
        if service["state"] == "failed":
            is_paused = service["update_state"] in ("paused", "rollback_paused")
            verbs = "Fix the cause and run restart.yml, or run rollback.yml," if is_paused else "Run logs.yml"
            cure = f"{verbs} -e services_names={service['name']}"
            yield Finding("services", FAILED, service["name"], f"{count}: {service['cause']}", cure)
        elif service["state"] == "waiting":
            yield Finding("services", WARNING, service["name"], f"{count}: {service['cause']}", "Check again when it has had time to start")


def _of_crashing(cluster: Given, services: t.Sequence[Given]) -> t.Iterator[Finding]:
    """What happens to run at the moment. Of the others their own cause is told."""
    running = {service["name"] for service in services if service["state"] == "running"}
    for each in (cluster.get("tasks") or {}).get("crashing") or []:
        if each["service"] in running:
            text = f"runs now, but failed {each['failures']} times within the last hour: {each['error']}"
            yield Finding("services", WARNING, each["service"], text, f"Run logs.yml -e services_names={each['service']}")


def _mounts_words(seen: t.Mapping[str, Given]) -> str:
    mounts = [mount for host in seen.values() for mount in host["mounts"]]
    return f"{sum(not mount['problem'] for mount in mounts)} of {len(mounts)} answer" if mounts else "none from other hosts"


def _of_mounts(seen: t.Mapping[str, Given]) -> t.Iterator[Finding]:
    for name, host in seen.items():
        for mount in host["mounts"]:
            if mount["problem"]:
                text = f"{mount['path']} from {mount['source']}: {mount['problem']}"
                yield Finding("mounts", FAILED, name, text, "Check the server and the network to it, then mount again")


def _gpus_words(seen: t.Mapping[str, Given], nodes: t.Sequence[Given]) -> str:
    present = {_unit(gpu) for host in seen.values() for gpu in host["gpus"]}
    advertised = [_unit(unit) for node in nodes for unit in node["generic_resources"]]
    return f"{sum(unit in present for unit in advertised)} of {len(present)} offered to the swarm" if present else "none"


def _of_gpus(seen: t.Mapping[str, Given], nodes: t.Sequence[Given]) -> t.Iterator[Finding]:
    """Kinds are the user's to name, so that a GPU is known by its UUID alone."""
    advertised = {node["node_id"]: {_unit(unit) for unit in node["generic_resources"]} for node in nodes}
    for name, host in seen.items():
        if host["gpu_problem"]:
            yield Finding("gpus", FAILED, name, f"nvidia-smi: {' '.join(host['gpu_problem'].split())}", "Check driver and GPU")
            continue
        present, offered = {_unit(gpu) for gpu in host["gpus"]}, advertised.get(host["node_id"], set())
        for unit in sorted(present - offered) if nodes else ():
            yield Finding("gpus", WARNING, name, f"{unit} is not offered to the swarm", "Put the host into gpu_nodes and run site.yml")
        for unit in sorted(unit for unit in offered - present if unit.startswith(("GPU-", "MIG-"))):
            text = f"{unit} is offered to the swarm, but does not exist"
            yield Finding("gpus", FAILED, name, text, "Check driver and GPU, then run site.yml")


def _unit(text: str) -> str:
    return text.partition("=")[2]


def _known_days(seen: t.Mapping[str, Given]) -> dict[str, float]:
    return {name: host["certificate_days"] for name, host in seen.items() if host["certificate_days"] is not None}


def _soonest_words(seen: t.Mapping[str, Given]) -> str:
    days = _known_days(seen)
    first = min(days, key=lambda name: days[name], default="")
    return f"the first ends in {days[first]:.0f} days, on {first}" if first else "none is known"


def _of_certificates(seen: t.Mapping[str, Given], limits: Limits) -> t.Iterator[Finding]:
    for name, days in _known_days(seen).items():
        if days <= 0:
            cure = "Make the node leave, and join it again with site.yml; check its clock"
            yield Finding("certificates", FAILED, name, f"its certificate ended {-days:.0f} days ago", cure)
        elif days < limits.certificate_days:
            cure = "The engine renews it by itself: check that it reaches the managers, or run rotate.yml"
            yield Finding("certificates", WARNING, name, f"its certificate ends in {days:.1f} days", cure)
    # The routing mesh shows one registry on every host.
    ends: dict[str, tuple[float, str]] = {}
    for name, host in seen.items():
        for registry in host["exposure"]["registries"]:
            if registry["certificate_days"] is not None and registry["certificate_days"] < REGISTRY_DAYS:
                ends.setdefault(registry["port"], (registry["certificate_days"], name))
    for port, (days, name) in ends.items():
        text = f"the certificate of the registry at port {port.partition('/')[0]} ends in {days:.1f} days"
        yield Finding(
            "certificates", WARNING, name, text, "Run site.yml, which renews it; replace one of your own in registry_credentials_file"
        )


def _fullest_words(seen: t.Mapping[str, Given]) -> str:
    first = min(seen, key=lambda name: seen[name]["disk_free_mb"], default="")
    return f"at least {seen[first]['disk_free_mb'] / 1024:.1f} GiB free, on {first}" if first else "none is known"


def _of_disks(seen: t.Mapping[str, Given], limits: Limits) -> t.Iterator[Finding]:
    for name, host in seen.items():
        free = host["disk_free_mb"]
        if free < 2 * limits.min_disk_free_mb:
            state = FAILED if free < limits.min_disk_free_mb else WARNING
            text = f"{free} MiB of {host['disk_total_mb']} free for {host['data_root']}"
            yield Finding("disks", state, name, text, "Free or add space; prune.yml removes unused images")
        if host["disk_read_only"]:
            text = f"its engine can't write: {', '.join(host['disk_read_only'])} is read-only"
            yield Finding("disks", FAILED, name, text, "Look at the kernel's messages (dmesg), check the file system, mount it again")
        for pull in host["pulls"][-1:]:
            text = f"could not pull an image within the last hour: {pull['cause']}"
            yield Finding("disks", WARNING, name, text, "Mend that, and run again what needs the image")
        inodes = host["disk_free_inodes_percent"]
        if inodes is not None and inodes < 2 * LEAST_INODES_PERCENT:
            state = FAILED if inodes < LEAST_INODES_PERCENT else WARNING
            text = f"{inodes:g} % of the inodes free for {host['data_root']}"
            yield Finding("disks", state, name, text, "Remove directories with many small files; prune.yml removes unused images")


def _exposure_words(found: t.Sequence[Finding]) -> str:
    return f"{len(found)} to close" if found else "nothing stands open"


def _of_exposure(seen: t.Mapping[str, Given], limits: Limits) -> list[Finding]:
    found = find_exposures({name: host["exposure"] for name, host in seen.items()}, limits.public_ports)
    return [Finding("exposure", FAILED if each.grave else WARNING, each.where, each.text, each.cure) for each in found]


def _edge_words(routes: t.Sequence[Given]) -> str:
    return f"{sum(route['state'] != FAILED for route in routes)} of {len(routes)} routes answer"


def _of_edge(routes: t.Sequence[Given]) -> t.Iterator[Finding]:
    for route in routes:
        if route["state"] != OK:
            yield Finding("edge", route["state"], route["host"], route["text"], route["cure"])
