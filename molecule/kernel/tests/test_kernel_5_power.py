# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that reboot, lose their power, or hang on no cable."""

from __future__ import annotations

import json
import re

import pytest

from tests.scenario import until
from tests.scenario.kernel import NODES, WEB, answers_everywhere, converge, everywhere, have_web, lab, look, on, play, reboot, start


@pytest.fixture(scope="module", autouse=True)
def web() -> None:
    have_web()
    everywhere("web_web")


def test_services_are_back_after_a_reboot() -> None:
    """The other nodes reboot among the tests of NFS."""
    reboot("m3")


def test_the_leaders_power_fails_in_the_middle_and_the_next_run_converges() -> None:
    before = look()
    leader = before["leader"]
    others = [node for node in NODES if node != leader]
    wanted = {"max-concurrent-downloads": 2}
    process = start("--tags", "engine,swarm,nodes,stacks", engine_daemon_config=wanted, stacks_present=[WEB])
    assert process.stdout
    for line in process.stdout:
        if "Config | Merge daemon.json" in line:
            break
    lab("stop", "--hard", leader)
    out, _err = process.communicate()
    assert process.returncode != 0, "a node is missing, and the run must not say that all is well"
    assert leader in out

    assert until(lambda: look(others[0])["leader"]) in others
    lab("start", leader)
    everywhere("web_web", others[0])
    converge("--tags", "preflight,engine,swarm,nodes,stacks", engine_daemon_config=wanted, stacks_present=[WEB])
    for node in NODES:
        found = json.loads(on(node, "cat /etc/docker/daemon.json"))
        assert {key: found[key] for key in wanted} == wanted
    everywhere("web_web")
    assert look()["cluster"] == before["cluster"]
    answers_everywhere()


def test_preflight_names_the_node_whose_cable_is_pulled() -> None:
    lab("unplug", "m3")
    try:
        run = play("--tags", "preflight")
    finally:
        lab("plug", "m3")
    assert run.rc != 0
    assert run.changed == dict.fromkeys(NODES, 0)
    assert "preflight found 1 fault, nothing was changed" in run.text
    assert re.search(r"- m3: can't be reached: .*(timed out|[Tt]imeout|No route to host)", run.text), run.out
    everywhere("web_web")
