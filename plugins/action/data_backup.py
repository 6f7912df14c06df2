# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``data_backup``: brings the parts of the archives to the controller, and encrypts them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import Asking
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_files import UNPROTECTED, BackupFiles, untold

from ..module_utils._core.backup.catalog import INDEX, PART_BYTES, host_file
from ..module_utils._core.backup.index import read_made, write_index
from ..module_utils.errors import FlotillaError


class ActionModule(Asking, ActionBase):
    """Without ``dest`` the archives stay on their host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        self._variables = task_vars or {}
        arguments = dict(self._task.args)
        password = str(arguments.pop("vault_password", "") or "")
        result = self._call("flotilla.swarm.data_backup", arguments)
        if arguments.get("dest") and not password:
            self._display.warning(UNPROTECTED)
        if result.get("failed") or self._task.check_mode or not arguments.get("dest") or not result.get("archives"):
            return result
        files = BackupFiles(Path(str(arguments["dest"])).expanduser(), password)
        host = str(self._variables["inventory_hostname"])
        try:
            archives = read_made(result["archives"], arguments.get("volumes") or [], arguments.get("paths") or [])
            for archive in archives:
                archive["parts"] = [self._bring(files, host, part) for part in archive["parts"]]
            files.keep(host_file(host, INDEX), write_index(host, archives))
            result["archives"] = archives
        except FlotillaError as error:
            raise AnsibleActionFail(f"{error} What did not arrive is still on its host.", result=result) from None
        return result

    def _bring(self, files: BackupFiles, host: str, part: dict[str, str]) -> str:
        """Bring one part; its name in the backup."""
        name = host_file(host, PurePosixPath(part["path"]).name)
        files.bring(self._call, name, part["path"], part["sha256"], PART_BYTES)
        return name

    def _call(self, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with untold(self._connection):
            return dict(self._execute_module(module_name=module, module_args=arguments, task_vars=self._variables))
