# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``compose_project``: what the host tells becomes part of a stack file here."""

from __future__ import annotations

import typing as t

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import Asking

from ..module_utils._core.compose_project import read_overlay
from ..module_utils.errors import FlotillaError, with_account


class ActionModule(Asking, NormalAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        if result.get("failed") or "overlay" not in result:
            return result
        host = str(self._task.delegate_to or (task_vars or {}).get("inventory_hostname"))
        try:
            return {**result, "overlay": read_overlay(result["overlay"], host)}
        except FlotillaError as error:
            changed = [f"{change['kind']} {change['name']}" for change in result["plan"]] if result.get("changed") else []
            return {"failed": True, "changed": result.get("changed", False), "msg": with_account(error, changed)}
