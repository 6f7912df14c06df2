# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three managers and two workers whose swarm is archived, lost and brought back."""

from __future__ import annotations

import json

from . import Scenario

_scenario = Scenario()
lab, look, on, play = _scenario.lab, _scenario.look, _scenario.on, _scenario.play
MANAGERS, NODES = ("m1", "m2", "m3"), ("m1", "m2", "m3", "w1", "w2")
# Not those of the lab's inventory.
LABELS = {"nodes_labels": {"m1": {"keeper": "yes"}, "w1": {"spare": "yes"}}, "nodes_label_policies": {}}

TASKS = """
import docker, json
client = docker.from_env()
print(json.dumps([c.logs().decode().strip() for c in client.containers.list(filters={"label": "com.docker.swarm.service.name=SERVICE"})]))
"""


def logs_of(service: str, node: str) -> list[str]:
    """What the running tasks of a service on a node wrote."""
    return list(json.loads(on(node, "python3 -", TASKS.replace("SERVICE", service)) or "[]"))
