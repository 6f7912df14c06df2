# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the firewall: what they let through is decided by a small packet filter, not by their text."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import firewall
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.firewall import Chains, Limit, Policy
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from hypothesis import given
from hypothesis import strategies as st

PEER, OUTSIDER, OFFICE = "10.0.0.11", "198.51.100.7", "192.0.2.9"
PEER6, OUTSIDER6 = "fd00::11", "2001:db8:9::1"


def networks(*texts: str) -> tuple[firewall.Network, ...]:
    return firewall.read_networks(texts, "peers")


def policy(**more: t.Any) -> Policy:
    settled = {"peers": networks("10.0.0.0/24", PEER6), "manager": True, "data_path_port": 4789, "encrypted": False}
    return Policy(**{**settled, **more})


def verdict(chains: Chains, packet: dict[str, str], chain: str) -> str:
    """ACCEPT, DROP, or RETURN where the chain says nothing."""
    for rule in chains[chain]:
        words = rule.split()
        options = dict(zip(words[::2], words[1::2]))
        options.pop("-m", None)
        target, source = options.pop("-j"), options.pop("-s", None)
        if source and ipaddress.ip_address(packet["from"]) not in ipaddress.ip_network(source):
            continue
        if any(packet.get(name) != value for name, value in options.items()):
            continue
        found = verdict(chains, packet, target) if target in chains else target
        if found != "RETURN" or target == "RETURN":
            return found
    return "RETURN"


def incoming(chains: Chains, source: str, service: str, interface: str = "eth0") -> str:
    port, _slash, protocol = service.rpartition("/")
    return verdict(chains, {"from": source, "-p": protocol, "--dport": port, "-i": interface}, firewall.SWARM)


def forwarded(chains: Chains, source: str, service: str, **more: str) -> str:
    port, _slash, protocol = service.rpartition("/")
    packet = {"from": source, "-p": protocol, "--ctorigdstport": port, "--ctstate": "DNAT", "--ctdir": "ORIGINAL"}
    return verdict(chains, {**packet, **{f"--{name}": value for name, value in more.items()}}, firewall.PUBLISHED)


@pytest.mark.parametrize(("version", "peer", "outsider"), [(4, PEER, OUTSIDER), (6, PEER6, OUTSIDER6)])
@pytest.mark.parametrize("service", ["2377/tcp", "7946/tcp", "7946/udp", "4789/udp"])
def test_peers_alone_use_the_swarms_ports(version: int, peer: str, outsider: str, service: str) -> None:
    chains = firewall.chains(policy(), version)
    assert incoming(chains, peer, service) == "ACCEPT"
    assert incoming(chains, outsider, service) == "DROP"
    assert incoming(chains, outsider, service, "lo") == "RETURN"


@pytest.mark.parametrize("service", ["22/tcp", "80/tcp", "2377/udp", "4789/tcp", "9999/udp", "/esp", "/icmp"])
def test_nothing_is_said_of_other_ports(service: str) -> None:
    for source in (PEER, OUTSIDER):
        assert incoming(firewall.chains(policy(), 4), source, service) == "RETURN"


def test_nobody_reaches_a_managers_port_on_a_worker() -> None:
    assert incoming(firewall.chains(policy(manager=False), 4), PEER, "2377/tcp") == "DROP"
    assert incoming(firewall.chains(policy(manager=False), 4), PEER, "7946/tcp") == "ACCEPT"


def test_another_data_path_port() -> None:
    chains = firewall.chains(policy(data_path_port=7777), 4)
    assert [incoming(chains, OUTSIDER, service) for service in ("7777/udp", "4789/udp")] == ["DROP", "RETURN"]


def test_esp_is_for_peers_where_networks_are_encrypted() -> None:
    chains = firewall.chains(policy(encrypted=True), 4)
    assert [incoming(chains, source, "/esp") for source in (PEER, OUTSIDER)] == ["ACCEPT", "DROP"]


def test_a_published_port_is_for_its_sources() -> None:
    limits = (Limit(8080, "tcp", networks("192.0.2.0/24", "2001:db8:1::/48")),)
    chains, chains6 = (firewall.chains(policy(published=limits), version) for version in (4, 6))
    assert [forwarded(chains, source, "8080/tcp") for source in (OFFICE, OUTSIDER, PEER)] == ["RETURN", "DROP", "DROP"]
    assert [incoming(chains, source, "8080/tcp") for source in (OFFICE, OUTSIDER)] == ["RETURN", "DROP"]
    assert [forwarded(chains6, source, "8080/tcp") for source in ("2001:db8:1::5", OUTSIDER6)] == ["RETURN", "DROP"]
    assert forwarded(chains, OUTSIDER, "8081/tcp") == "RETURN"
    assert forwarded(chains, OUTSIDER, "8080/udp") == "RETURN"


@pytest.mark.parametrize("more", [{"ctstate": "NEW"}, {"ctdir": "REPLY"}])
def test_what_containers_ask_for_elsewhere_is_not_limited(more: dict[str, str]) -> None:
    chains = firewall.chains(policy(published=(Limit(8080, "tcp", networks("192.0.2.0/24")),)), 4)
    assert forwarded(chains, "172.18.0.3", "8080/tcp", **more) == "RETURN"


def test_a_port_limited_to_ipv4_is_closed_over_ipv6() -> None:
    chains = firewall.chains(policy(published=(Limit(8080, "tcp", networks("192.0.2.0/24")),)), 6)
    assert forwarded(chains, OUTSIDER6, "8080/tcp") == "DROP"


@pytest.mark.parametrize(
    ("more", "ssh", "words"),
    [
        ({"peers": ()}, (), "the list is empty"),
        ({"published": (Limit(22, "tcp", networks(OFFICE)),)}, {22}, "22/tcp is where sshd listens"),
        ({"published": (Limit(2222, "tcp", networks(OFFICE)),)}, {22, 2222}, "2222/tcp is where sshd listens"),
        ({"published": (Limit(7946, "udp", networks(OFFICE)),)}, (), "a port of the swarm itself"),
        ({"published": (Limit(8080, "tcp", ()),)}, (), "has no sources"),
        ({"published": (Limit(70000, "tcp", networks(OFFICE)),)}, (), "is not a port"),
        ({"published": (Limit(8080, "tcp", networks(OFFICE)),) * 2}, (), "is listed twice"),
        ({}, {2377}, "2377/tcp is where sshd listens, and a port of the swarm"),
    ],
)
def test_refused(more: dict[str, t.Any], ssh: set[int], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        firewall.refuse(policy(**more), ssh)


def test_every_fault_is_told_at_once() -> None:
    limits = (Limit(22, "tcp", ()), Limit(0, "tcp", networks(OFFICE)))
    with pytest.raises(PlanError) as found:
        firewall.refuse(policy(published=limits), {22})
    assert str(found.value).count("\n") == 3


def test_a_good_policy_passes() -> None:
    limits = tuple(Limit(port, "tcp", networks(OFFICE)) for port in (80, 4789))
    firewall.refuse(policy(published=limits), {22})


@pytest.mark.parametrize("text", ["10.0.0.300", "m1", "10.0.0.0/33", "", "0.0.0.0/0", "::/0"])
def test_no_networks(text: str) -> None:
    with pytest.raises(PlanError, match="peers"):
        firewall.read_networks([text], "peers")


def test_networks_are_read_once_each_and_in_order() -> None:
    assert [str(found) for found in networks("fd00::1", "10.0.0.9", "10.0.0.77/24", "10.0.0.9/32")] == [
        "10.0.0.0/24",
        "10.0.0.9/32",
        "fd00::1/128",
    ]


def test_a_node_of_the_swarm_is_not_cut_off() -> None:
    firewall.refuse_outsiders(policy(), {"m1": "10.0.0.11", "w1": PEER6, "new": "0.0.0.0", "odd": ""})
    with pytest.raises(PlanError, match=r"w2 \(10\.9\.0\.2\) would be cut off"):
        firewall.refuse_outsiders(policy(), {"m1": "10.0.0.11", "w2": "10.9.0.2"})


# As iptables 1.8.9 (nf_tables) prints what it was given.
LISTED = """-P INPUT DROP
-P FORWARD ACCEPT
-N DOCKER-USER
-N FLOTILLA-PEERS
-N FLOTILLA-PUBLISHED
-N FLOTILLA-SWARM
-A INPUT -p udp -m policy --dir in --pol none -m udp --dport 4789 -j DROP
-A INPUT -j FLOTILLA-SWARM
-A INPUT -j ufw-before-input
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -j FLOTILLA-PUBLISHED
-A DOCKER-USER -j RETURN
-A FLOTILLA-PEERS -s 10.0.0.0/24 -j ACCEPT
-A FLOTILLA-PUBLISHED -s 192.0.2.0/24 -p tcp -m conntrack --ctstate DNAT --ctorigdstport 8080 --ctdir ORIGINAL -j RETURN
-A FLOTILLA-PUBLISHED -p tcp -m conntrack --ctstate DNAT --ctorigdstport 8080 --ctdir ORIGINAL -j DROP
-A FLOTILLA-SWARM -i lo -j RETURN
-A FLOTILLA-SWARM -p tcp -m tcp --dport 2377 -j FLOTILLA-PEERS
-A FLOTILLA-SWARM -p tcp -m tcp --dport 2377 -j DROP
-A FLOTILLA-SWARM -p tcp -m tcp --dport 7946 -j FLOTILLA-PEERS
-A FLOTILLA-SWARM -p tcp -m tcp --dport 7946 -j DROP
-A FLOTILLA-SWARM -p udp -m udp --dport 7946 -j FLOTILLA-PEERS
-A FLOTILLA-SWARM -p udp -m udp --dport 7946 -j DROP
-A FLOTILLA-SWARM -p udp -m udp --dport 4789 -j FLOTILLA-PEERS
-A FLOTILLA-SWARM -p udp -m udp --dport 4789 -j DROP
-A FLOTILLA-SWARM -p esp -j FLOTILLA-PEERS
-A FLOTILLA-SWARM -p esp -j DROP
-A FLOTILLA-SWARM -s 192.0.2.0/24 -p tcp -m tcp --dport 8080 -j RETURN
-A FLOTILLA-SWARM -p tcp -m tcp --dport 8080 -j DROP
"""
FULL = policy(peers=networks("10.0.0.0/24"), encrypted=True, published=(Limit(8080, "tcp", networks("192.0.2.0/24")),))
WANTED = {4: firewall.chains(FULL, 4)}


def test_what_iptables_prints_is_what_was_wanted() -> None:
    assert firewall.differences({4: firewall.parse(LISTED)}, WANTED) == ()


@pytest.mark.parametrize(("printed", "otherwise"), [("-p esp", "-p 50"), (" -m tcp", ""), ("-i lo -j RETURN", "-j RETURN -i lo")])
def test_versions_of_iptables_print_differently(printed: str, otherwise: str) -> None:
    assert printed in LISTED
    assert firewall.differences({4: firewall.parse(LISTED.replace(printed, otherwise))}, WANTED) == ()


@pytest.mark.parametrize(("name", "number"), [("tcp", 6), ("udp", 17), ("sctp", 132)])
def test_a_protocol_may_come_back_as_its_number(name: str, number: int) -> None:
    wanted = firewall.chains(policy(published=(Limit(9000, name, networks("192.0.2.0/24")),)), 4)[firewall.PUBLISHED]
    assert [firewall.normal(rule.replace(f"-p {name}", f"-p {number}")) for rule in wanted] == [*map(firewall.normal, wanted)]


@pytest.mark.parametrize("line", [line for line in LISTED.splitlines() if "-A FLOTILLA" in line or "-j FLOTILLA" in line])
def test_each_line_that_is_missing_is_seen(line: str) -> None:
    rest = LISTED.replace(f"{line}\n", "", 1)
    (field,) = firewall.differences({4: firewall.parse(rest)}, WANTED)
    assert field.after is not None


def test_rules_of_others_in_our_chains_go() -> None:
    found = firewall.differences({4: firewall.parse(f"{LISTED}-A FLOTILLA-SWARM -s 203.0.113.1/32 -j ACCEPT\n")}, WANTED)
    assert [(field.before, field.after) for field in found] == [("-s 203.0.113.1/32 -j ACCEPT", None)]


def test_order_counts() -> None:
    chains = firewall.parse(LISTED)
    chains[firewall.SWARM].reverse()
    assert len(firewall.differences({4: chains}, WANTED)) == 1


def test_peers_are_shown_as_a_list() -> None:
    wanted = {4: firewall.chains(policy(peers=networks("10.0.0.0/24", "10.1.0.1"), encrypted=True, published=FULL.published), 4)}
    (field,) = firewall.differences({4: firewall.parse(LISTED)}, wanted)
    assert (field.before, field.after) == (["10.0.0.0/24"], ["10.0.0.0/24", "10.1.0.1/32"])


def test_nothing_wanted_and_nothing_there() -> None:
    assert firewall.differences({4: firewall.parse("-P INPUT ACCEPT\n-A FORWARD -j DOCKER-USER\n"), 6: {}}, {}) == ()
    gone = firewall.differences({4: firewall.parse(LISTED)}, {})
    assert all(field.after is None for field in gone)
    assert len(gone) >= 5


def test_a_chain_without_rules_has_to_be_there() -> None:
    wanted = {6: firewall.chains(policy(peers=networks("10.0.0.0/24")), 6)}
    live = {6: {**wanted[6], "INPUT": ["-j FLOTILLA-SWARM"], "FORWARD": ["-j DOCKER-USER"], "DOCKER-USER": ["-j FLOTILLA-PUBLISHED"]}}
    assert firewall.differences(live, wanted) == ()
    del live[6][firewall.PEERS]
    assert [field.path for field in firewall.differences(live, wanted)] == ["IPv6 FLOTILLA-PEERS"]


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(lambda address: not address.is_unspecified)
LIMITS = st.builds(
    Limit,
    st.integers(8000, 8999),
    st.sampled_from(["tcp", "udp"]),
    st.lists(ADDRESSES.map(str), min_size=1, max_size=3).map(lambda found: networks(*found)),
)


@given(
    st.lists(ADDRESSES.map(str), min_size=1, max_size=4),
    st.booleans(),
    st.booleans(),
    st.lists(LIMITS, max_size=3),
    st.sampled_from([4, 6]),
)
def test_rendered_rules_read_back_are_what_was_wanted(
    peers: list[str], manager: bool, encrypted: bool, limits: list[Limit], version: int
) -> None:
    chains = firewall.chains(Policy(networks(*peers), manager, 4789, encrypted, tuple(limits)), version)
    lines = firewall.render(chains).splitlines()
    live = firewall.parse("\n".join([f"-N {line[1:].split()[0]}" for line in lines if line.startswith(":")] + lines))
    jumps = {chain: [f"-j {target}"] for chain, target in firewall.JUMPS}
    assert firewall.differences({version: {**live, **jumps}}, {version: chains}) == ()
    for service in ("22/tcp", "80/tcp", "443/udp"):
        assert incoming(chains, PEER if version == 4 else PEER6, service) == "RETURN"


def test_ports_of_sshd() -> None:
    settings = "port 22\nport 2222\nportforwarding yes\naddressfamily any\n"
    listening = (
        'LISTEN 0 128 0.0.0.0:2022 0.0.0.0:* users:(("sshd",pid=64,fd=3))\nLISTEN 0 1 [::]:2023 [::]:* users:(("sshd",pid=1,fd=4))\n'
    )
    other = 'LISTEN 0 4096 *:2377 *:* users:(("dockerd",pid=7,fd=5))\nLISTEN 0 1 127.0.0.11:4 0.0.0.0:*\n'
    assert firewall.parse_ssh_ports(settings, listening + other) == {22, 2222, 2022, 2023}
    assert firewall.parse_ssh_ports("", "") == set()


def test_tables_that_iptables_does_not_open() -> None:
    def chain(family: str, table: str, **more: str) -> str:
        inner = ", ".join(f'"{name}": "{value}"' for name, value in {"family": family, "table": table, "name": "x", **more}.items())
        return f'{{"chain": {{{inner}}}}}'

    listing = ", ".join(
        [
            '{"metainfo": {"version": "1.0.6"}}',
            chain("inet", "filter", hook="input", policy="drop"),
            chain("inet", "filter", hook="forward", policy="drop"),
            chain("ip", "filter", hook="input", policy="drop"),
            chain("inet", "mine", hook="input", policy="accept"),
            chain("inet", "mine"),
        ]
    )
    assert firewall.closed_tables(f'{{"nftables": [{listing}]}}') == ["inet filter"]
    assert firewall.closed_tables("") == []
