# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ``deploy_gate``, which acts only on the controller."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.deploy_gate import (
    judge_checkout,
    judge_variables,
    read_checkout,
    run_command,
)

ARGUMENTS = {
    "branch": {"type": "list", "elements": "str", "default": []},
    "clean": {"type": "bool", "default": False},
    "variables": {"type": "list", "elements": "str", "default": []},
    "command": {"type": "list", "elements": "str", "default": []},
    "directory": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):
    """Tells all that stands against a deploy at once. In check mode it warns, so that the plan is still to be seen."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=ARGUMENTS)
        directory = os.path.abspath(os.path.expanduser(options["directory"] or "."))
        refusals = judge_variables(options["variables"], self._evaluated(options["variables"], task_vars or {}))
        if options["branch"] or options["clean"]:
            refusals += judge_checkout(read_checkout(directory), directory, options["branch"], options["clean"])
        if options["command"] and not refusals:
            refusals += run_command(options["command"], directory)
        text = "".join(f"\n  - {refusal}" for refusal in refusals)
        if refusals and not self._task.check_mode:
            raise AnsibleActionFail(f"The deploy gate is closed:{text}\nNothing was changed.")
        if refusals:
            self._display.warning(f"The deploy gate is closed:{text}")
        return {"changed": False, "refusals": refusals}

    def _evaluated(self, names: t.Iterable[str], variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The values, with templates filled in; one that can't be counts as not set."""
        found = {}
        for name in names:
            try:
                found[name] = self._templar.template(variables.get(name))
            except Exception:
                found[name] = None
        return found
