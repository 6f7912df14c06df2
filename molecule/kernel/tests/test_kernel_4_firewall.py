# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall where the mesh works. This machine is on the nodes' network and none of them: the outsider."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.scenario import Run, until
from tests.scenario.kernel import NODES, PORT, address, answers_everywhere, apply, everywhere, have_web, on

TCP = (2377, 7946, PORT)
OPEN, DROPPED = "open", "dropped"
# What a peer reaches of another node: TCP ports, and by the mesh, which needs 4789/udp between them, the tasks of which nodes.
AS_PEER = """
import json, socket, urllib.request
def state(port):
    try:
        socket.create_connection(({address!r}, port), 10).close()
    except OSError as error:
        return repr(error)
    return "open"
def task():
    try:
        return urllib.request.urlopen("http://{address}:{port}/node", timeout=20).read().decode().strip()
    except OSError as error:
        return repr(error)
print(json.dumps([{{port: state(port) for port in {ports}}}, sorted({{task() for _ in range(6)}})]))
"""


def from_outside(node: str, port: int) -> str:
    try:
        with socket.create_connection((address(node), port), 5) as connection:
            if port == 22:
                connection.settimeout(30)
                assert connection.recv(4) == b"SSH-"
    except TimeoutError:
        return DROPPED
    return OPEN


def from_peer(peer: str, node: str) -> tuple[dict[str, str], list[str]]:
    code = AS_PEER.format(address=address(node), port=PORT, ports=TCP)
    states, tasks = json.loads(on(peer, "python3 -", code))
    return states, tasks


def dropped_udp(node: str) -> dict[str, int]:
    """Port -> datagrams that were dropped so far, as the kernel counts."""
    lines = [line.split() for line in on(node, "iptables --list FLOTILLA-SWARM --verbose --exact --numeric").splitlines()]
    return {line[-1]: int(line[0]) for line in lines if "DROP" in line and "udp" in line}


def send_udp(node: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outsider:
        for port in (7946, 4789):
            outsider.sendto(b"?", (address(node), port))


def check_who_reaches_what() -> None:
    asked = [(node, port) for node in NODES for port in TCP]
    with ThreadPoolExecutor(len(asked)) as pool:  # what is dropped is waited for, so it is all asked at once
        assert dict(zip(asked, pool.map(from_outside, *zip(*asked, strict=True)), strict=True)) == dict.fromkeys(asked, DROPPED)
    for node in NODES:
        assert from_outside(node, 22) == OPEN
        before = dropped_udp(node)
        send_udp(node)
        after = dropped_udp(node)  # asking takes longer than the datagrams
        assert [after[f"dpt:{port}"] > before[f"dpt:{port}"] for port in (7946, 4789)] == [True, True]
    for peer, node in zip(NODES, (*NODES[1:], NODES[0]), strict=True):
        assert from_peer(peer, node) == ({str(port): OPEN for port in TCP}, list(NODES))


def firewall(**more: Any) -> Run:
    published = [{"port": PORT, "sources": [address(node) for node in NODES]}]
    return apply("firewall", **{"firewall_enabled": True, "firewall_published": published, **more})


@pytest.fixture(scope="module", autouse=True)
def web() -> Iterator[None]:
    """A service with a published port on all nodes; afterwards no firewall."""
    have_web()
    everywhere("web_web")
    answers_everywhere()
    yield
    firewall(firewall_state="absent")
    assert [from_outside(node, PORT) for node in NODES] == [OPEN] * len(NODES)


def test_without_it_everybody_reaches_everything() -> None:
    assert [from_outside(node, port) for node in NODES for port in TCP] == [OPEN] * len(NODES) * len(TCP)


def test_peers_alone_reach_the_swarm_and_its_service() -> None:
    firewall()
    check_who_reaches_what()
    assert firewall().changed == dict.fromkeys(NODES, 0)


def test_a_restart_of_the_engine_changes_nothing() -> None:
    on("m2", "systemctl restart docker")
    everywhere("web_web")
    until(lambda: from_peer("m1", "m3")[1] == list(NODES))
    check_who_reaches_what()
    assert firewall().changed == dict.fromkeys(NODES, 0)
