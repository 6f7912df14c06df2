#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: metrics_file
short_description: Leave metrics where a node exporter finds them
version_added: 0.1.0
description:
  - Writes a file for the textfile collector of Prometheus' node exporter, in the place of the one with the same name.
  - A host without the directory is one that nobody monitors. Nothing is written there.
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  name:
    description: The name of the file, without C(.prom). Letters, digits, C(_) and C(-).
    type: str
    required: true
  metrics:
    description: The metrics, each a gauge.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The metric's name.
        type: str
        required: true
      value:
        description: Its value.
        type: float
        required: true
      labels:
        description: Its labels.
        type: dict
        default: {}
      help:
        description: What it tells.
        type: str
        default: ""
  directory:
    description: Where the node exporter looks. Role P(flotilla.swarm.monitoring#role) makes it.
    type: str
    default: /var/lib/flotilla/metrics
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Leave the size of an export
  flotilla.swarm.metrics_file:
    name: export
    metrics:
      - {name: export_bytes, value: 1048576, labels: {shop: north}, help: Size of the last export.}
"""

RETURN = r"""
plan:
  description: What was changed, or in check mode would be, a change of kind V(metrics).
  returned: success
  type: list
  elements: dict
"""

import os
import re
import typing as t
from dataclasses import dataclass

from ..module_utils._core.host.metrics_text import write_metrics
from ..module_utils._io.host import Host, host_target
from ..module_utils.errors import PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "metrics": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "value": {"type": "float", "required": True},
            "labels": {"type": "dict", "default": {}},
            "help": {"type": "str", "default": ""},
        },
    },
    "directory": {"type": "str", "default": "/var/lib/flotilla/metrics"},
}


@dataclass(frozen=True)
class Observed:
    """``text`` is None if there is no file."""

    path: str
    is_monitored: bool
    text: str | None


def observe(host: Host, params: dict[str, t.Any]) -> Observed:
    path = os.path.join(params["directory"], f"{params['name']}.prom")
    return Observed(path, host.exists(params["directory"]), host.read(path))


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", params["name"]):
        raise PlanError(f"name is '{params['name']}', expected letters, digits, _ and -", "Take another name.")
    text = write_metrics(params["metrics"])
    if not observed.is_monitored or text == observed.text:
        return Plan()
    return Plan((Change("metrics", params["name"], "create" if observed.text is None else "update", payload=(observed.path, text)),))


def apply(host: Host, change: Change, _observed: Observed) -> None:
    """The collector never sees half of it."""
    host.put(*change.payload)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=host_target)


if __name__ == "__main__":
    main()
