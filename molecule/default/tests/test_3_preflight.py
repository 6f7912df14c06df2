# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault of every host in one report, also what only another host can see."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.scenario import Run, Seen

PREFLIGHT = "playbooks/preflight.yml"
DAEMON_JSON = "/etc/docker/daemon.json"


@contextlib.contextmanager
def firewall(node: Any, chain: str, rule: str) -> Iterator[None]:
    node.run_expect([0], f"iptables --insert {chain} {rule}")
    try:
        yield
    finally:
        node.run_expect([0], f"iptables --delete {chain} {rule}")


def address_of(node: Any) -> str:
    return str(node.check_output("ip -4 -oneline address show eth0").split()[3].split("/")[0])


def faults(run: Run) -> list[tuple[str, str, str]]:
    """Where, which check and what, from the report as JSON."""
    report = run.out.split("msg: |-", 1)[1].split("\nTASK ", 1)[0]
    return [(fault["where"], fault["check"], fault["text"]) for fault in json.loads(report)["faults"]]


def test_dropped_and_rejected_ports_are_named_with_their_direction(nodes: dict[str, Any], play: Callable[..., Run]) -> None:
    with (
        firewall(nodes["w2"], "INPUT", "-p udp --dport 4789 -j DROP"),
        firewall(nodes["w1"], "INPUT", "-p tcp --dport 7946 -j REJECT"),
        firewall(nodes["m1"], "OUTPUT", "-p udp --dport 7946 -j DROP"),
    ):
        run = play(PREFLIGHT, "--check", preflight_format="json", preflight_ports="always")
    assert run.rc != 0
    # A busy machine may leave one of the peers no time to hear that it is refused.
    told = [(where, check, text.replace("no answer, refused", "refused")) for where, check, text in faults(run)]
    assert told == [
        ("w1", "ports", "TCP 7946 (gossip between nodes) is closed for any other node, m1, w2: refused"),
        ("w2", "ports", "UDP 4789 (containers) is closed for any other node, m1, w1: nothing arrives"),
        ("m1", "ports", "UDP 7946 (gossip between nodes) is closed from here to every other node, w1, w2: nothing arrives"),
    ]
    said = " ".join(run.out.split())
    assert "Open UDP 4789 for the nodes in the firewall of w2" in said
    assert "Let UDP 7946 out in the firewall of m1" in said
    assert set(run.changed.values()) == {0}


def test_all_faults_are_in_one_report(nodes: dict[str, Any], play: Callable[..., Run], look: Callable[[], Seen]) -> None:
    before, daemon = look(), nodes["w1"].file(DAEMON_JSON).content_string
    machine_id = nodes["m1"].file("/etc/machine-id").content_string
    own_id = nodes["w2"].file("/etc/machine-id").content_string
    live = json.dumps({**json.loads(daemon), "live-restore": True})
    try:
        nodes["w1"].run_expect([0], "printf %s > %s", live, DAEMON_JSON)
        nodes["w2"].run_expect([0], "printf %s > /etc/machine-id", machine_id)
        with firewall(nodes["w2"], "INPUT", f"-s {address_of(nodes['w1'])} -p udp --dport 4789 -j DROP"):
            run = play(
                "site.yml",
                preflight_manager_counts=[3],
                preflight_min_disk_free_mb=10**9,
                preflight_kernel_modules=["overlay", "no_such_module"],
                preflight_format="json",
                preflight_ports="always",
            )
    finally:
        nodes["w1"].run_expect([0], "printf %s > %s", daemon, DAEMON_JSON)
        nodes["w2"].run_expect([0], "printf %s > /etc/machine-id", own_id)
    assert run.rc != 0
    assert [(where, check) for where, check, _text in faults(run)] == [
        ("inventory", "managers"),
        ("m1, w2", "machine_id"),
        ("m1", "disk"),
        ("m1", "kernel"),
        ("w1", "disk"),
        ("w1", "kernel"),
        ("w1", "live_restore"),
        ("w2", "disk"),
        ("w2", "kernel"),
        ("w2", "ports"),
    ]
    assert "preflight found 10 faults, nothing was changed" in run.out
    assert set(run.changed.values()) == {0}
    assert look() == before


def test_good_hosts_are_said_to_be_good(play: Callable[..., Run]) -> None:
    run = play(PREFLIGHT, preflight_ports="always")
    assert run.rc == 0, run.out[-3000:]
    assert "preflight found no fault on 3 hosts and in the ports between them" in run.out


def test_a_swarm_whose_nodes_are_ready_proves_its_ports(play: Callable[..., Run]) -> None:
    run = play(PREFLIGHT)
    assert run.rc == 0 and "preflight found no fault on 3 hosts" in run.out, run.out[-3000:]
    assert "ports between them" not in run.out
