# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of modules whose tasks find nothing to do on most hosts of most runs."""

from __future__ import annotations

import json
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action.normal import ActionModule as NormalAction

from ..module_utils._core.host.record import NotRecorded
from ..module_utils._io.member_host import MemberHost
from ..module_utils._io.recorded_target import open_record
from ..module_utils._io.target import CONNECTION
from ..module_utils.plan import Plan
from ..module_utils.redact import redact_text
from .asking import Asking
from .observed import REUSE, find_record, find_record_of_swarm

_PLACES = {name: {key: value for key, value in option.items() if key != "fallback"} for name, option in CONNECTION.items()}


class ObservedAction(Asking, NormalAction):
    """Answers on the controller if the host's record says that there is nothing to do, and in check mode.

    Else the module runs on the host: it observes and plans anew, so that what was seen decides only whether to go there.
    """

    module: t.ClassVar[t.Any]
    """The module, whose very functions observe and plan here."""
    of_swarm: t.ClassVar[bool] = False
    """Whether it is about what belongs to the whole swarm, and not to one host."""

    def place(self, recorded: MemberHost) -> t.Any:
        """What the module acts on, made of a record: its member for what belongs to the swarm, else its host."""
        return recorded.member if self.of_swarm else recorded.host

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        variables = task_vars or {}
        try:
            decided = self._decide(variables)
        except Exception as reason:
            # What is wrong is for the module to tell, also where the host told of itself what nobody can read.
            host = self._task.delegate_to or variables.get("inventory_hostname")
            self._display.vvv(f"{self._task.action} goes to the host: {reason}", host=host)
            return t.cast("dict[str, t.Any]", super().run(tmp, task_vars))
        for warning in decided.warnings:
            self._display.warning(redact_text(warning))
        return decided.as_result()

    def _decide(self, variables: dict[str, t.Any]) -> Plan:
        return self._plan_of(self.module, variables)

    def _plan_of(self, module: t.Any, variables: dict[str, t.Any]) -> Plan:
        """The plan of a module. Raises where it has to be made on the host."""
        check_mode = bool(self._task.check_mode)
        reaches_elsewhere = any(name in self._task.args for name in CONNECTION) or any(self._task.environment or ())
        record = None if reaches_elsewhere or self._task.async_val else self._find_record(variables, check_mode)
        if record is None:
            raise NotRecorded("nothing that preflight saw of it counts")
        # As they would arrive on the host: Ansible's own types of text are no str to whom it matters.
        given = json.loads(json.dumps(self._task.args, default=str))
        checked = ArgumentSpecValidator({**_PLACES, **module.ARGUMENTS}).validate(given)
        if checked.error_messages:
            raise NotRecorded(checked.error_messages[0])
        place, params = self.place(open_record(record, check_mode)), checked.validated_parameters
        decided: Plan = module.plan(module.observe(place, params), params)
        if decided.changes and not check_mode:
            raise NotRecorded("there is something to do")
        return decided

    def _find_record(self, variables: dict[str, t.Any], check_mode: bool) -> t.Any:
        mine = self._variables_of_host(variables)
        if not self.of_swarm:
            return find_record(mine, check_mode)
        hosts = variables.get("ansible_play_hosts_all") or ()
        return find_record_of_swarm(mine, (variables["hostvars"].raw_get(host) for host in hosts), check_mode)

    def _variables_of_host(self, variables: dict[str, t.Any]) -> t.Mapping[str, t.Any]:
        host = self._task.delegate_to
        if not host or host == variables.get("inventory_hostname"):
            return variables
        others = variables["hostvars"]
        # Raw, since what tasks registered is no template, and a variable of the inventory may be one that nobody here can fill in.
        return {**others.raw_get(host), REUSE: variables.get(REUSE)} if host in others else {}
