# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ``generated_secrets``: it acts on the controller alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.generated_secrets import PARTS, complete
from ansible_collections.flotilla.swarm.plugins.plugin_utils.gpg import make_key
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import directories
from ansible_collections.flotilla.swarm.plugins.plugin_utils.vault_file import VaultFile

from ..module_utils.errors import FlotillaError, with_account
from ..module_utils.plan import Plan

SECRET = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": list(PARTS), "default": "password"},
    "length": {"type": "int", "default": 32},
    "username": {"type": "str", "default": ""},
    "identity": {"type": "str", "default": ""},
    "authority": {"type": "str", "default": ""},
    "names": {"type": "list", "elements": "str", "default": []},
}
ARGUMENTS = {
    "file": {"type": "str", "required": True},
    "secrets": {"type": "list", "elements": "dict", "required": True, "options": SECRET},
    "rotate": {"type": "list", "elements": "str", "default": []},
}
HEAD = "# Made by flotilla.swarm.generated_secrets. Keep it: nobody can make these secrets again.\n"


class ActionModule(ActionBase):
    """Has the file whole. What is secret of it never leaves the controller by this plugin."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            return self._complete(options, bool((task_vars or {}).get("awx_job_id")))
        except FlotillaError as error:
            raise AnsibleActionFail(with_account(error)) from None

    def _complete(self, options: dict[str, Any], in_awx: bool) -> dict[str, Any]:
        file = VaultFile(options["file"], directories(self._loader.get_basedir()), self._loader)
        made = complete(file.read(), options["secrets"], options["rotate"], datetime.now(UTC), str(file.path), make_key)
        warnings: list[str] = []
        if made.changes and not self._task.check_mode:
            if in_awx:
                names = ", ".join(change.name for change in made.changes)
                raise FlotillaError(
                    f"{file.path} lacks {names}, and what a job of AWX makes is lost with the job",
                    "Make it once where you keep the inventory, encrypt it, and commit it: see the README of role secrets.",
                )
            warnings = file.write(made.texts, HEAD, "secrets")
        for warning in warnings:
            self._display.warning(warning)
        return Plan(made.changes, tuple(warnings), {"file": str(file.path)}).as_result()
