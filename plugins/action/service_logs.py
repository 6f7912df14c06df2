# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``service_logs``: shows the logs, or writes a file for each task."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import Asking

from ..module_utils._core.service.logs import file_name


class ActionModule(Asking, ActionBase):
    """Calls the module once."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        result: dict[str, t.Any] = self._execute_module(
            module_name="flotilla.swarm.service_logs", module_args=dict(self._task.args), task_vars=task_vars or {}
        )
        result.pop("invocation", None)
        if result.get("failed"):
            return result
        if not self._task.args.get("dest"):
            self._show(result["logs"])
        elif not self._task.check_mode:
            try:
                result["changed"] = self._write(result["logs"], str(self._task.args["dest"]))
            except OSError as error:
                raise AnsibleActionFail(f"writing logs to {error.filename}: {error.strerror}. Give another dest.") from None
        return result

    def _show(self, logs: list[dict[str, t.Any]]) -> None:
        if self._task.no_log:
            return
        for log in logs:
            number = f".{log['slot']}" if log["slot"] else ""
            self._display.display(f"==> {log['service']}{number} on {log['node']} ({log['state']}, task {log['task']})")
            self._display.display(log["text"].rstrip("\n"))

    def _write(self, logs: list[dict[str, t.Any]], dest: str) -> bool:
        """A file for each log, in place of its text; whether anything was written."""
        folder = os.path.expanduser(dest)
        if not os.path.isabs(folder):
            folder = os.path.join(os.getcwd(), folder)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for log in logs:
            log["file"] = os.path.join(folder, file_name(log["service"], log["slot"], log["node"], log["task"]))
            with open(os.open(log["file"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
                stream.write(log.pop("text"))
        return bool(logs)
