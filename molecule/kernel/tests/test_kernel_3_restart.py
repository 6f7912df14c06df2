# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A changed key of daemon.json that needs a restart: one engine after the other, and the service answers all the time."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.scenario.kernel import NODES, answers_everywhere, apply, ask, everywhere, have_web, look, on


class Prober(threading.Thread):
    """Asks all nodes at once, again and again. ``silent`` has the nodes that did not answer, round by round."""

    def __init__(self) -> None:
        super().__init__()
        self.silent: list[set[str]] = []
        self._end = threading.Event()

    def run(self) -> None:
        with ThreadPoolExecutor(len(NODES)) as pool:
            while not self._end.wait(0.5):
                self.silent.append({node for node, answered in zip(NODES, pool.map(self._answers, NODES), strict=True) if not answered})

    def _answers(self, node: str) -> bool:
        try:
            return ask(node) in NODES
        except OSError:
            return False

    def end(self) -> list[set[str]]:
        self._end.set()
        self.join()
        return self.silent


def engine(node: str, *names: str) -> list[str]:
    return [on(node, f"systemctl show docker --value --property {name}").strip() for name in names]


def test_engines_restart_one_at_a_time_and_nothing_is_lost() -> None:
    have_web()
    everywhere("web_web")
    answers_everywhere()
    runs = {node: engine(node, "InvocationID") for node in NODES}
    # another port in each session, so that the test can be repeated on a lab that stays
    wanted = {"metrics-addr": f"127.0.0.1:{20000 + os.getpid() % 10000}"}

    prober = Prober()
    prober.start()
    try:
        apply("engine", engine_daemon_config=wanted)
    finally:
        silent = prober.end()

    assert all(engine(node, "InvocationID") != runs[node] for node in NODES)
    # a client that knows all nodes, such as a load balancer, always finds two that answer
    assert len(silent) > 3
    assert [nodes for nodes in silent if len(nodes) > 1] == []
    assert {node["name"]: node["availability"] for node in look()["nodes"]} == dict.fromkeys(NODES, "active")
    everywhere("web_web")

    runs = {node: engine(node, "InvocationID") for node in NODES}
    assert apply("engine", engine_daemon_config=wanted).changed == dict.fromkeys(NODES, 0)
    assert {node: engine(node, "InvocationID") for node in NODES} == runs
