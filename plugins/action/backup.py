# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``backup``: brings the archive to the controller with the files of the stacks, and encrypts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import Asking
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_files import FILE_BYTES, UNPROTECTED, BackupFiles, pack_stacks, untold
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import directories

from ..module_utils._core.backup.catalog import STACKS_ARCHIVE, STATE_ARCHIVE, read_name
from ..module_utils.errors import FlotillaError, with_account


class ActionModule(Asking, ActionBase):
    """Without ``dest`` the archive stays on its host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        self._variables = task_vars or {}
        arguments = dict(self._task.args)
        password, stacks = str(arguments.pop("vault_password", "") or ""), arguments.pop("stacks", None) or []
        try:
            packed = pack_stacks(stacks, directories(self._loader.get_basedir()))
        except FlotillaError as error:
            raise AnsibleActionFail(with_account(error)) from None
        result = self._call("flotilla.swarm.backup", arguments)
        if result.get("failed") or not arguments.get("dest"):
            return result
        remote = str(result.get("archive"))
        name = Path(remote).name.removesuffix(".tar.gz")
        if not read_name(name):
            raise AnsibleActionFail(f"The host made the archive {remote!r}, which is not a valid name for an archive.")
        directory = Path(str(arguments["dest"])).expanduser() / name
        if not password:
            self._display.warning(UNPROTECTED)
        result["directory"] = str(directory)
        if self._task.check_mode:
            return result
        files = BackupFiles(directory, password)
        try:
            files.begin()
            if packed:
                files.keep(STACKS_ARCHIVE, packed)
            result["archive"] = str(files.bring(self._call, STATE_ARCHIVE, remote, str(result.get("sha256")), FILE_BYTES))
        except FlotillaError as error:
            raise AnsibleActionFail(f"{error} The archive stays on its host, as {remote}.", result=result) from None
        return result

    def _call(self, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with untold(self._connection):
            return dict(self._execute_module(module_name=module, module_args=arguments, task_vars=self._variables))
