# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``swarm_info``: it asks several hosts at once, and what preflight saw may be all that is asked."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.flotilla.swarm.plugins.plugin_utils.at_once import run_on_each
from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed import REUSE, SEEN
from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed_action import ObservedAction

from ..modules import swarm_info


class ActionModule(ObservedAction):
    module: t.ClassVar[t.Any] = swarm_info
    of_swarm: t.ClassVar[bool] = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        variables = task_vars or {}
        hosts = self._task.args.get("hosts")
        if hosts is not None:
            arguments = {name: value for name, value in self._task.args.items() if name != "hosts"}
            return {"changed": False, "answers": run_on_each(self, [str(host) for host in hosts], arguments, variables)}
        mine = self._variables_of_host(variables)
        seen = mine.get(SEEN)
        if mine.get(REUSE) and isinstance(seen, t.Mapping) and seen.get("unreachable"):
            # Preflight has waited for it just now.
            raise AnsibleConnectionFailure(str(seen.get("msg") or "preflight could not reach it"))
        return super().run(tmp, variables)
