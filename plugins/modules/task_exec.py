#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: task_exec
short_description: Run a command in a running task of a Docker Swarm
version_added: 0.1.0
description:
  - Runs a command in the container of a task, without a terminal, and returns exit code and output.
  - It has to run on the host of the node that the task is on. On any other host it does nothing and returns RV(found=false), so
    that a play may run it on all of them. M(flotilla.swarm.task_info) finds the task.
  - A command that takes longer than O(wait_timeout) fails the run. The engine has no way to end it, so that it may go on.
  - A task goes whenever its service is updated or its node fails, and the command with it. What must run to its end is a
    M(flotilla.swarm.job).
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.shown
  - flotilla.swarm.wait
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode the command is planned and not run.
  idempotent:
    support: none
    details:
      - Every run runs the command.
options:
  task:
    description: The id of the task.
    type: str
    required: true
  command:
    description: The command. A text is split as a shell would do it, without starting a shell.
    type: raw
    required: true
  user:
    description: The user, with a group after a colon if wanted. Empty is that of the container.
    type: str
    default: ""
  workdir:
    description: The directory. Empty is that of the container.
    type: str
    default: ""
  environment:
    description: Variables to add.
    type: dict
    default: {}
  secret_environment:
    description: As O(environment), for values that must not be shown.
    type: dict
    default: {}
  stdin:
    description: Text for the command's standard input. It is not shown.
    type: str
    default: ""
  success_codes:
    description: Exit codes that are no failure.
    type: list
    elements: int
    default: [0]
seealso:
  - module: flotilla.swarm.job
  - module: flotilla.swarm.task_info
"""

EXAMPLES = r"""
- name: Find a task of the web service
  flotilla.swarm.task_info:
    service: grading_django
  delegate_to: m1
  run_once: true
  register: web

- name: Run a command where it runs
  flotilla.swarm.task_exec:
    task: "{{ web.tasks[0].id }}"
    command: python3 manage.py check
  register: checked
"""

RETURN = r"""
found:
  description: Whether the task runs on this host.
  returned: success
  type: bool
rc:
  description: The exit code.
  returned: when RV(found=true) and not in check mode
  type: int
stdout:
  description: Standard output; of a long one the last 64 KiB of the first 4 MiB of both outputs.
  returned: when RV(found=true) and not in check mode
  type: str
stderr:
  description: Standard error, as RV(stdout).
  returned: when RV(found=true) and not in check mode
  type: str
node:
  description: Host name of this node.
  returned: when RV(found=true)
  type: str
"""

import platform
import typing as t
from dataclasses import dataclass

from ..module_utils._core.schedule.containers import TASK_LABEL, name_of_task
from ..module_utils._core.service.edit import given_variables
from ..module_utils._core.service.options import WAIT
from ..module_utils._core.service.outputs import last_words, split_streams
from ..module_utils._core.stack.job import read_command
from ..module_utils._core.stack.options import ARGUMENTS as STACK_ARGUMENTS
from ..module_utils._core.stack.session import DeployError
from ..module_utils._core.timestamps import parse_seconds
from ..module_utils._io.engine import Engine
from ..module_utils.errors import PlanError
from ..module_utils.plan import Change, Field, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "task": {"type": "str", "required": True},
    "command": {"type": "raw", "required": True},
    "user": {"type": "str", "default": ""},
    "workdir": {"type": "str", "default": ""},
    "environment": {"type": "dict", "default": {}},
    "secret_environment": {"type": "dict", "default": {}, "no_log": True},
    "stdin": {"type": "str", "default": "", "no_log": True},
    "success_codes": {"type": "list", "elements": "int", "default": [0]},
    "show_environment": STACK_ARGUMENTS["show_environment"],
    "wait_timeout": WAIT["wait_timeout"],
}


@dataclass(frozen=True)
class Observed:
    """The containers of the task on this node, whose host name is ``node``."""

    containers: t.Sequence[t.Mapping[str, t.Any]]
    node: str


@dataclass(frozen=True)
class Command:
    """What is run: ``body`` as the engine takes it. ``seconds`` is how long it may take."""

    container_id: str
    body: dict[str, t.Any]
    stdin: bytes
    seconds: float
    success_codes: t.Collection[int]


def observe(engine: Engine, params: dict[str, t.Any]) -> Observed:
    filters = {"label": [f"{TASK_LABEL}={params['task']}"]}
    return Observed(engine.get("/containers/json", "looking for the task", filters=filters), platform.node())


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    argv = read_command(params["command"], "command")
    if not argv:
        raise PlanError("command: nothing to run", "Give it, such as python3 manage.py check.")
    seconds = parse_seconds(params["wait_timeout"], "wait_timeout")
    if not observed.containers:
        return Plan(result={"found": False})
    container = observed.containers[0]
    variables = {**params["environment"], **params["secret_environment"]}
    body = {"Cmd": argv, "Env": [f"{key}={value}" for key, value in variables.items()]}
    body.update({"User": params["user"], "WorkingDir": params["workdir"]})
    given = [("command", argv), ("user", params["user"]), ("workdir", params["workdir"])]
    fields = [Field(path, None, value) for path, value in given if value]
    fields += given_variables(params["environment"], params["secret_environment"])
    fields += [Field("stdin", None, params["stdin"], secret=True)] if params["stdin"] else []
    name = name_of_task(container, params["task"])
    command = Command(container["Id"], body, params["stdin"].encode(), seconds, params["success_codes"])
    change = Change("exec", name, "create", tuple(fields), reason="runs a command", payload=command)
    return Plan((change,), result={"found": True, "node": observed.node})


def apply(engine: Engine, change: Change, _observed: Observed) -> dict[str, t.Any]:
    command: Command = change.payload
    doing = f"running a command in {change.name}"
    code, raw = engine.execute(command.container_id, command.body, command.stdin, command.seconds, doing)
    stdout, stderr = split_streams(raw) if raw else ("", "")
    # Without "failed" Ansible takes any code but 0 for a failure.
    result = {"failed": False, "rc": code, "stdout": stdout, "stderr": stderr}
    if code not in command.success_codes:
        words = f"the command exited {code} in {change.name}.{last_words(stdout, stderr)}"
        raise DeployError(words, {**result, "failed": True, "changed": True, "found": True})
    return result


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply)


if __name__ == "__main__":
    main()
