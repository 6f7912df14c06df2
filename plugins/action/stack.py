# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``stack``: loads the files, and tells how the deploy goes on while the module waits."""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import FlotillaError, summarise
from ansible_collections.flotilla.swarm.plugins.module_utils.stack.options import ARGUMENTS
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import directories, load_model

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every text

    def trust_as_template(value: str) -> str:
        return value


CALL_SECONDS = 10
OUTAGE_CALLS = 12
OUTAGE_PAUSE_SECONDS = 5
# Read here alone: the module gets what became of them.
_OURS = (
    "files",
    "content",
    "env",
    "env_files",
    "undefined",
    "unsupported",
    "template",
    "profiles",
    "device_kinds",
    "registry_auth",
)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an arbitrary user of a container has no name
        return f"user {os.getuid()}"


class ActionModule(ActionBase):
    """Calls the module again and again until the deploy has ended, and prints a line for each service whose state changed."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        given = dict(self._task.args)
        # The rest, the connection for one, is for the module to check, where its defaults are.
        ours = {name: ARGUMENTS[name] for name in (*_OURS, "name", "state")}
        theirs = {name: {"type": "raw"} for name in given if name not in ours}
        _checked, options = self.validate_argument_spec(argument_spec={**theirs, **ours})
        arguments = {name: value for name, value in given.items() if name not in _OURS}
        if options["state"] == "present":
            loaded = self._load(options)
            arguments["model"] = json.dumps({"model": loaded.model, "registry_auth": options["registry_auth"]})
            for warning in loaded.warnings:
                self._display.warning(warning)
        session: dict[str, t.Any] = {"holder": f"{_user()}@{socket.gethostname()}"}
        return self._tell(self._call(arguments, session, task_vars or {}), options)

    def _load(self, options: dict[str, t.Any]) -> LoadedStack:
        try:
            return load_model(options, directories(self._loader.get_basedir()), self._template if options["template"] else None)
        except FlotillaError as error:
            raise AnsibleActionFail(str(error)) from None

    def _template(self, text: str) -> t.Any:
        return self._templar.template(trust_as_template(text))

    def _call(self, arguments: dict[str, t.Any], session: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        first: dict[str, t.Any] = {}
        told: dict[str, str] = {}
        attempts = OUTAGE_CALLS
        while True:
            result: dict[str, t.Any] = self._execute_module(
                module_name="flotilla.swarm.stack",
                module_args={**arguments, "session": session, "call_seconds": CALL_SECONDS},
                task_vars=task_vars,
            )
            if first and result.get("failed") and "session" not in result and attempts:
                # The call did not get as far as to the deploy, whose failures bring the session: the engine may be restarting.
                attempts -= 1
                time.sleep(OUTAGE_PAUSE_SECONDS)
                continue
            first = first or result
            told = self._tell_progress(told, result.get("progress") or {})
            session = result.get("session") or session
            if not result.pop("pending", False):
                break
        # Later calls plan what was left; the user asked for what the first one found.
        kept: dict[str, t.Any] = {name: first[name] for name in ("plan", "diff") if name in first}
        early, late = first.get("warnings", []), result.get("warnings", [])
        kept["warnings"] = [*early, *(warning for warning in late if warning not in early)]
        changed = result.get("changed") or (first.get("changed") and not result.get("failed"))
        return {**result, **kept, "changed": bool(changed)}

    def _tell_progress(self, told: dict[str, str], texts: dict[str, str]) -> dict[str, str]:
        for name, text in texts.items():
            if told.get(name) != text:
                self._display.display(f"{name}  {text}")
        return {**told, **texts}

    def _tell(self, result: dict[str, t.Any], options: dict[str, t.Any]) -> dict[str, t.Any]:
        # A failure is told by its message; the plan of what was not done, and undone again, would only bury it.
        for name in ("invocation", "session", "progress", *(("plan", "applied") if result.get("failed") else ())):
            result.pop(name, None)
        if not result.get("failed"):
            result.setdefault("summary", f"{options['name']}: {summarise(result.get('plan') or [])}")
            if not self._task.check_mode:
                self._display.display(result["summary"])
        return result
