# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches what of two nodes. This machine is on their network and none of them: the outsider."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenario.hosts import IMAGE, NODES, address, have_image, on, play, sdk, unit

SERVER = """
$s = IO::Socket::INET->new(Listen => 9, LocalPort => 80, ReuseAddr => 1) or die;
while ($c = $s->accept) { print $c 'hello'; close $c }
"""
PROBE = "import socket; socket.create_connection(({address!r}, {port}), 3).close(); print('open')"
OPEN, DROPPED = "open", "dropped"


def from_outside(node: str, port: int) -> str:
    try:
        socket.create_connection((address(node), port), 3).close()
    except TimeoutError:
        return DROPPED
    return OPEN


def refused(node: str, port: int) -> bool:
    try:
        return from_outside(node, port) != OPEN
    except ConnectionRefusedError:
        return True


def from_peer(node: str, port: int) -> str:
    peer = next(other for other in NODES if other != node)
    return on(peer, f'timeout 5 python3 -c "{PROBE.format(address=address(node), port=port)}" || echo {DROPPED}')


def dropped_udp(node: str, port: int) -> int:
    """Datagrams to a port that were dropped so far, as the kernel counts."""
    listed = on(node, "iptables --list FLOTILLA-SWARM --verbose --exact --numeric")
    (count,) = [line.split()[0] for line in listed.splitlines() if "DROP" in line and line.endswith(f"udp dpt:{port}")]
    return int(count)


def settings(**more: Any) -> dict[str, Any]:
    limited = [{"port": 8080, "sources": [address("w1")]}]
    return {"firewall_enabled": True, "firewall_published": limited, **more}


def check_who_reaches_what() -> None:
    for node in NODES:
        assert (from_outside(node, 7946), from_peer(node, 7946)) == (DROPPED, OPEN)
        assert from_outside(node, 22) == OPEN
        for port in (7946, 4789):
            before = dropped_udp(node, port)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outsider:
                outsider.sendto(b"?", (address(node), port))
            on(node, "true")  # takes longer than the datagram
            assert dropped_udp(node, port) > before
    assert (from_outside("m1", 2377), from_peer("m1", 2377)) == (DROPPED, OPEN)
    assert (from_outside("w1", 2377), from_peer("w1", 2377)) == (DROPPED, DROPPED)
    assert (from_outside("m1", 8080), from_peer("m1", 8080)) == (DROPPED, OPEN)
    assert (from_outside("m1", 8081), from_peer("m1", 8081)) == (OPEN, OPEN)
    assert sdk("m1", "print({n['Status']['State'] for n in api.nodes()})") == "{'ready'}"


@pytest.fixture(scope="module", autouse=True)
def published() -> Iterator[None]:
    """Two published ports on m1, of which the tests limit one; afterwards no firewall."""
    have_image("m1")
    sdk(
        "m1",
        f"""
config = api.create_host_config(port_bindings={{80: [8080, 8081]}}, restart_policy={{"Name": "always"}})
made = api.create_container({IMAGE!r}, ["perl", "-MIO::Socket::INET", "-e", {SERVER!r}], name="web", ports=[80], host_config=config)
api.start(made)""",
    )
    until = time.monotonic() + 30
    while refused("m1", 8080) and time.monotonic() < until:
        time.sleep(0.2)
    yield
    sdk("m1", "api.remove_container('web', force=True)")
    play("firewall", firewall_enabled=True, firewall_state="absent")


def test_without_it_everybody_reaches_everything() -> None:
    assert [from_outside("m1", port) for port in (2377, 7946, 8080, 8081)] == [OPEN] * 4


def test_check_mode_shows_the_rules_and_makes_none() -> None:
    run = play("firewall", "--check", "--diff", **settings())
    assert run.changed == dict.fromkeys(NODES, 1)
    assert "--dport 7946 -j DROP" in run.out
    assert "FLOTILLA" not in on("m1", "iptables -S")
    assert on("m1", "ls /etc/flotilla || true") == ""


def test_peers_alone() -> None:
    run = play("firewall", **settings())
    assert run.rc == 0, run.out
    check_who_reaches_what()
    assert play("firewall", **settings()).changed == dict.fromkeys(NODES, 0)


def test_a_restart_of_the_engine_changes_nothing() -> None:
    for node in NODES:
        before = unit(node, "InvocationID")
        on(node, "systemctl restart docker")
        assert unit(node, "InvocationID") != before
    check_who_reaches_what()
    assert play("firewall", **settings()).changed == dict.fromkeys(NODES, 0)


@pytest.mark.parametrize(
    "flush",
    [
        "iptables -F INPUT && systemctl reload docker",
        "iptables -F DOCKER-USER && systemctl restart docker",
        "iptables -F INPUT && iptables -F FLOTILLA-SWARM && iptables -X FLOTILLA-SWARM && systemctl restart docker",
    ],
)
def test_what_others_flush_comes_back(flush: str) -> None:
    on("m1", flush)
    check_who_reaches_what()
    assert play("firewall", **settings()).changed == dict.fromkeys(NODES, 0)


def test_what_is_missing_comes_back_with_the_next_run() -> None:
    on("w1", "iptables -D FLOTILLA-SWARM -p udp --dport 4789 -j DROP")
    assert play("firewall", **settings()).changed == {"m1": 0, "w1": 1}
    check_who_reaches_what()


def test_rules_against_unencrypted_traffic_stay_above() -> None:
    engines = "INPUT -p udp -m policy --dir in --pol none -m udp --dport 4789 -j DROP"
    on("w1", f"iptables -D INPUT -j FLOTILLA-SWARM; iptables -I {engines}; iptables -A INPUT -p tcp --dport 1 -j DROP")
    try:
        assert play("firewall", **settings()).changed == {"m1": 0, "w1": 1}
        rules = on("w1", "iptables -S INPUT").splitlines()[1:]
        assert [("pol none" in rule, "FLOTILLA" in rule) for rule in rules[:2]] == [(True, False), (False, True)]
    finally:
        on("w1", f"iptables -D {engines}; iptables -D INPUT -p tcp --dport 1 -j DROP")


def test_a_host_with_ufw() -> None:
    on("w1", "apt-get update -q && apt-get install -q -y ufw && ufw allow 22/tcp && ufw --force enable")
    try:
        assert "DROP" in on("w1", "iptables -S INPUT | head -1")
        check_who_reaches_what()
        on("w1", "ufw reload && ufw disable && ufw --force enable")
        check_who_reaches_what()
        assert play("firewall", **settings()).changed == dict.fromkeys(NODES, 0)
    finally:
        on("w1", "ufw --force disable && apt-get purge -q -y ufw")


def test_a_host_with_nftables() -> None:
    on("w1", "apt-get install -q -y nftables && systemctl enable nftables")
    try:
        on("w1", "systemctl restart nftables")  # flushes what everybody else has made
        check_who_reaches_what()
        on("w1", "nft add table inet mine && nft add chain inet mine input '{ type filter hook input priority 5; policy accept; }'")
        on("w1", "nft add rule inet mine input ct state established,related accept && nft add rule inet mine input tcp dport 22 accept")
        on("w1", "nft add chain inet mine input '{ policy drop; }'")
        run = play("firewall", **settings())
        assert "the table inet mine of nftables drops what it doesn't accept itself" in run.text
        assert run.changed == dict.fromkeys(NODES, 0)
    finally:
        on("w1", "nft delete table inet mine; systemctl disable nftables; apt-get purge -q -y nftables; systemctl restart docker")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"firewall_published": [{"port": 22, "sources": ["192.0.2.1"]}]}, "22/tcp is where sshd listens"),
        ({"firewall_peers": ["192.0.2.1"]}, "would be cut off"),
        ({"firewall_peers": ["no.such.host.invalid"]}, "can't be resolved"),
    ],
)
def test_what_would_lock_out_is_refused(more: dict[str, Any], words: str) -> None:
    before = {node: on(node, "iptables -S FLOTILLA-SWARM; iptables -S FLOTILLA-PEERS") for node in NODES}
    run = play("firewall", **settings(**more))
    assert run.rc != 0
    assert words in run.text
    assert {node: on(node, "iptables -S FLOTILLA-SWARM; iptables -S FLOTILLA-PEERS") for node in NODES} == before


def test_a_manager_knows_the_data_path_port() -> None:
    run = play("firewall", "--limit", "m1", **settings(firewall_data_path_port=7777))
    assert "this swarm uses 4789" in run.text
    assert run.changed == {"m1": 0}


def test_a_failure_brings_the_former_rules_back() -> None:
    before = on("m1", "iptables -S")
    script = '#!/bin/sh\ngrep -q esp "$4" && exit 3\nexec /usr/sbin/ip6tables-restore "$@"\n'
    on("m1", "cat > /usr/local/sbin/ip6tables-restore && chmod +x /usr/local/sbin/ip6tables-restore", script)
    try:
        run = play("firewall", "--limit", "m1", **settings(firewall_encrypted=True))
    finally:
        on("m1", "rm /usr/local/sbin/ip6tables-restore")
    assert run.rc != 0
    assert "The former rules were restored." in run.text
    assert not re.search(r"\besp\b", on("m1", "cat /etc/flotilla/firewall.v4"))
    assert on("m1", "iptables -S") == before


def test_absent_leaves_nothing() -> None:
    assert play("firewall", firewall_enabled=True, firewall_state="absent").changed == dict.fromkeys(NODES, 1)
    for node in NODES:
        assert "FLOTILLA" not in on(node, "iptables -S; ip6tables -S")
        assert on(node, "find /etc/systemd /etc/flotilla /usr/local/sbin -name '*flotilla-firewall*' -o -name 'firewall.v*'") == ""
        assert on(node, "systemctl list-units --all --quiet 'flotilla-firewall*'") == ""
    assert [from_outside("m1", port) for port in (2377, 7946, 8080, 8081)] == [OPEN] * 4
    assert play("firewall", firewall_enabled=True, firewall_state="absent").changed == dict.fromkeys(NODES, 0)
