# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packet filter rules of a node: swarm ports only for peers, published ports only for some sources. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t
from dataclasses import dataclass

from ...errors import PlanError
from ...plan import Field

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


Chains = dict[str, list[str]]  # chain -> rules, as `iptables -S` prints them without `-A CHAIN`


PEERS, SWARM, PUBLISHED = OWN_CHAINS = ("FLOTILLA-PEERS", "FLOTILLA-SWARM", "FLOTILLA-PUBLISHED")


# (chain, chain that it jumps to). The engine makes DOCKER-USER and its jump too, or takes what is there.
JUMPS = (("INPUT", SWARM), ("DOCKER-USER", PUBLISHED), ("FORWARD", "DOCKER-USER"))


MANAGER_PORT, GOSSIP_PORT = 2377, 7946


_OF_IPTABLES = (("ip", "filter"), ("ip6", "filter"))


_PROTOCOLS = {"50": "esp", "6": "tcp", "17": "udp", "132": "sctp"}


@dataclass(frozen=True)
class Limit:
    """A published port and the networks that may use it."""

    port: int
    protocol: str
    sources: tuple[Network, ...]


@dataclass(frozen=True)
class Policy:
    """What one node lets in. It says nothing about ports that are not named here."""

    peers: tuple[Network, ...]
    manager: bool
    data_path_port: int
    encrypted: bool
    published: tuple[Limit, ...] = ()


def read_networks(texts: t.Sequence[str], option: str) -> tuple[Network, ...]:
    """Addresses and networks, each once and in order; PlanError for anything else and for everybody."""
    networks: list[Network] = []
    for text in texts:
        try:
            network = _read_network(text)
        except ValueError:
            raise PlanError(f"{option}: {text!r} is neither an address nor a network such as 10.0.0.0/24.") from None
        if network.prefixlen == 0:
            raise PlanError(f"{option}: {text} is everyone", "Leave the port out to have it open.")
        networks.append(network)
    return tuple(sorted(dict.fromkeys(networks), key=lambda network: (network.version, network)))


def is_address(text: str) -> bool:
    """Whether a text is an address or a network, and not a name."""
    try:
        _read_network(text)
    except ValueError:
        return False
    return True


def _read_network(text: str) -> Network:
    """Raises ValueError. A zone, as in ``fe80::1%eth0``, may hold any text, lines too, and is none of iptables' business."""
    if "%" in text:
        raise ValueError(text)
    return ipaddress.ip_network(text, strict=False)


def refuse(policy: Policy, ssh_ports: t.Collection[int]) -> None:
    """Raise PlanError, with every fault in it, where the policy could lock somebody out."""
    problems = [] if policy.peers else ["peers: the list is empty, so no node would reach another"]
    taken = {("tcp", MANAGER_PORT), ("tcp", GOSSIP_PORT), ("udp", GOSSIP_PORT), ("udp", policy.data_path_port)}
    ssh = {("tcp", port) for port in ssh_ports}
    seen: set[tuple[str, int]] = set()
    for limit in policy.published:
        key = (limit.protocol, limit.port)
        name = f"published: {limit.port}/{limit.protocol}"
        if not 1 <= limit.port <= 65535:
            problems.append(f"{name} is not a port; expected 1 to 65535")
        if not limit.sources:
            problems.append(f"{name} has no sources, so nobody could use it. Name at least one, or don't publish the port")
        if key in ssh:
            problems.append(f"{name} is where sshd listens, and is never limited")
        if key in taken:
            problems.append(f"{name} is a port of the swarm itself, which only peers may use")
        if key in seen:
            problems.append(f"{name} is listed twice")
        seen.add(key)
    problems.extend(f"{port}/tcp is where sshd listens, and a port of the swarm too. Have sshd listen elsewhere"
                    for protocol, port in sorted(ssh & taken))  # fmt: skip
    if problems:
        raise PlanError("\n".join(["the firewall was not changed:", *problems]))


def refuse_outsiders(policy: Policy, nodes: t.Mapping[str, str]) -> None:
    """Raise PlanError where nodes of the swarm (name -> address) would be cut off."""
    outside = [f"{name} ({address})" for name, address in sorted(nodes.items()) if not _covered(address, policy.peers)]
    if outside:
        raise PlanError(
            f"the firewall was not changed: {', '.join(outside)} would be cut off: in this swarm, but not among the peers",
            "Add the addresses by which nodes reach each other, or remove the nodes from the swarm.",
        )


def _covered(address: str, networks: t.Iterable[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return True  # a node that never told its address
    return found.is_unspecified or any(found.version == network.version and found in network for network in networks)


def chains(policy: Policy, version: int) -> Chains:
    """The rules of our own chains for IP version 4 or 6."""
    swarm = ["-i lo -j RETURN"]
    services = [("tcp", MANAGER_PORT), ("tcp", GOSSIP_PORT), ("udp", GOSSIP_PORT), ("udp", policy.data_path_port)]
    for protocol, port in services:
        match = f"-p {protocol} -m {protocol} --dport {port}"
        swarm += [f"{match} -j {PEERS}"] if policy.manager or port != MANAGER_PORT else []
        swarm.append(f"{match} -j DROP")
    if policy.encrypted:
        swarm += [f"-p esp -j {PEERS}", "-p esp -j DROP"]
    published: list[str] = []
    for limit in policy.published:
        sources = [source for source in limit.sources if source.version == version]
        # the first is where the engine listens itself, as it does for IPv6 without rules of its own
        for match, rules in (
            (f"-p {limit.protocol} -m {limit.protocol} --dport {limit.port}", swarm),
            (f"-p {limit.protocol} -m conntrack --ctstate DNAT --ctorigdstport {limit.port} --ctdir ORIGINAL", published),
        ):
            rules += [f"-s {source} {match} -j RETURN" for source in sources]
            rules.append(f"{match} -j DROP")
    return {PEERS: [f"-s {peer} -j ACCEPT" for peer in policy.peers if peer.version == version], SWARM: swarm, PUBLISHED: published}


def render(wanted: Chains) -> str:
    """Input for ``iptables-restore --noflush``, which replaces these chains at once and touches no other."""
    lines = ["# Managed by flotilla.swarm.firewall; changes here are lost.", "*filter"]
    lines += [f":{chain} - [0:0]" for chain in wanted]
    lines += [f"-A {chain} {rule}" for chain, rules in wanted.items() for rule in rules]
    return "\n".join([*lines, "COMMIT", ""])


def parse(listing: str) -> Chains:
    """Every chain of a table, from ``iptables -S``."""
    found: Chains = {}
    for line in listing.splitlines():
        verb, _blank, rest = line.partition(" ")
        chain, _blank, rule = rest.partition(" ")
        if verb in ("-P", "-N"):
            found.setdefault(chain, [])
        elif verb == "-A":
            found.setdefault(chain, []).append(rule)
    return found


def normal(rule: str) -> tuple[str, ...]:
    """A rule without the ways in which versions of iptables print it differently: order, names of matches and of protocols."""
    options = re.split(r"\s+(?=-{1,2}[a-zA-Z])", rule.strip())
    words = [option.split(None, 1) for option in options if not option.startswith("-m ")]
    return tuple(sorted(" ".join([word[0], _PROTOCOLS.get(word[1], word[1])] if word[0] == "-p" else word) for word in words))


def differences(live: t.Mapping[int, Chains], wanted: t.Mapping[int, Chains]) -> tuple[Field, ...]:
    """What of our chains and of the jumps to them is not as wanted, by IP version. No wanted chains: what has to go."""
    fields: list[Field] = []
    for version in sorted({*live, *wanted}):
        there, after = live.get(version, {}), wanted.get(version, {})
        for chain in OWN_CHAINS:
            fields += _chain_fields(f"IPv{version} {chain}", there.get(chain), after.get(chain))
        for chain, target in JUMPS:
            jump = f"-j {target}"
            has = normal(jump) in map(normal, there.get(chain, []))
            if after and not has:
                fields.append(Field(f"IPv{version} {chain}", None, jump))
            elif has and not after and target in OWN_CHAINS:
                fields.append(Field(f"IPv{version} {chain}", jump, None))
    return tuple(fields)


def _chain_fields(path: str, before: list[str] | None, after: list[str] | None) -> list[Field]:
    old, new = before or [], after or []
    if [normal(rule) for rule in old] == [normal(rule) for rule in new]:
        return [] if (before is None) == (after is None) or old else [Field(path, _is_there(before), _is_there(after))]
    if path.endswith(PEERS):
        return [Field(path, _sources(old), _sources(new))]
    gone = [Field(path, rule, None) for rule in old if normal(rule) not in map(normal, new)]
    come = [Field(path, None, rule) for rule in new if normal(rule) not in map(normal, old)]
    return gone + come or [Field(path, "in another order", "in order")]


def _is_there(rules: list[str] | None) -> str | None:
    return None if rules is None else "empty"


def _sources(rules: list[str]) -> list[str] | None:
    return [" ".join(option.split()[1:]) for rule in rules for option in normal(rule) if option.startswith("-s ")] or None


def parse_ssh_ports(settings: str, listening: str) -> set[int]:
    """Ports from ``sshd -T``, and from the lines of ``ss -Hltnp`` that tell of sshd."""
    ports = {int(line.split()[1]) for line in settings.splitlines() if re.fullmatch(r"port \d+", line)}
    for line in listening.splitlines():
        words = line.split()
        if '"sshd"' in line and len(words) > 3:
            ports.add(int(words[3].rpartition(":")[2]))
    return ports


def closed_tables(listing: str) -> list[str]:
    """Tables of nftables that drop what they don't accept themselves, from ``nft -j list chains``.

    An accepting rule of iptables opens only the tables ``ip filter`` and ``ip6 filter``.
    """
    try:
        items = json.loads(listing)["nftables"]
    except (ValueError, KeyError, TypeError):
        return []
    found = [item["chain"] for item in items if "chain" in item]
    names = [
        f"{chain['family']} {chain['table']}"
        for chain in found
        if chain.get("hook") == "input" and chain.get("policy") == "drop" and (chain["family"], chain["table"]) not in _OF_IPTABLES
    ]
    return list(dict.fromkeys(names))


UNIT = "flotilla-firewall.service"


UNIT_FILE = f"/etc/systemd/system/{UNIT}"


SCRIPT_FILE = "/usr/local/sbin/flotilla-firewall"


RULES_FILES = {4: "/etc/flotilla/firewall.v4", 6: "/etc/flotilla/firewall.v6"}


# Where the kernel has no IPv6 there is no such file.
HAS_IPV6 = "/proc/net/if_inet6"


# Others that flush the packet filter when they start, stop or reload. The engine flushes nothing, but restarts after those that do.
_OTHERS = "ufw.service nftables.service netfilter-persistent.service iptables.service ip6tables.service firewalld.service"


UNIT_TEXT = f"""\
# Managed by flotilla.swarm.firewall; changes here are lost.
[Unit]
Description=Swarm ports for peers alone
After={_OTHERS}
Before=docker.service
PartOf=docker.service {_OTHERS}
ReloadPropagatedFrom=docker.service {_OTHERS}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={SCRIPT_FILE}
ExecReload={SCRIPT_FILE}

[Install]
WantedBy=multi-user.target docker.service {_OTHERS}
"""


# The jump in INPUT goes above all rules but the engine's own ones, which drop traffic that should have come encrypted.
SCRIPT_TEXT = f"""\
#!/bin/sh
# Managed by flotilla.swarm.firewall; changes here are lost.
set -eu

apply() {{
    "$1-restore" --wait 10 --noflush "$2"
    if ! "$1" --wait 10 --check INPUT --jump {SWARM} 2>/dev/null; then
        place=$("$1" --wait 10 --list-rules INPUT | awk '/^-A/ {{ n++ }} / --pol none / {{ last = n }} END {{ print last + 1 }}')
        "$1" --wait 10 --insert INPUT "$place" --jump {SWARM}
    fi
    "$1" --wait 10 --new-chain DOCKER-USER 2>/dev/null || true
    for jump in {" ".join(f"{chain}:{target}" for chain, target in JUMPS[1:])}; do
        "$1" --wait 10 --check "${{jump%:*}}" --jump "${{jump#*:}}" 2>/dev/null ||
            "$1" --wait 10 --insert "${{jump%:*}}" 1 --jump "${{jump#*:}}"
    done
}}

apply iptables {RULES_FILES[4]}
if [ -e {HAS_IPV6} ]; then
    apply ip6tables {RULES_FILES[6]}
fi
"""
