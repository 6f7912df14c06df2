# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``stack``: loads the files, and tells how the deploy goes on while the module waits."""

from __future__ import annotations

import json
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.render import render
from ansible_collections.flotilla.swarm.plugins.plugin_utils.follow import Following
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_loading import load_for

from ..module_utils._core.stack.options import ARGUMENTS
from ..module_utils.errors import FlotillaError
from ..module_utils.redact import redact_text

# Read here alone: the module gets what became of them.
_OURS = (
    "files",
    "content",
    "env",
    "env_files",
    "files_below",
    "project_dir",
    "undefined",
    "optional_variables",
    "unsupported",
    "template",
    "render",
    "profiles",
    "device_kinds",
    "registry_auth",
)


class ActionModule(Following, ActionBase):
    """Calls the module again and again until the deploy has ended, and prints a line for each service whose state changed."""

    module = "stack"

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        given = dict(self._task.args)
        if "session" in given:  # the stack is loaded already
            return self.follow(given, task_vars, given["name"])
        # The rest, the connection for one, is for the module to check, where its defaults are.
        ours = {name: ARGUMENTS[name] for name in (*_OURS, "name", "state", "silence", "show_environment")}
        theirs = {name: {"type": "raw"} for name in given if name not in ours}
        _checked, options = self.validate_argument_spec(argument_spec={**theirs, **ours})
        more: dict[str, t.Any] = {}
        arguments = {name: value for name, value in given.items() if name not in _OURS}
        if options["state"] == "present":
            loaded = self._load(options)
            arguments["model"] = json.dumps({"model": loaded.model, "registry_auth": options["registry_auth"]})
            for warning in loaded.warnings:
                self._display.warning(redact_text(warning))
            if options["render"]:
                more["rendered"] = render(loaded.model, options["show_environment"])
                self._display.display(more["rendered"])
        return {**self.follow(arguments, task_vars, options["name"]), **more}

    def _load(self, options: dict[str, t.Any]) -> LoadedStack:
        try:
            return load_for(self, options, options["template"])
        except FlotillaError as error:
            raise AnsibleActionFail(redact_text(str(error))) from None
