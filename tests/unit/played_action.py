# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of a played ``swarm_info``: it asks several hosts at once, as the real one does, and keeps no record."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.at_once import run_on_each


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        arguments, variables = dict(self._task.args), task_vars or {}
        hosts = arguments.pop("hosts", None)
        if hosts is None:
            result: dict[str, Any] = self._execute_module(task_vars=variables)
            return result
        return {"answers": run_on_each(self, hosts, arguments, variables)}
