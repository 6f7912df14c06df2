# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting of the swarm; hosts with two networks, with a clock that is wrong, and behind a firewall."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenario.cluster import NODES, THREE, converge, leave, on, play, settled

PREFLIGHT = "playbooks/preflight.yml"
SECOND = "10.66.7.0/24"
INTERFACE = "$(ip -o route show default | sed 's/.* dev //; s/ .*//')"
# A Python whose clock is a minute ahead.
SKEWED = """
mkdir -p /srv/skewed
echo 'import time; now = time.time; time.time = lambda: now() + 60' >/srv/skewed/sitecustomize.py
printf '#!/bin/sh\\nPYTHONPATH=/srv/skewed exec /usr/bin/python3 "$@"\\n' >/srv/skewed/python
chmod 755 /srv/skewed/python
"""


@pytest.fixture(scope="module", autouse=True)
def swarm() -> None:
    converge(THREE)
    assert settled(THREE)


@pytest.fixture
def second_network() -> Iterator[None]:
    """Each node has an address in one more network."""
    for number, node in enumerate(NODES, 1):
        on(node, f"ip address add 10.66.7.{number}/24 dev {INTERFACE}")
    yield
    for number, node in enumerate(NODES, 1):
        on(node, f"ip address del 10.66.7.{number}/24 dev {INTERFACE}")


SETTINGS = {
    "task_history_limit": (3, "Orchestration", "TaskHistoryRetentionLimit", 3),
    "snapshot_interval": (9000, "Raft", "SnapshotInterval", 9000),
    "keep_old_snapshots": (1, "Raft", "KeepOldSnapshots", 1),
    "log_entries_for_slow_followers": (400, "Raft", "LogEntriesForSlowFollowers", 400),
    "dispatcher_heartbeat": ("6s", "Dispatcher", "HeartbeatPeriod", 6 * 10**9),
    "node_cert_expiry": ("60d", "CAConfig", "NodeCertExpiry", 60 * 86400 * 10**9),
}


def spec() -> dict[str, Any]:
    code = "import docker, json; print(json.dumps(docker.APIClient().inspect_swarm()['Spec']))"
    return dict(json.loads(on("m1", "python3 -", code)))


def test_settings_that_nobody_named_stay() -> None:
    """All but those that must not change in a running swarm."""
    before = spec()
    wanted = {name: value for name, (value, *_engine) in SETTINGS.items()}
    plan = play("--check", "--diff", swarm_managers=THREE, swarm_settings={**wanted, "labels": {"owner": "ops"}})
    assert plan.rc == 0 and 'node_cert_expiry: "90d" -> "60d"' in plan.text and spec() == before
    converge(THREE, swarm_settings={**wanted, "labels": {"owner": "ops"}})
    after = spec()
    assert {name: after[part][key] for name, (_value, part, key, _sent) in SETTINGS.items()} == {
        name: sent for name, (_value, _part, _key, sent) in SETTINGS.items()
    }
    assert after["Labels"] == {"owner": "ops"}
    assert set(converge(THREE, swarm_settings=wanted).changed.values()) == {0}
    converge(THREE, swarm_settings={"task_history_limit": 5, "labels": {"owner": None}})
    assert spec() == {**after, "Labels": {}, "Orchestration": {"TaskHistoryRetentionLimit": 5}}
    converge(THREE, swarm_settings=dict(zip(SETTINGS, (5, 10000, 0, 500, "5s", "90d"), strict=True)))
    assert spec() == before


def known_as(node: str) -> str:
    return on(node, "python3 -", "import docker; print(docker.APIClient().info()['Swarm']['NodeAddr'])").strip()


def test_a_network_tells_which_address_to_take(second_network: None) -> None:
    usual = known_as("w4")
    leave("w4")
    converge(THREE, swarm_advertise_addr=SECOND)
    assert settled(THREE) and known_as("w4") == "10.66.7.5"
    drifted = play(swarm_managers=THREE, swarm_advertise_addr=usual)
    assert drifted.rc == 0 and f"advertise_addr is {usual}, but w4 is known as 10.66.7.5" in drifted.text
    leave("w4")
    converge(THREE)
    assert settled(THREE) and known_as("w4") == usual


def test_all_that_is_wrong_with_hosts_is_told_at_once() -> None:
    """An engine that is in a swarm keeps its address, so that another one matters to the host outside alone."""
    usual = known_as("w4")
    on("w3", SKEWED)
    leave("w4")
    on("w2", "iptables --insert INPUT -p udp --dport 4789 -j DROP")
    try:
        run = play(
            "-e",
            json.dumps({"preflight_advertise_addr": "{{ '203.0.113.0/24' if inventory_hostname == 'w4' else '' }}"}),
            "-e",
            json.dumps({"ansible_python_interpreter": "{{ '/srv/skewed/python' if inventory_hostname == 'w3' else '/usr/bin/python3' }}"}),
            playbook=PREFLIGHT,
        )
    finally:
        on("w2", "iptables --delete INPUT -p udp --dport 4789 -j DROP")
    assert run.rc != 0 and "preflight found 3 faults, nothing was changed" in run.text, run.out
    skew = re.search(r"w3: its clock is (\d+) s ahead of the controller's", run.text)
    assert skew and 30 < int(skew[1]) <= 60, run.out
    assert "w4: advertise_addr: this host has no address in 203.0.113.0/24" in run.text and f"{usual} on eth0" in run.text
    assert "w2: UDP 4789 (containers) is closed for any other node, m1, w1, w3, w4" in run.text
    converge(THREE)
    assert settled(THREE)
    good = play(playbook=PREFLIGHT)
    assert good.rc == 0, good.out
