# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``nodes``: what preflight saw may say that there is nothing to do, and the module is told who calls."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed_action import ObservedAction
from ansible_collections.flotilla.swarm.plugins.plugin_utils.other_managers import Managers
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_identity import holder, is_dead, run_id

from ..modules import nodes


class ActionModule(ObservedAction):
    module: t.ClassVar[t.Any] = nodes
    of_swarm: t.ClassVar[bool] = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        if "caller" in self._task.args:  # through another manager than that with which the run began
            return super().run(tmp, task_vars)
        caller: dict[str, t.Any] = {"holder": holder(), "run": run_id()}
        managers = Managers(self, task_vars or {})
        given = dict(self._task.args)

        def call() -> dict[str, t.Any]:
            self._task.args = {**given, "caller": caller}
            return managers.call(self._task.args, lambda: super(ActionModule, self).run(tmp, task_vars))

        result = call()
        rival = result.get("rival", "")
        if rival and is_dead(rival):
            caller["dead"] = [rival]
            result = call()
        changed = bool(result.get("changed"))
        while result.get("stranded") and managers.move():
            self._display.display(f"{managers.name} goes on: {result['msg']}")
            result = call()
            changed = changed or bool(result.get("changed"))
        hidden = ("rival", "stranded")
        return {**{name: value for name, value in result.items() if name not in hidden}, "changed": changed}
