# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ``registry_credentials``: it acts on the controller, and asks the host only whether others made some before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.registry_credentials import complete
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import directories
from ansible_collections.flotilla.swarm.plugins.plugin_utils.vault_file import VaultFile

from ..module_utils.errors import FlotillaError, with_account
from ..module_utils.plan import Plan

ARGUMENTS = {
    "file": {"type": "str", "required": True},
    "registry": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str", "default": []},
}
HEAD = "# Made by flotilla.swarm.registry_credentials. Keep it: without it every engine and stack must be set up again.\n"


class ActionModule(ActionBase):
    """Has the file whole. What is secret of it never leaves the controller by this plugin."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            return self._complete(options, task_vars or {})
        except FlotillaError as error:
            raise AnsibleActionFail(with_account(error)) from None

    def _complete(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        file = VaultFile(options["file"], directories(self._loader.get_basedir()), self._loader)
        existed = file.exists()
        if not existed:
            self._refuse_to_begin_anew(file, options["registry"], variables)
        made = complete(file.read(), options["registry"], options["names"], datetime.now(UTC), str(file.path))
        warnings = list(made.warnings)
        if made.fields and not self._task.check_mode:
            warnings += file.write(made.credentials, HEAD, "a private key and a password")
        plan = Plan(made.changes(existed), tuple(warnings), {"ca": made.credentials.get("ca", ""), "file": str(file.path)})
        for warning in plan.warnings:
            self._display.warning(warning)
        return plan.as_result()

    def _refuse_to_begin_anew(self, file: VaultFile, registry: str, variables: dict[str, Any]) -> None:
        """With other credentials every engine and service that has the former ones would be locked out."""
        if variables.get("awx_job_id") and not self._task.check_mode:
            raise FlotillaError(
                f"{file.path} does not exist, and what a job of AWX creates is lost with the job",
                "Create it once where you keep the inventory, encrypt it, and commit it: see the role's README.",
            )
        trusted = f"/etc/docker/certs.d/{registry}/ca.crt"
        found = self._execute_module("ansible.legacy.stat", {"path": trusted, "get_checksum": False}, task_vars=variables)
        if found.get("failed") or found.get("unreachable"):
            raise FlotillaError(f"looking for {trusted}: {found.get('msg') or 'no answer'}")
        if found["stat"]["exists"]:
            raise FlotillaError(
                f"the engine already trusts an authority for {registry} ({trusted}), but {file.path} does not exist on the controller",
                "Restore the file; or, for new credentials, remove that authority from this manager, run "
                "site.yml, and deploy every stack with refresh_registry_auth.",
            )
