# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task on several hosts at once, from within one action.

A loop with ``delegate_to`` asks one host after the other, and waits for each that is off. Hosts that ``--limit`` leaves out are in no play.
"""

from __future__ import annotations

import inspect
import os
import pickle
import typing as t

from ansible.executor.task_executor import TaskExecutor
from ansible.plugins.action import ActionBase
from ansible.utils.unsafe_proxy import wrap_var


class _Silent:
    """Takes the place of the queue to the callbacks, which are told of the one task alone."""

    def __getattr__(self, _name: str) -> t.Callable[..., None]:
        return lambda *_args, **_more: None


def run_on_each(
    action: ActionBase, hosts: t.Sequence[str], arguments: dict[str, t.Any], variables: dict[str, t.Any], module: str = ""
) -> list[dict[str, t.Any]]:
    """What the action's task, or one of another ``module``, comes to when it is delegated to each host, as a loop would register it."""
    children = [_start(action, host, arguments, variables, module) for host in hosts]
    return [{**_finish(*child), "item": host, "ansible_loop_var": "item"} for host, child in zip(hosts, children, strict=True)]


def _start(action: ActionBase, host: str, arguments: dict[str, t.Any], variables: dict[str, t.Any], module: str) -> tuple[int, int]:
    """A process of its own, as Ansible has for each host of a task. Its id, and where its result can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        os.close(reading)
        try:
            result = _run(action, host, arguments, variables, module)
        except Exception as error:  # only this process knows it
            result = {"failed": True, "msg": f"asking this host failed ({type(error).__name__}: {error})"}
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(result, stream)
    finally:
        os._exit(0)


def _run(action: ActionBase, host: str, arguments: dict[str, t.Any], variables: dict[str, t.Any], module: str) -> dict[str, t.Any]:
    task = action._task.copy()
    if module:
        task.action = task._resolved_action = module
    # What came out of files and modules is no template.
    task.args, task.delegate_to, task.run_once = wrap_var(dict(arguments)), host, False
    task.loop = task.loop_with = task.register = None
    task.until, task.failed_when, task.changed_when = [], [], []
    hostvars = variables["hostvars"]
    own = hostvars._inventory.get_host(variables["inventory_hostname"])
    given: dict[str, t.Any] = {
        "host": own,
        "task": task,
        "job_vars": variables,
        "play_context": action._play_context,
        "loader": action._loader,
        "shared_loader_obj": action._shared_loader_obj,
        "final_q": _Silent(),
        "variable_manager": hostvars._variable_manager,
    }
    if "new_stdin" in inspect.signature(TaskExecutor).parameters:  # ansible-core before 2.19
        given["new_stdin"] = None
    executor = TaskExecutor(**given)
    result: dict[str, t.Any] = executor.run()
    return {name: value for name, value in result.items() if not name.startswith("_ansible")}


def _finish(child: int, reading: int) -> dict[str, t.Any]:
    try:
        with os.fdopen(reading, "rb") as stream:
            result: dict[str, t.Any] = pickle.load(stream)
            return result
    except (EOFError, pickle.UnpicklingError):
        return {"failed": True, "msg": "asking this host ended without an answer"}
    finally:
        os.waitpid(child, 0)
