# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports are closed between hosts, from what ``port_probe`` returned on each. Pure."""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections import defaultdict
from dataclasses import dataclass

from ..module_utils._core.cluster.member_state import read_info
from ..module_utils._core.host import firewall
from .fault import Fault

OPEN = "open"
WHOLE, PARTNERS = 32, 16
SHOWN = 5
GOSSIP_PORT = "7946"
GOSSIP, PURPOSES = "gossip between nodes", {"TCP": "managers", "UDP": "containers"}


@dataclass(frozen=True)
class _Way:
    """One try: from one host to a port of another, and what came of it."""

    source: str
    target: str
    outcome: str


def plan_ring(
    results: t.Mapping[str, t.Mapping[str, t.Any]], data_path_port: int, when: str = "always", managers: t.Collection[str] = ()
) -> dict[str, t.Any]:
    """Who takes part in the check of the ports, and with whom, by address; nobody, where there are not two who can.

    ``results`` has the registered result of ``host_info`` by host. ``data_path_port`` is that of a swarm which is still to be made.
    ``when`` is always, never, or auto, with the hosts that are to be ``managers``.
    """
    hosts = {name: result.get("host") or {} for name, result in results.items()}
    able = {name: host for name, host in hosts.items() if host.get("root") and host.get("address")}
    if len(able) < 2 or when == "never" or (when == "auto" and is_settled(results, managers)):
        able = {}
    return {
        # The hosts' clocks are in it, so that each run has another one.
        "run": hashlib.sha256(json.dumps(able, sort_keys=True).encode()).hexdigest()[:16],
        "peers": {name: {peer: able[peer]["address"] for peer in partners} for name, partners in choose_partners(list(able)).items()},
        "data_path_peers": {name: host["data_path_address"] for name, host in able.items()},
        "data_path_port": next((host["data_path_port"] for host in able.values() if host["member"]), data_path_port),
    }


def is_settled(results: t.Mapping[str, t.Mapping[str, t.Any]], managers: t.Collection[str]) -> bool:
    """Whether the swarm itself proves that its nodes get through to each other: all are in it as they are to be, and ready.

    Where role firewall limits ports, its rules have to be there. A host of which no record was made proves nothing.
    """
    records = {name: result.get("record") or {} for name, result in results.items()}
    listings = [record["engine"]["/nodes"] for record in records.values() if "/nodes" in record.get("engine", {})]
    states = {(node.get("Status") or {}).get("State") for node in (listings[0] if listings else [])}
    return states == {"ready"} and all(_is_member(record, name in managers) for name, record in records.items())


def _is_member(record: t.Mapping[str, t.Any], is_manager: bool) -> bool:
    seen = read_info("", record.get("engine", {}).get("/info") or {})
    has_role = seen.state == "active" and (seen.role == "manager") == is_manager
    units = record.get("host", {}).get("units", {})
    return has_role and bool((units.get(firewall.UNIT, {"active": True}) or {}).get("active"))


def choose_partners(names: t.Sequence[str]) -> dict[str, list[str]]:
    """Who tries whom. Up to WHOLE hosts everybody tries all others; with more each tries as many, near and far in the list.

    Whom a host tries, tries it.
    """
    count = len(names)
    strides = list(range(1, count))
    if count > WHOLE:
        apart = {1 + number * (count // 2 - 1) // (PARTNERS // 2 - 1) for number in range(PARTNERS // 2)}
        strides = sorted({*apart, *(count - stride for stride in apart)})
    return {name: [names[(place + stride) % count] for stride in strides] for place, name in enumerate(names)}


def find_port_faults(results: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[Fault]:
    """What is closed, told once for a host that nobody gets to, or that gets nowhere, and else by target.

    ``results`` has the registered result of the collecting run for each host that took part, also of those that failed.
    """
    reports = {name: result for name, result in results.items() if _is_report(result)}
    faults = [
        Fault(
            name,
            "ports",
            f"its ports can't be checked: {' '.join(str(result.get('msg') or 'no answer').split()).rstrip('.')}",
            "Run again, or leave the check out with preflight_skip: [ports]",
        )
        for name, result in results.items()
        if name not in reports
    ]
    faults += [
        Fault(name, "ports", "UDP can't be seen here", "Connect as root or become root, with the capability NET_RAW")
        for name, report in reports.items()
        if report["udp"] is None
    ]
    for (protocol, port), ways in sorted(_ways(reports).items()):
        faults += _judge(protocol, port, ways)
    return faults


def _is_report(result: t.Mapping[str, t.Any]) -> bool:
    """Whether a host told of each peer by port. UDP may be out of its sight."""
    tables = [result[name] for name in ("tcp", "udp") if result.get(name) is not None]
    return "tcp" in result and "udp" in result and all(isinstance(ports, t.Mapping) for table in tables for ports in table.values())


def _ways(reports: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[tuple[str, str], list[_Way]]:
    """By protocol and port. TCP is told by the source, UDP by the target."""
    ways: dict[tuple[str, str], list[_Way]] = defaultdict(list)
    for name, report in reports.items():
        for peer, ports in report["tcp"].items():
            for port, outcome in ports.items():
                ways["TCP", port].append(_Way(name, peer, str(outcome)))
        for peer, seen in (report["udp"] or {}).items():
            for port, arrived in seen.items():
                ways["UDP", port].append(_Way(peer, name, OPEN if arrived else "nothing arrives"))
    return {goal: [way for way in found if {way.source, way.target} <= set(reports)] for goal, found in ways.items()}


def _judge(protocol: str, port: str, ways: t.Sequence[_Way]) -> t.Iterator[Fault]:
    what = f"{protocol} {port} ({GOSSIP if port == GOSSIP_PORT else PURPOSES[protocol]})"
    closed = [way for way in ways if way.outcome != OPEN]
    deaf = _all_closed(ways, lambda way: way.target)
    mute = _all_closed([way for way in ways if way.target not in deaf], lambda way: way.source)
    for target in sorted({way.target for way in closed if way.target in deaf or way.source not in mute}):
        sources = [way for way in closed if way.target == target and (target in deaf or way.source not in mute)]
        nobody = " any other node," if target in deaf and len(sources) > 1 else ""
        yield Fault(
            target,
            "ports",
            f"{what} is closed for{nobody} {_names(way.source for way in sources)}: {_outcomes(sources)}",
            f"Open {protocol} {port} for the nodes in the firewall of {target}, and in those between, such as security groups{_hint(what)}",
        )
    for source in sorted(mute):
        targets = [way for way in closed if way.source == source and way.target not in deaf]
        yield Fault(
            source,
            "ports",
            f"{what} is closed from here to every other node, {_names(way.target for way in targets)}: {_outcomes(targets)}",
            f"Let {protocol} {port} out in the firewall of {source}, and through those between, such as security groups{_hint(what)}",
        )


def _all_closed(ways: t.Sequence[_Way], end: t.Callable[[_Way], str]) -> set[str]:
    """Hosts at this end of which nothing is open; with two hosts alone the target is the one to look at."""
    tried, closed = defaultdict(list), defaultdict(list)
    for way in ways:
        tried[end(way)].append(way)
        if way.outcome != OPEN:
            closed[end(way)].append(way)
    return {host for host, found in closed.items() if len(found) == len(tried[host]) > 1}


def _names(names: t.Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return f"{', '.join(listed[:SHOWN])}{more}"


def _outcomes(ways: t.Iterable[_Way]) -> str:
    return ", ".join(sorted({way.outcome for way in ways}))


def _hint(what: str) -> str:
    """Some networks take the port of VXLAN for themselves."""
    other = "; where the network itself uses that port, create the swarm with another swarm_data_path_port"
    return other if what.endswith("(containers)") else ""
