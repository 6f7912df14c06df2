# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason not to begin: faults of hosts and of the inventory, from what ``host_info`` returned. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..module_utils._core.cluster.node import Quorum
from ..module_utils._core.cluster.subnets import find_overlaps, parse_subnet, refuse_public, refuse_routed
from ..module_utils.errors import PlanError
from .exposure import find_exposures
from .fault import LEAST_INODES_PERCENT, WARNING, Fault
from .preflight_ports import find_port_faults

MIN_PYTHON = (3, 9)
MIN_ENGINE = (20, 10)
MIN_SDK = (5, 0)
# requests 2.32 broke how the SDK before 7.1 finds the engine's socket.
SDK_FOR_REQUESTS, BREAKING_REQUESTS = (7, 1), (2, 32)
# An engine that was told to listen everywhere may be known so.
UNSPECIFIED = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Limits:
    manager_counts: t.Sequence[int]
    distributions: t.Mapping[str, t.Sequence[str]]
    min_memory_mb: int
    min_disk_free_mb: int
    max_clock_skew_seconds: float
    managers_group: str = "swarm_managers"
    address_pools: t.Sequence[str] = ()
    networks: t.Sequence[t.Mapping[str, t.Any]] = ()
    zones: t.Mapping[str, str] = field(default_factory=dict)
    public_ports: t.Sequence[t.Any] = (80, 443)


Results = t.Mapping[str, t.Mapping[str, t.Any]]


def find_faults(
    results: Results, managers: t.Sequence[str], workers: t.Sequence[str], limits: Limits, now: float, ports: Results | None = None
) -> list[Fault]:
    """All faults: of the inventory first, then host by host, then between hosts; at last warnings of what stands open.

    ``results`` has the registered result of ``host_info`` for each host, for one that did not answer that of the failed task; ``ports``
    that of ``port_probe`` for those that took part. ``now`` is the controller's time in seconds, read after the last answer.
    """
    faults = list(find_inventory_faults(managers, workers, limits))
    seen = {name: result["host"] for name, result in results.items() if "host" in result}
    faults.extend(_shared(seen, "hostname", "hostname", "Give each its own: hostnamectl set-hostname NAME"))
    copies = "They are copies, or one machine under two names: rm /etc/machine-id; systemd-machine-id-setup"
    faults.extend(_shared(seen, "machine_id", "machine-id", copies))
    bridges = "One of a bridge, such as docker0, is on every host: set swarm_advertise_addr to an interface or network between them"
    told = {name: host for name, host in seen.items() if host["address"] not in UNSPECIFIED}
    faults.extend(_shared(told, "address", "address", bridges))
    for name, result in results.items():
        if name in seen:
            faults.extend(_of_host(name, seen[name], limits, now, bool(result.get("check_mode"))))
        else:
            faults.append(_silent(name, result))
    faults.extend(_of_subnets(seen, limits))
    faults += _of_ports(seen, find_port_faults(ports or {}))
    exposures = find_exposures({name: host["exposure"] for name, host in seen.items()}, limits.public_ports)
    return faults + [Fault(each.where, "exposure", each.text, each.cure, WARNING) for each in exposures]


def _of_ports(seen: t.Mapping[str, t.Any], found: t.Iterable[Fault]) -> t.Iterator[Fault]:
    """The swarm sends what it has for a node to the address by which it knows it: one that has it no more looks closed."""
    moved = {name for name, host in seen.items() if host["member"] and host["address"] and host["address"] not in host["addresses"]}
    told: set[str] = set()
    for fault in found:
        if fault.where not in moved:
            yield fault
        elif fault.where not in told:
            told.add(fault.where)
            host = seen[fault.where]
            text = f"the swarm knows it by {host['address']}, which it has no more; it has {', '.join(host['addresses']) or 'none'}"
            cure = "Let it leave and join again: remove_node.yml, then site.yml. If that address is translated to it, open its ports"
            yield Fault(fault.where, "address", text, cure)


def find_inventory_faults(managers: t.Sequence[str], workers: t.Sequence[str], limits: Limits) -> t.Iterator[Fault]:
    """What is wrong with the groups, before any host is asked."""
    if not managers:
        yield Fault(
            "inventory",
            "managers",
            f"the group of managers, {limits.managers_group}, is empty or missing",
            "Put one, three or five hosts into it",
        )
    elif len(managers) not in limits.manager_counts:
        allowed = ", ".join(map(str, limits.manager_counts))
        yield Fault(
            "inventory",
            "managers",
            f"{len(managers)} managers, and only an odd number up to 7 improves the quorum",
            f"Have one of {allowed}, or set preflight_manager_counts",
        )
    both = sorted(set(managers) & set(workers))
    if both:
        yield Fault("inventory", "groups", f"{', '.join(both)} in both the managers and the workers", "Choose one group")
    yield from _of_zones(managers, limits.zones)


def _of_zones(managers: t.Sequence[str], zones: t.Mapping[str, str]) -> t.Iterator[Fault]:
    """``zones`` is by host. Whichever zone fails, a majority of the managers must be left; a single one has none to lose."""
    quorum = Quorum(len(managers), len(managers))
    for zone in sorted({zones[name] for name in managers if zones.get(name)}) if len(managers) > 1 else ():
        there = [name for name in managers if zones.get(name) == zone]
        if len(there) > quorum.margin:
            yield Fault(
                "inventory",
                "zones",
                f"{len(there)} of {len(managers)} managers, {', '.join(there)}, are in zone {zone}, so the swarm stops when it fails",
                f"Have at most {quorum.margin} in one zone, or leave preflight_zone empty",
            )


def _of_subnets(seen: t.Mapping[str, t.Any], limits: Limits) -> t.Iterator[Fault]:
    """Only before there is a swarm: later its pools are fixed, and module network looks after its networks."""
    if any(host["member"] for host in seen.values()):
        return
    routes = {name: host["routes"] for name, host in seen.items()}
    subnets = {f"network {each['name']}": [each["subnet"]] for each in limits.networks if each.get("subnet")}
    public = {f"network {each['name']}" for each in limits.networks if each.get("allow_public_subnet")}
    parsed: dict[str, list[t.Any]] = {}
    for owner, texts in {"the address pool": limits.address_pools, **subnets}.items():
        try:
            parsed[owner] = [parse_subnet(owner, text) for text in texts]
            if owner in subnets and owner not in public:
                refuse_public(owner, parsed[owner][0])
            refuse_routed(owner, parsed[owner], routes)
        except PlanError as error:
            yield Fault("inventory", "subnets", error.problem.rstrip("."), error.cure.rstrip("."))
    for owner, subnet, other, theirs in find_overlaps({name: parsed.get(name, []) for name in subnets}):
        yield Fault("inventory", "subnets", f"{owner} ({subnet}) overlaps {other} ({theirs})", "Give each its own range")


def _shared(seen: t.Mapping[str, t.Any], key: str, noun: str, cure: str) -> t.Iterator[Fault]:
    owners: dict[str, list[str]] = {}
    for name, host in seen.items():
        if host[key]:
            owners.setdefault(host[key], []).append(name)
    for value, names in owners.items():
        if len(names) > 1:
            yield Fault(", ".join(names), key, f"the same {noun} {value}", cure)


def _silent(name: str, result: t.Mapping[str, t.Any]) -> Fault:
    words = " ".join(str(result.get("msg") or "no answer").split()).replace("Task failed: ", "")
    words += "".join(f" ({line})" for line in str(result.get("module_stderr") or "").strip().splitlines()[-1:])
    if result.get("unreachable"):
        return Fault(
            name, "unreachable", f"can't be reached: {words.rsplit('ssh: ', 1)[-1].rstrip('.')}", "Start it, or leave it out with --limit"
        )
    if "sudo" in words or "become" in words or "privilege" in words:
        return Fault(name, "root", f"can't become root: {words.rstrip('.')}", "Check ansible_user, become and its password")
    return Fault(name, "ansible", f"can't run a module: {words.rstrip('.')}", "Install Python 3.9 or newer")


def _is_known(distribution: t.Mapping[str, str], limits: Limits) -> bool:
    """Where a major version is given, all its minor ones are meant."""
    version = distribution["version"]
    return not {version, version.split(".")[0]}.isdisjoint(limits.distributions.get(distribution["id"], ()))


def _of_host(name: str, host: t.Mapping[str, t.Any], limits: Limits, now: float, only_planned: bool) -> t.Iterator[Fault]:
    """A run that is ``only_planned`` changes nothing, so that it needs no root; module host_info says what it does not see then."""

    def fault(check: str, text: str, cure: str) -> Fault:
        return Fault(name, check, text, cure)

    distribution, engine = host["distribution"], _version(host["engine"])
    if not host["root"] and not only_planned:
        yield fault("root", "tasks don't run as root", "Set become: true, or connect as root")
    if _version(host["python"]) < MIN_PYTHON:
        yield fault("python", f"Python {host['python']}, 3.9 or newer is needed", "Set ansible_python_interpreter to a newer one")
    if not host["systemd"]:
        yield fault("systemd", "systemd does not run it", "The engine is started and kept by systemd: use a host that has it")
    known = _is_known(distribution, limits)
    if not engine and not known:
        others = ", ".join(f"{id_} {' and '.join(versions)}" for id_, versions in limits.distributions.items())
        yield fault(
            "distribution",
            f"no engine on {distribution['id']} {distribution['version']}, and it can be installed on {others}",
            "Install the engine and the Docker SDK for Python there yourself",
        )
    if engine and engine < MIN_ENGINE:
        yield fault("engine", f"engine {host['engine']}, 20.10 (API 1.41) or newer is needed", "Upgrade the engine")
    if host["memory_mb"] < limits.min_memory_mb:
        yield fault(
            "memory",
            f"{host['memory_mb']} MiB of memory, {limits.min_memory_mb} are needed",
            "Add memory, or set preflight_min_memory_mb",
        )
    if host["disk_free_mb"] < limits.min_disk_free_mb:
        yield fault(
            "disk",
            f"{host['disk_free_mb']} MiB free for the engine's data, {limits.min_disk_free_mb} are needed",
            "Free or add space, or set preflight_min_disk_free_mb",
        )
    inodes = host["disk_free_inodes_percent"]
    if inodes is not None and inodes < LEAST_INODES_PERCENT:
        yield fault(
            "disk",
            f"{inodes:g} % of the inodes free for the engine's data, needed are {LEAST_INODES_PERCENT:g} %",
            "Remove directories with many small files; prune.yml removes unused images",
        )
    if not host["addresses"]:
        yield fault("address", "only loopback addresses", "Nodes need an address that the others reach")
    elif host["address_problem"]:
        yield fault("address", host["address_problem"], host["address_cure"])
    if host["hostname"].split(".")[0] in ("", "localhost"):
        yield fault("hostname", f"its name is {host['hostname'] or 'empty'}", "Give it one of its own: hostnamectl set-hostname NAME")
    yield from _of_sdk(name, host, engine and not known)
    missing = [module for module, there in host["kernel_modules"].items() if there is False]
    if missing:
        yield fault(
            "kernel",
            f"its kernel has no {', '.join(missing)}",
            "Use a kernel that has them (for a cloud image, the full one), or set preflight_kernel_modules",
        )
    yield from _of_clock(name, host, limits, now)
    if host["live_restore"]:
        yield fault(
            "live_restore",
            "daemon.json turns live-restore on, which an engine in a swarm can't use",
            "Set engine_daemon_config to {live-restore: false} and run the role engine alone, or remove the key",
        )


def _of_sdk(name: str, host: t.Mapping[str, t.Any], brought_by_user: t.Any) -> t.Iterator[Fault]:
    """Where the engine can be installed the SDK is too; ``brought_by_user`` tells a host with an engine where it can't."""
    sdk, requests = host["sdk"]["docker"], host["sdk"]["requests"]
    cure = "Install python3-docker of the distribution, or docker 7.1 or newer with pip, for that Python"
    if not sdk and brought_by_user:
        yield Fault(name, "sdk", f"an engine, but no Docker SDK for Python {host['python']}", cure)
    elif sdk and _version(sdk) < MIN_SDK:
        yield Fault(name, "sdk", f"Docker SDK for Python {sdk}, 5.0 or newer is needed", cure)
    elif sdk and _version(sdk) < SDK_FOR_REQUESTS and _version(requests) >= BREAKING_REQUESTS:
        yield Fault(name, "sdk", f"Docker SDK for Python {sdk} does not work with requests {requests}", cure)


def _of_clock(name: str, host: t.Mapping[str, t.Any], limits: Limits, now: float) -> t.Iterator[Fault]:
    """The host read its clock after ``asked_at`` and before ``now``; only what lies outside of that is the clock's fault."""
    ahead = host["time"] - now
    behind = (host["asked_at"] or 0) - host["time"]
    skew, word = max((ahead, "ahead of"), (behind, "behind"))
    if skew > limits.max_clock_skew_seconds:
        yield Fault(
            name,
            "clock",
            f"its clock is {skew:.0f} s {word} the controller's",
            "Synchronise the clocks (chrony or systemd-timesyncd): certificates and raft depend on them",
        )


def summarise(told: t.Iterable[t.Mapping[str, str]], hosts: t.Sequence[str], with_ports: bool) -> str:
    """What is said where nothing keeps a run from beginning. ``told`` are faults that do not count, and warnings."""
    missing = [fault["where"] for fault in told if fault["check"] == "unreachable"]
    count = len(set(hosts) - set(missing))
    checked = f"{count} host{'' if count == 1 else 's'}{' and in the ports between them' * with_ports}"
    return f"preflight found no fault on {checked}" + (f"; not reached: {', '.join(missing)}" if missing else "")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
