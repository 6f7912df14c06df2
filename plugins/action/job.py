# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``job``: waits in many short calls, and shows what the command wrote."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.follow import Following


class ActionModule(Following, ActionBase):
    """Calls the module again and again until the job has ended."""

    module = "job"

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        return self.follow(dict(self._task.args), task_vars, "job")

    def ending(self, result: dict[str, t.Any]) -> list[str]:
        shown = [] if self._task.no_log else [result["stdout"].rstrip(), result["stderr"].rstrip(), result["summary"]]
        return [text for text in shown if text]
