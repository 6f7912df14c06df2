# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``data_restore``: asks what can be restored, and sends only those archives."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import Asking
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_reader import BackupReader

from ..module_utils._core.backup.catalog import INDEX, host_file
from ..module_utils._core.backup.index import read_index
from ..module_utils.errors import FlotillaError, with_account


class ActionModule(Asking, ActionBase):
    """One archive is on its way at a time, so that a host needs room for one."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        self._variables = task_vars or {}
        arguments = dict(self._task.args)
        password, accept = str(arguments.pop("vault_password", "") or ""), arguments.pop("accept_unauthenticated", False)
        try:
            files = BackupReader(Path(str(arguments["src"])).expanduser(), password, boolean(accept, strict=False))
            archives = self._index(files, str(arguments["host"]))
            if not archives:
                return {"changed": False, "plan": [], "restored": [], "lost": []}
            arguments["archives"] = [{**archive, "parts": []} for archive in archives]
            looked = self._look(arguments)
            if looked.get("failed") or self._task.check_mode:
                return looked
            for archive in archives:
                if f"{archive['kind']} {archive['name']} of {arguments['host']}" in looked["restored"]:
                    done = self._call({**arguments, "archives": [{**archive, "parts": self._send(files, archive["parts"])}]})
                    if done.get("failed"):
                        return {**looked, **done}
        except FlotillaError as error:
            raise AnsibleActionFail(with_account(error)) from None
        return looked

    def _index(self, files: BackupReader, host: str) -> list[dict[str, Any]]:
        """The archives of the host; none where the backup knows nothing of it."""
        name = host_file(host, INDEX)
        found = read_index(files.read(name), host) if files.has(name) else []
        return [{**archive, "authenticated": files.authenticated} for archive in found]

    def _look(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """What the module would do."""
        given, self._task.check_mode = self._task.check_mode, True
        try:
            return self._call(arguments)
        finally:
            self._task.check_mode = given

    def _send(self, files: BackupReader, parts: list[str]) -> list[str]:
        """The paths of the parts on the host."""
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        sent = []
        for part in parts:
            remote = str(shell.join_path(shell.tmpdir, PurePosixPath(part).name))
            self._transfer_data(remote, files.read(part))
            sent.append(remote)
        self._fixup_perms2((shell.tmpdir, *sent))
        return sent

    def _call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return dict(self._execute_module(module_name="flotilla.swarm.data_restore", module_args=arguments, task_vars=self._variables))
