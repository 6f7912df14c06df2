# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``job``: waits in many short calls, and shows what the command wrote."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.follow import follow


class ActionModule(ActionBase):
    """Calls the module again and again until the job has ended."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        given = dict(self._task.args)

        def call(more: dict[str, t.Any]) -> dict[str, t.Any]:
            return dict(self._execute_module(module_name="flotilla.swarm.job", module_args={**given, **more}, task_vars=task_vars or {}))

        result = follow(call, self._display.display)
        if not result.get("failed") and not self._task.check_mode and not self._task.no_log:
            for text in (result["stdout"].rstrip(), result["stderr"].rstrip(), result["summary"]):
                if text:
                    self._display.display(text)
        return result
