# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Through which managers a run may go on when its own can't act any more."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure

from ..module_utils._core.stack.session import Session
from ..module_utils.errors import FlotillaError, with_account
from .at_once import run_on_each
from .host_answers import read_answers
from .unpulled import explain_unpulled, find_host

TOLD = "swarm_told"
"""What the managers answered that role swarm asked for one that can act."""

Json = dict[str, t.Any]


class Managers:
    """The manager of a task, and after it the others. A call that one of them can't carry out says so in ``stranded``."""

    def __init__(self, action: t.Any, variables: Json) -> None:
        self._action, self._variables = action, variables
        task = action._task
        own = str(task.delegate_to or variables.get("inventory_hostname") or "")
        acting = read_answers(variables.get(TOLD) or [])["acting"]
        reaches_elsewhere = "docker_host" in task.args or any(task.environment or ())
        others = [] if reaches_elsewhere or own not in acting else [name for name in acting if name != own]
        self._places: list[str] = [own, *others]
        self._at = 0

    @property
    def name(self) -> str:
        return self._places[self._at]

    def move(self) -> bool:
        """Take the next one; whether it has not been tried since the first."""
        self._at = (self._at + 1) % len(self._places)
        return self._at > 0

    def call(self, arguments: Json, here: t.Callable[[], Json]) -> Json:
        """The module's result with these arguments; ``here`` runs it on the task's own manager."""
        try:
            result = self._call_there(arguments) if self._at else here()
        except AnsibleConnectionFailure as error:
            if len(self._places) == 1:
                raise
            result = {"unreachable": True, "msg": str(error)}
        if not result.pop("unreachable", False):
            return result
        changed = Session.from_result(arguments["session"]).changes() if arguments.get("session") else ()
        return {"failed": True, "stranded": True, "msg": with_account(FlotillaError(str(result.get("msg", ""))), changed)}

    def explain(self, unpulled: Json) -> str:
        """Why a node could not pull an image, by what its host says."""
        hosts = self._variables["hostvars"]
        addresses = {str(name): str(hosts.raw_get(name).get("ansible_host") or "") for name in hosts}
        host = find_host(unpulled, addresses)
        said = run_on_each(self._action, [host], {}, self._variables, "flotilla.swarm.health_info") if host else [{}]
        return explain_unpulled(unpulled, said[0])

    def _call_there(self, arguments: Json) -> Json:
        (result,) = run_on_each(self._action, [self.name], arguments, self._variables)
        return {name: value for name, value in result.items() if name not in ("item", "ansible_loop_var")}
