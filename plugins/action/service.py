# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``service``: tells how the operation goes on while the module waits."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.follow import Following

from ..module_utils._core.stack.service_options import VERBS


class ActionModule(Following, ActionBase):
    """Calls the module again and again until the operation has ended, and prints a line for each service whose state changed."""

    module = "service"

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        given = dict(self._task.args)
        verb = next((name for name in VERBS if given.get(name) is not None), "service")
        return self.follow(given, task_vars, verb)
