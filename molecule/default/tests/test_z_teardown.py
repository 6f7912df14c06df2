# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end: everything that site.yml made goes, and a second run finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conftest import Run

STATE = "import docker; i = docker.from_env().info()['Swarm']; print(i['LocalNodeState'], docker.from_env().containers.list())"


def test_teardown_removes_stacks_and_swarm_and_is_silent_the_second_time(play: Callable[..., Run], manager: Any) -> None:
    run = play("playbooks/teardown.yml", confirm="lab")
    assert run.rc == 0, run.out[-4000:]
    assert manager.check_output("python3 -c %s", STATE) == "inactive []"
    again = play("playbooks/teardown.yml", confirm="lab")
    assert again.rc == 0, again.out[-4000:]
    assert set(again.changed.values()) == {0}


def test_a_closed_port_is_found_before_there_is_a_swarm(manager: Any, play: Callable[..., Run]) -> None:
    rule = "INPUT -p udp --dport 4789 -j DROP"
    manager.run_expect([0], f"iptables --insert {rule}")
    blocked = play("playbooks/preflight.yml")
    manager.run_expect([0], f"iptables --delete {rule}")
    assert blocked.rc != 0
    assert "m1: UDP 4789 (containers) is closed for any other node, w1, w2: nothing arrives." in " ".join(blocked.out.split())
    assert "preflight found 1 fault" in blocked.out
    opened = play("playbooks/preflight.yml")
    assert opened.rc == 0, opened.out[-3000:]
    assert "no fault on 3 hosts and in the ports between them" in opened.out
