# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``recover``: sends the archive, and opens a locked manager's key with the unlock key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import Asking
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_files import untold
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_reader import BackupReader, read_archive_file
from ansible_collections.flotilla.swarm.plugins.plugin_utils.node_key import NodeKeyError, open_node_key

from ..module_utils._core.backup.catalog import STATE_ARCHIVE
from ..module_utils.errors import FlotillaError, with_account


class ActionModule(Asking, ActionBase):
    """What is on the controller never reaches the host but through the archive and the opened key."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = dict(self._task.args)
        unlock_key, password = str(arguments.pop("unlock_key", "") or ""), str(arguments.pop("vault_password", "") or "")
        accept = boolean(arguments.pop("accept_unauthenticated", False), strict=False)
        if arguments.get("archive"):
            arguments["archive"] = self._send(self._read(str(arguments["archive"]), password, accept))
        result = self._call(arguments, variables)
        locked = result.pop("locked_key", "")
        if not locked or not unlock_key:
            return result
        try:
            return self._call({**arguments, "node_key": open_node_key(locked, unlock_key)}, variables)
        except NodeKeyError as error:
            raise AnsibleActionFail(with_account(FlotillaError(str(error)))) from None
        except ImportError as error:
            problem = FlotillaError(f"A locked manager is recovered with PyNaCl and cryptography on the controller: {error}")
            raise AnsibleActionFail(with_account(problem)) from None

    def _read(self, name: str, password: str, accept: bool) -> bytes:
        path = Path(name).expanduser()
        try:
            if path.is_dir():
                return BackupReader(path, password, accept).read(STATE_ARCHIVE)
            return read_archive_file(path, password, accept)
        except FlotillaError as error:
            raise AnsibleActionFail(with_account(error)) from None

    def _send(self, data: bytes) -> str:
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        remote = str(self._connection._shell.join_path(self._connection._shell.tmpdir, "archive.tar.gz"))
        self._transfer_data(remote, data)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote

    def _call(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        with untold(self._connection):
            return dict(self._execute_module(module_name="flotilla.swarm.recover", module_args=arguments, task_vars=variables))
