# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is visited by a run, by the journals of the hosts: each module that starts there writes a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.scenario import Run

HOSTS = ("m1", "w1", "w2")
STARTED = re.compile(r"ansible-(?:\w+\.\w+\.)?(\w+)\[\d+\]: Invoked with")
# Without the parts of the demonstration that have files of their own on every host.
PARTS = "preflight,engine,firewall,swarm,nfs_mount,sshfs_mount,directories,volumes,nodes,networks"


@contextmanager
def starts(nodes: dict[str, Any]) -> Iterator[dict[str, list[str]]]:
    """By host the modules that started there meanwhile; filled in at the end."""
    found: dict[str, list[str]] = {}
    since = {name: host.check_output("journalctl --sync; date +%s.%N") for name, host in nodes.items()}
    yield found
    for name, host in nodes.items():
        lines = host.check_output("journalctl --sync; journalctl --quiet --since @%s", since[name])
        found[name] = [module for module in STARTED.findall(lines) if module not in ("command", "shell")]  # testinfra's own


def test_a_silent_run_visits_each_host_once(nodes: dict[str, Any], play: Callable[..., Run]) -> None:
    with starts(nodes) as found:
        run = play("site.yml", "--tags", PARTS)
    assert run.rc == 0 and set(run.changed.values()) == {0}, run.out[-3000:]
    assert found == {name: ["host_info"] for name in HOSTS}


def test_only_a_host_with_something_to_do_is_visited_again(nodes: dict[str, Any], play: Callable[..., Run]) -> None:
    wanted = [{"name": "autograder_media"}, {"name": "once"}]
    nodes["w2"].check_output("python3 -c %s", "import docker; docker.from_env().volumes.create('once')")
    nodes["m1"].check_output("python3 -c %s", "import docker; docker.from_env().volumes.create('once')")
    try:
        with starts(nodes) as found:
            run = play("site.yml", "--tags", "preflight,volumes", volumes_present=wanted)
        assert run.rc == 0, run.out[-3000:]
        assert {name: modules.count("volume") for name, modules in found.items()} == {"m1": 0, "w1": 1, "w2": 0}
    finally:
        for host in nodes.values():
            host.check_output("python3 -c %s", "import docker; docker.from_env().volumes.get('once').remove()")


def test_a_plan_visits_each_host_once(nodes: dict[str, Any], play: Callable[..., Run]) -> None:
    with starts(nodes) as found:
        run = play(
            "playbooks/plan.yml", "--tags", PARTS, engine_nofile=65536, engine_users=["nobody-yet"], volumes_present=[{"name": "new"}]
        )
    assert run.rc == 0 and "nobody-yet" in run.out and "Nothing was changed." in run.out, run.out[-3000:]
    assert found == {name: ["host_info"] for name in HOSTS}
