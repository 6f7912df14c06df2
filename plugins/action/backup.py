# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``backup``: brings the archive to the controller, encrypts it, and keeps the newest ones."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.action import ActionBase

VAULT_SUFFIX = ".vault"


class ActionModule(ActionBase):
    """Without ``dest`` the archive stays on its host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        result = self._call("flotilla.swarm.backup", dict(self._task.args), variables)
        destination = str(self._task.args.get("dest") or "")
        if result.get("failed") or self._task.check_mode or not destination:
            return result
        remote = str(result["archive"])
        fetched = self._call("ansible.legacy.slurp", {"src": remote}, variables)
        data = base64.b64decode(fetched.get("content", ""))
        if hashlib.sha256(data).hexdigest() != result["sha256"]:
            raise AnsibleActionFail(f"{remote} did not arrive whole on the controller. It stays on its host.", result=result)
        try:
            local = self._keep(Path(destination), Path(remote).name, data)
        except OSError as error:
            message = f"writing to {destination} on the controller: {error.strerror}. The archive stays on its host, as {remote}."
            raise AnsibleActionFail(message, result=result) from None
        self._call("ansible.legacy.file", {"path": remote, "state": "absent"}, variables)
        removed = self._retain(local, result["cluster_id"][:12])
        return {**result, "archive": str(local), "removed": removed}

    def _keep(self, directory: Path, name: str, data: bytes) -> Path:
        password = str(self._task.args.get("vault_password") or "")
        if password:
            data = VaultLib([("default", VaultSecret(password.encode()))]).encrypt(data)
            name += VAULT_SUFFIX
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(data)
        return directory / name

    def _retain(self, newest: Path, prefix: str) -> list[str]:
        """Remove the oldest archives of this swarm, but for as many as ``keep`` says; their paths. Names sort by time."""
        keep = int(self._task.args.get("keep") or 0)
        mine = sorted(newest.parent.glob(f"{prefix}-*.tar.gz*"))
        old = mine[:-keep] if keep else []
        for path in old:
            path.unlink()
        return [str(path) for path in old]

    def _call(self, module: str, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        return dict(self._execute_module(module_name=module, module_args=arguments, task_vars=variables))
