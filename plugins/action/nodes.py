# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``nodes``: what preflight saw may say that there is nothing to do, and the module is told who calls."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed_action import ObservedAction
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_identity import holder, is_dead, run_id

from ..modules import nodes


class ActionModule(ObservedAction):
    module: t.ClassVar[t.Any] = nodes
    of_swarm: t.ClassVar[bool] = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        caller: dict[str, t.Any] = {"holder": holder(), "run": run_id()}
        self._task.args = {**self._task.args, "caller": caller}
        result = super().run(tmp, task_vars)
        rival = result.pop("rival", "")
        if rival and is_dead(rival):
            self._task.args["caller"] = {**caller, "dead": [rival]}
            result = super().run(tmp, task_vars)
            result.pop("rival", "")
        return result
