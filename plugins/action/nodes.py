# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``nodes``: what preflight saw may say that there is nothing to do, and the module is told who calls."""

from __future__ import annotations

import threading
import typing as t

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.flotilla.swarm.plugins.plugin_utils.at_once import run_on_each
from ansible_collections.flotilla.swarm.plugins.plugin_utils.interruption import Interruption
from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed_action import ObservedAction
from ansible_collections.flotilla.swarm.plugins.plugin_utils.other_managers import Managers
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_identity import holder, is_dead, playbook_id

from ..modules import nodes

Json = dict[str, t.Any]
PAUSE_SECONDS = 0.5


class Stopper:
    """Calls ``stop`` as soon as the run is interrupted, while one of its calls is still at work."""

    def __init__(self, interruption: Interruption, stop: t.Callable[[str], Json]) -> None:
        self._interruption, self._stop, self._over = interruption, stop, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.result: Json = {}

    def __enter__(self) -> Stopper:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            if self._interruption.cause:
                self.result = self._stop(self._interruption.cause)
                self._interruption.say(f"nodes: {self.result.get('msg', '')}")
                return


class ActionModule(ObservedAction):
    module: t.ClassVar[t.Any] = nodes
    of_swarm: t.ClassVar[bool] = True

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        if "caller" in self._task.args:  # through another manager than that with which the run began
            return self._call(tmp, task_vars)
        caller: Json = {"holder": holder(), "run": playbook_id()}
        managers = Managers(self, task_vars or {})
        given = dict(self._task.args)

        def call() -> Json:
            self._task.args = {**given, "caller": caller}
            return managers.call(self._task.args, lambda: self._call(tmp, task_vars))

        def stop(cause: str) -> Json:
            """Beside the module that is at work, which finds its lock gone."""
            arguments = {**given, "caller": {**caller, "stop": cause, "unheard": True}}
            return run_on_each(self, [managers.name], arguments, task_vars or {})[0]

        with Interruption() as interruption, Stopper(interruption, stop) as stopper:
            result = call()
            rival = result.get("rival", "")
            if rival and is_dead(rival):
                caller["dead"] = [rival]
                result = call()
            changed = bool(result.get("changed"))
            while result.get("stranded") and managers.move():
                caller["unheard"] = True
                self._display.display(f"{managers.name} goes on: {result['msg']}")
                result = call()
                changed = changed or bool(result.get("changed"))
        result = stopper.result or result
        hidden = ("rival", "stranded", "item", "ansible_loop_var")
        return {**{name: value for name, value in result.items() if name not in hidden}, "changed": changed}

    def _call(self, tmp: str | None, task_vars: Json | None) -> Json:
        """What preflight saw says nothing of locks."""
        if self._task.args.get("turn"):
            return t.cast(Json, NormalAction.run(self, tmp, task_vars))
        return super().run(tmp, task_vars)
