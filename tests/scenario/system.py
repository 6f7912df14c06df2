# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab with one of the example systems on it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from .look import by_name, running
from .scenario import Scenario, finish, until

NODES = ("m1", "w1", "w2")
LEFT = """
print(json.dumps({
    "swarm": api.info()["Swarm"]["LocalNodeState"],
    "containers": [each["Names"] for each in api.containers(all=True)],
    "networks": [each["Name"] for each in api.networks() if each["Scope"] == "swarm"],
    "volumes": [each["Name"] for each in api.volumes()["Volumes"] or [] if not each["Name"].startswith("registry")],
}))
"""
NOTHING = {node: {"swarm": "inactive", "containers": [], "networks": [], "volumes": []} for node in NODES}


@dataclass(frozen=True)
class System(Scenario):
    def nodes_of(self, service: str) -> list[str]:
        """The nodes of its running tasks, once for each task."""
        return sorted(running(self.look()["services"][service]).values())

    def bring_back(self, node: str) -> None:
        """Switch a node on again, and wait until it takes tasks."""
        self.lab("start", node)
        until(lambda: by_name(self.look())[node]["state"] == "ready", f"the return of {node}")

    def start_job(self, service: str, *command: str) -> subprocess.Popen[str]:
        """Begin a job in the shape of a service."""
        return self.start("playbooks/job.yml", services_service=service, services_command=list(command))

    def left(self) -> dict[str, dict[str, Any]]:
        """What is left of a swarm on each node; ``NOTHING`` after a teardown."""
        return {node: json.loads(self.sdk(node, LEFT)) for node in NODES}


def result_of(job: subprocess.Popen[str], key: str) -> dict[str, Any]:
    """The one line of JSON with this key that a job printed, at its end. It has to succeed."""
    run = finish(job)
    assert run.rc == 0, run.out[-6000:]
    (line,) = [line for line in run.out.replace("\\n", "\n").replace('\\"', '"').splitlines() if f'"{key}": ' in line]
    return dict(json.loads(line[line.index("{") : line.rindex("}") + 1]))
