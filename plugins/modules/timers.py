#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: timers
short_description: Have commands that systemd runs at times, all in one call
version_added: 0.1.0
description:
  - Writes a service and a timer of systemd for each command, and enables and starts the timers. Those of the same prefix that are not
    listed are stopped and removed. A command that runs when its units change or go is left to end.
  - Two runs of one command never overlap. A run that was due while the host was off is made up for when the host is back.
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  prefix:
    description:
      - Small letters, digits and V(_). The units are called C(PREFIX-NAME.service) and C(PREFIX-NAME.timer), in C(/etc/systemd/system). All
        units of the prefix are the module's.
    type: str
    required: true
  timers:
    description: The commands and their times.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Small letters, digits and V(_).
        type: str
        required: true
      description:
        description: What systemd shows of it. Without one it is the name.
        type: str
        default: ""
      command:
        description: A program, by its absolute path, and its arguments. There is no shell, and nothing in them is expanded.
        type: list
        elements: str
        required: true
      calendar:
        description: When it runs, in the words of C(systemd.time(7\)), such as V(hourly), V(*:0/5) or V(Mon..Fri 03:00).
        type: str
        required: true
      delay:
        description: Longest delay after that time in seconds, drawn anew for each run, so that not all hosts run at once.
        type: int
        default: 0
      timeout:
        description: Seconds after which a run is ended. V(0) is never.
        type: int
        default: 0
  user:
    description: The user who runs them. Without one it is V(root).
    type: str
    default: ""
  directory:
    description: Where they run. Without one it is C(/).
    type: str
    default: ""
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Look for drift every night
  flotilla.swarm.timers:
    prefix: swarm
    user: swarm
    directory: /srv/swarm
    timers:
      - name: drift
        command: [/srv/swarm/.venv/bin/ansible-playbook, playbooks/plan.yml, -i, inventories/prod]
        calendar: "03:00"
        delay: 600
"""

RETURN = r"""
plan:
  description: What was changed, or in check mode would be, changes of kind V(timer).
  returned: success
  type: list
  elements: dict
"""

import typing as t

from ..module_utils._core.host.timers import KINDS, Found, check, plan_timers, unit_texts
from ..module_utils._io import systemd
from ..module_utils._io.host import Host, host_target
from ..module_utils.errors import PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

DIRECTORY = "/etc/systemd/system"
ARGUMENTS: dict[str, t.Any] = {
    "prefix": {"type": "str", "required": True},
    "timers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "description": {"type": "str", "default": ""},
            "command": {"type": "list", "elements": "str", "required": True},
            "calendar": {"type": "str", "required": True},
            "delay": {"type": "int", "default": 0},
            "timeout": {"type": "int", "default": 0},
        },
    },
    "user": {"type": "str", "default": ""},
    "directory": {"type": "str", "default": ""},
}


def observe(host: Host, params: dict[str, t.Any]) -> dict[str, Found]:
    check(params["prefix"], params["timers"])
    _require_times(host, params["timers"])
    files = [name for name in host.list_dir(DIRECTORY) if name.startswith(f"{params['prefix']}-")]
    names = sorted({name.rpartition(".")[0] for name in files if name.rpartition(".")[2] in KINDS})
    states = host.units([f"{name}.timer" for name in names])
    waiting = {name for name, state in states.items() if state["active"] and state["enabled"]}
    return {name: Found(_texts(host, name, files), f"{name}.timer" in waiting) for name in names}


def _texts(host: Host, name: str, files: t.Collection[str]) -> dict[str, str]:
    return {kind: host.read(f"{DIRECTORY}/{name}.{kind}") or "" for kind in KINDS if f"{name}.{kind}" in files}


def _require_times(host: Host, timers: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Raise PlanError for a time that systemd does not know."""
    if not timers or not host.find_command("systemd-analyze"):
        return
    code, _out, err = host.run(["systemd-analyze", "calendar", *(item["calendar"] for item in timers)])
    if code:
        cure = "Write it as systemd.time(7) says, such as hourly, *:0/5 or Mon..Fri 03:00."
        raise PlanError(f"calendar: {err.strip() or 'systemd does not know one of the times'}", cure)


def plan(found: dict[str, Found], params: dict[str, t.Any]) -> Plan:
    wanted = {f"{params['prefix']}-{item['name']}": unit_texts(item, params["user"], params["directory"]) for item in params["timers"]}
    return plan_timers(wanted, found)


def apply(host: Host, change: Change, found: dict[str, Found]) -> None:
    timer = f"{change.name}.timer"
    if change.action == "remove" and "timer" in found[change.name].texts:
        systemd.require(host, "disable", "--now", timer)
    for kind in KINDS:
        host.put(f"{DIRECTORY}/{change.name}.{kind}", (change.payload or {}).get(kind))
    systemd.require(host, "daemon-reload")
    if change.action != "remove":
        systemd.require(host, "enable", timer)
        systemd.require(host, "restart", timer)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=host_target)


if __name__ == "__main__":
    main()
