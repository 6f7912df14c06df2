# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run at a glance."""

from __future__ import annotations

DOCUMENTATION = r"""
name: glance
type: stdout
short_description: A run at a glance
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - Shows a line for each play that does something, with the number of its hosts. Hosts are named only where a task changed something,
    failed, or did not reach them.
  - Messages of M(ansible.builtin.debug), and the progress that deploys show, are printed as they are.
  - At the end stand the changes, where P(flotilla.swarm.plan#callback) is enabled, the verdict, and how long the run took. A run that fails
    ends with each cause and its cure.
  - Failures that a C(rescue) section or C(ignore_errors) takes are not shown. Warnings are shown once.
  - Of a result it shows its message, and with C(--diff) its difference. Results of tasks with C(no_log) stay hidden.
  - With C(-v), or more of them, it shows what P(ansible.builtin.default#callback) does, with that plugin's options.
extends_documentation_fragment: [default_callback, result_format_callback]
requirements:
  - To be chosen, by C(stdout_callback = flotilla.swarm.glance) in C(ansible.cfg) or E(ANSIBLE_STDOUT_CALLBACK).
"""

import time
import typing as t

from ansible import constants as C
from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils.display import Display
from ansible_collections.flotilla.swarm.plugins.plugin_utils.glance import Glance, Line, end_run
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_plan import RUN_PLAN

FREE = ("free", "host_pinned")
COLORS = {"changed": C.COLOR_CHANGED, "would change": C.COLOR_CHANGED, "failed": C.COLOR_ERROR, "unreachable": C.COLOR_UNREACHABLE}


def is_rescued(task: t.Any) -> bool:
    """Whether the task is in a block, at any depth, whose rescue section takes its failure."""
    below, parent = {task._uuid}, task._parent
    while parent:
        # What is imported stands in the block itself, in place of its import.
        if getattr(parent, "rescue", None) and any(each._uuid in below for each in parent.block):
            return True
        below.add(parent._uuid)
        parent = parent._parent
    return False


class Events(CallbackBase):
    """Hands the events of Ansible to what decides about them, and shows its lines."""

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._glance = Glance()
        self._began = time.monotonic()

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        hosts = play.get_variable_manager().get_vars(play=play)["ansible_play_hosts_all"]
        is_free = str(play.strategy).rpartition(".")[2] in FREE
        self._show(self._glance.begin_step(play.get_name().strip(), hosts, is_free))

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        self._show(self._glance.begin_task())

    def v2_playbook_on_handler_task_start(self, task: t.Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        self._show(self._glance.begin_host())

    def v2_runner_on_ok(self, result: t.Any) -> None:
        task = result._task
        self._handle_warnings(result._result)
        checking, is_message = bool(result._task_fields.get("check_mode")), task.action in C._ACTION_DEBUG
        host = result._host.get_name()
        self._show(self._glance.pass_task(host, result.task_name, result._result, checking, is_message, bool(task.run_once)))

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        self._handle_warnings(result._result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._handle_warnings(result._result)
        if not ignore_errors:
            task, host = result._task, result._host.get_name()
            self._show(self._glance.fail_task(host, result.task_name, result._result, is_rescued(task), bool(task.run_once)))

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        if not result._task.ignore_unreachable:
            self._show(self._glance.lose_host(result._host.get_name(), result.task_name, result._result))

    def v2_on_file_diff(self, result: t.Any) -> None:
        # A play may set `diff` so that its modules plan; only who asks for differences sees them.
        if context.CLIARGS["diff"]:
            looped = result._result.get("results") if result._task.loop else None
            for each in looped or [result._result]:
                if each.get("changed") and each.get("diff"):
                    self._display.display(self._get_diff(each["diff"]).rstrip("\n"))

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._show(self._glance.flush())
        lost = {*stats.failures, *stats.dark}
        plan = RUN_PLAN.end(sorted(lost))
        self._show([Line(""), *map(Line, plan), *([Line("")] if plan else [])])
        changed = None if plan else len(stats.changed)
        took = f"{time.monotonic() - self._began:.0f} s"
        self._show(end_run(set(stats.processed), set(stats.failures), set(stats.dark), self._glance.causes, changed, took))

    def _show(self, lines: t.Iterable[Line]) -> None:
        for text, state in lines:
            self._display.display(text, color=COLORS.get(state))


# Which of the two is known only when Ansible starts, and types are read before.
class CallbackModule(Default if Display().verbosity else Events):  # type: ignore[misc]
    """With -v Ansible's own, which shows everything."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "flotilla.swarm.glance"
