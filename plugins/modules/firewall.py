#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: firewall
short_description: Let only peers use the ports of the swarm
version_added: 0.1.0
description:
  - Has chains of its own in iptables and ip6tables. They let O(peers) use the ports of the swarm and drop everybody else there, and let
    the sources in O(published) use published ports and drop everybody else. Ports that are not named, default policies and the rules of
    others stay as they are.
  - What the swarm's ports accept, they accept before ufw and other rules of iptables are asked.
  - Published ports are limited in C(DOCKER-USER), by the port that the client asked for, and in C(INPUT), where the engine itself listens.
  - A systemd unit brings the rules back when the host, the engine, or a service that flushes them starts or reloads.
  - Refuses to limit a port where sshd listens, and to cut off a node that is in the swarm.
extends_documentation_fragment:
  - flotilla.swarm.attributes
  - flotilla.swarm.engine
options:
  state:
    description:
      - V(absent) removes the chains, the unit and the files. O(peers) and the other options are not looked at then.
    type: str
    choices: [present, absent]
    default: present
  peers:
    description:
      - Addresses, networks such as V(10.0.0.0/24), and names of all nodes of the swarm, this one included.
      - Names are looked up on this host.
      - Required with O(state=present).
    type: list
    elements: str
  manager:
    description: Whether this node is a manager, which peers reach at port 2377. Nobody reaches that port on others.
    type: bool
    default: false
  data_path_port:
    description: The swarm's UDP port for the traffic between containers.
    type: int
    default: 4789
  encrypted:
    description:
      - Whether there are encrypted overlay networks. Peers may send ESP (IP protocol 50) then, and nobody else.
      - With V(false) ESP is left alone.
    type: bool
    default: false
  published:
    description: Published ports that only some may use.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port that clients ask for.
        type: int
        required: true
      protocol:
        description: Its protocol.
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
      sources:
        description: Addresses and networks that may use it. Containers of this host are no exception.
        type: list
        elements: str
        required: true
  ssh_ports:
    description: TCP ports that are never limited, besides those where sshd listens.
    type: list
    elements: int
    default: []
requirements:
  - iptables
  - systemd
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Keep the swarm's ports for its nodes, and the dashboard for the office
  flotilla.swarm.firewall:
    peers: [10.0.0.11, 10.0.0.12, 10.0.0.13]
    manager: true
    published:
      - {port: 8080, sources: [192.0.2.0/24]}

- name: Remove all of it
  flotilla.swarm.firewall:
    state: absent
"""

RETURN = r"""
plan:
  description: What was changed, or in check mode would be. At most one change, of kind V(firewall), with each rule that comes or goes.
  returned: success
  type: list
  elements: dict
"""

import typing as t
from dataclasses import dataclass

from ..module_utils._core.host import firewall
from ..module_utils._io import systemd
from ..module_utils._io.host import Host
from ..module_utils._io.member import Member
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Field, Plan, short_hash
from ..module_utils.runner import run_module

PORT = {
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp", "sctp"], "default": "tcp"},
    "sources": {"type": "list", "elements": "str", "required": True},
}
ARGUMENTS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "peers": {"type": "list", "elements": "str"},
    "manager": {"type": "bool", "default": False},
    "data_path_port": {"type": "int", "default": 4789},
    "encrypted": {"type": "bool", "default": False},
    "published": {"type": "list", "elements": "dict", "default": [], "options": PORT},
    "ssh_ports": {"type": "list", "elements": "int", "default": []},
}
COMMANDS = {4: "iptables", 6: "ip6tables"}
WAIT = ["--wait", "10"]


@dataclass(frozen=True)
class Observed:
    live: dict[int, firewall.Chains]
    files: dict[str, str | None]
    unit: dict[str, bool]
    addresses: dict[str, list[str]]
    nodes: dict[str, str]
    swarm_port: int
    ssh_ports: set[int]
    closed_tables: list[str]
    has_iptables: bool


@dataclass(frozen=True)
class Work:
    live: dict[int, firewall.Chains]
    wanted: dict[int, firewall.Chains]
    files: dict[str, str]
    former: dict[str, str | None]


def observe(place: MemberHost, params: dict[str, t.Any]) -> Observed:
    host, member = place.host, place.member
    present = params["state"] == "present"
    info = member.inspect("")[1] if present else {}
    swarm = info.get("Swarm") or {}
    return Observed(
        live=read_rules(host),
        files={path: host.read(path) for path in (firewall.UNIT_FILE, firewall.SCRIPT_FILE, *firewall.RULES_FILES.values())},
        unit=host.units([firewall.UNIT]).get(firewall.UNIT, {"active": False, "enabled": False}),
        addresses={peer: _look_up(host, peer) for peer in params["peers"] or [] if not firewall.is_address(peer)},
        nodes=_nodes(member, swarm),
        swarm_port=(swarm.get("Cluster") or {}).get("DataPathPort") or 0,
        ssh_ports=firewall.parse_ssh_ports(host.run(["sshd", "-T"])[1], host.run(["ss", "-Hltnp"])[1]) if present else set(),
        closed_tables=firewall.closed_tables(host.run(["nft", "--json", "list", "chains"])[1]) if present else [],
        has_iptables=bool(host.find_command("iptables")),
    )


def read_rules(host: Host) -> dict[int, firewall.Chains]:
    """The filter table of each IP version that this host has; without chains if there is no iptables yet."""
    versions = [4, 6] if host.exists(firewall.HAS_IPV6) else [4]
    found: dict[int, firewall.Chains] = {version: {} for version in versions}
    for version in versions if host.find_command("iptables") else []:
        code, out, err = host.run([COMMANDS[version], *WAIT, "--list-rules"])
        if code:
            raise FlotillaError(
                f"reading the rules of {COMMANDS[version]}: {err.strip()}", "Check that Ansible becomes root (become: true)."
            )
        found[version] = firewall.parse(out)
    return found


def _look_up(host: Host, name: str) -> list[str]:
    lines = host.run(["getent", "ahosts", name])[1].splitlines()
    if not lines:
        raise PlanError(f"peers: {name} can't be resolved on this host", "Write its address.")
    return list(dict.fromkeys(line.split()[0] for line in lines))


def _nodes(member: Member, swarm: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Name -> address of the nodes that this one knows to be in its swarm: a manager all that are up, a worker the managers."""
    if swarm.get("LocalNodeState") != "active":
        return {}
    known = {peer["NodeID"]: peer["Addr"].rpartition(":")[0].strip("[]") for peer in swarm.get("RemoteManagers") or []}
    if swarm.get("ControlAvailable") and not swarm.get("Error"):
        listed = member.require_engine().get("/nodes", doing="listing the nodes of the swarm")
        known = {
            node["Description"]["Hostname"]: node["Status"].get("Addr", "") for node in listed if node["Status"].get("State") != "down"
        }
    return known


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    wanted: dict[int, firewall.Chains] = {}
    files: dict[str, str] = {}
    warnings: list[str] = []
    if params["state"] == "present":
        policy = read_policy(observed, params)
        firewall.refuse(policy, observed.ssh_ports | set(params["ssh_ports"]))
        firewall.refuse_outsiders(policy, observed.nodes)
        if observed.swarm_port not in (0, params["data_path_port"]):
            raise PlanError(f"data_path_port is {params['data_path_port']}, but this swarm uses {observed.swarm_port}.")
        wanted = {version: firewall.chains(policy, version) for version in observed.live}
        files = {firewall.UNIT_FILE: firewall.UNIT_TEXT, firewall.SCRIPT_FILE: firewall.SCRIPT_TEXT}
        files.update({path: firewall.render(firewall.chains(policy, version)) for version, path in firewall.RULES_FILES.items()})
        warnings = [
            f"the table {name} of nftables drops what it doesn't accept itself. Accept the swarm's ports from its nodes there too"
            for name in observed.closed_tables
        ]
    fields = firewall.differences(observed.live, wanted) + _file_fields(observed, files)
    if not fields:
        return Plan(warnings=tuple(warnings))
    action = "remove" if not wanted else "update" if observed.files[firewall.UNIT_FILE] is not None else "create"
    if wanted and not observed.has_iptables:
        warnings.append("there is no iptables on this host; the engine's packages bring it")
    work = Work(observed.live, wanted, files, observed.files)
    return Plan((Change("firewall", "swarm", action, fields, payload=work),), tuple(warnings))


def read_policy(observed: Observed, params: dict[str, t.Any]) -> firewall.Policy:
    """What the options ask for, with names as the addresses that they were found to have."""
    peers = [address for peer in params["peers"] for address in observed.addresses.get(peer, [peer])]
    return firewall.Policy(
        peers=firewall.read_networks(peers, "peers"),
        manager=params["manager"],
        data_path_port=params["data_path_port"],
        encrypted=params["encrypted"],
        published=tuple(
            firewall.Limit(item["port"], item["protocol"], firewall.read_networks(item["sources"], f"published: {item['port']}: sources"))
            for item in params["published"]
        ),
    )


def _file_fields(observed: Observed, wanted: dict[str, str]) -> tuple[Field, ...]:
    hashes = {path: tuple(text and short_hash(text) for text in (before, wanted.get(path))) for path, before in observed.files.items()}
    fields = [Field(path, before, after) for path, (before, after) in hashes.items() if before != after]
    for state, word in (("enabled", "disabled"), ("active", "inactive")):
        if wanted and not observed.unit[state]:
            fields.append(Field(firewall.UNIT, word, state))
    return tuple(fields)


def apply(place: MemberHost, change: Change, _observed: t.Any) -> None:
    host, work = place.host, t.cast(Work, change.payload)
    if work.wanted and not host.find_command("iptables-restore"):
        raise FlotillaError("installing the swarm's rules: there is no iptables on this host", "Install it, or the engine.")
    try:
        _put(host, work.files)
        if work.wanted:
            _activate(host)
            problem = firewall.differences(read_rules(host), work.wanted)
            if problem:
                raise FlotillaError(f"the kernel has no {problem[0].path} {problem[0].after} afterwards")
    except FlotillaError as error:
        raise FlotillaError(f"installing the swarm's rules: {error}\n{_restore(host, work)}") from None
    if not work.wanted:
        _remove(host, work.live)


def _put(host: Host, files: t.Mapping[str, str | None]) -> None:
    for path, text in files.items():
        host.put(path, text, 0o755 if path == firewall.SCRIPT_FILE else 0o644)


def _activate(host: Host) -> None:
    systemd.require(host, "daemon-reload")
    systemd.require(host, "enable", "--quiet", firewall.UNIT)
    problem = systemd.attempt(host, "restart", firewall.UNIT)
    if problem:
        said = " ".join(systemd.last_lines(host, firewall.UNIT, 5))
        raise FlotillaError(f"systemctl restart {firewall.UNIT} failed: {problem} {said}".strip())


def _restore(host: Host, work: Work) -> str:
    """Have what was there before; how that went."""
    try:
        if work.former[firewall.UNIT_FILE] is None:
            _remove(host, read_rules(host))
        else:
            _put(host, work.former)
            _activate(host)
    except FlotillaError as error:
        return f"Restoring the former rules failed as well: {error}"
    return "The former rules were restored."


def _remove(host: Host, live: dict[int, firewall.Chains]) -> None:
    systemd.attempt(host, "disable", "--quiet", firewall.UNIT)
    systemd.attempt(host, "stop", firewall.UNIT)
    _put(host, dict.fromkeys((firewall.UNIT_FILE, firewall.SCRIPT_FILE, *firewall.RULES_FILES.values())))
    systemd.attempt(host, "daemon-reload")
    systemd.attempt(host, "reset-failed", firewall.UNIT)
    for version, there in live.items():
        command = [COMMANDS[version], *WAIT]
        own = [chain for chain in firewall.OWN_CHAINS if chain in there]
        jumps = [(chain, rule.split()[-1]) for chain, rules in there.items() for rule in rules if rule.split()[-1] in own]
        orders = [["--delete", chain, "--jump", target] for chain, target in jumps if chain not in own]
        orders += [[verb, chain] for verb in ("--flush", "--delete-chain") for chain in own]
        for order in orders:
            code, _out, err = host.run([*command, *order])
            if code:
                raise FlotillaError(f"removing the swarm's rules: {' '.join([*command, *order])}: {err.strip()}")


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_host_target, required_if=[("state", "present", ["peers"])])


if __name__ == "__main__":
    main()
