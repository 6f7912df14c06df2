# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end: everything that site.yml made goes, and a second run finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.scenario import Run

STATE = "import docker; i = docker.from_env().info()['Swarm']; print(i['LocalNodeState'], docker.from_env().containers.list())"


def test_teardown_removes_stacks_and_swarm_and_is_silent_the_second_time(play: Callable[..., Run], manager: Any) -> None:
    run = play("playbooks/teardown.yml", confirm="lab")
    assert run.rc == 0, run.out[-4000:]
    assert manager.check_output("python3 -c %s", STATE) == "inactive []"
    again = play("playbooks/teardown.yml", confirm="lab")
    assert again.rc == 0, again.out[-4000:]
    assert set(again.changed.values()) == {0}
