# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is longer than one call: the module ends early with ``pending``, and is called again until it is done."""

from __future__ import annotations

import json
import time
import typing as t

from ..module_utils.errors import FlotillaError, with_account
from .asking import Asking
from .generated_secrets import holds_stand_in
from .interruption import Interruption
from .other_managers import Managers
from .run_identity import holder, is_dead, run_id
from .run_plan import summarise
from .unpulled import find_unpulled

CALL_SECONDS = 10
OUTAGE_CALLS = 12
OUTAGE_PAUSE_SECONDS = 5
STOP_CALLS = 2

Json = dict[str, t.Any]


class Following(Asking):
    """What action plugins share whose module ends before its run does. It stands before ``ActionBase`` among the bases."""

    module: t.ClassVar[str]
    _display: t.Any

    def follow(self, arguments: Json, task_vars: Json | None, title: str) -> Json:
        """Call the module until the run has ended, and show how. A result without a summary gets one that begins with ``title``."""
        if not self._task.check_mode and holds_stand_in(json.dumps(arguments, default=str)):
            problem = f"{title}: a secret of secrets_generated, or the registry's login, is not made yet"
            return {"failed": True, "msg": with_account(FlotillaError(problem, "Run site.yml, which makes it."))}

        if "session" in arguments:  # one call of a run that another manager began
            return self._call(arguments, task_vars)
        managers = Managers(self, task_vars or {})

        def call(more: Json) -> Json:
            given = {**arguments, **more}
            return managers.call(given, lambda: self._call(given, task_vars))

        def move(why: str) -> bool:
            left, is_new = managers.name, managers.move()
            if is_new:
                self._display.display(f"{title}  {left} can't act any more, {managers.name} goes on: {why}")
            return is_new

        with Interruption() as interruption:
            result = follow(call, self._display.display, lambda: interruption.cause, move)
            for each in find_unpulled(result.pop("unpulled", ())):
                result["msg"] = f"{str(result['msg']).rstrip()}\n{managers.explain(each)}"
            if interruption.cause and result.get("failed"):
                interruption.say(f"{title}: {result['msg']}")
        if not result.get("failed"):
            result.setdefault("summary", f"{title}: {summarise(result.get('plan') or [])}")
            for text in [] if self._task.check_mode else self.ending(result):
                self._display.display(text)
        return result

    def _call(self, arguments: Json, task_vars: Json | None) -> Json:
        name = f"flotilla.swarm.{self.module}"
        return dict(self._execute_module(module_name=name, module_args=arguments, task_vars=task_vars or {}))

    def ending(self, result: Json) -> t.Sequence[str]:
        """What is shown when the run has ended well."""
        return [result["summary"]]


def follow(
    call: t.Callable[[Json], Json],
    tell: t.Callable[[str], None],
    interrupted: t.Callable[[], str] = str,
    move: t.Callable[[str], bool] = lambda _why: False,
) -> Json:
    """Call until the run has ended, ``tell`` a line for each service whose state is new, and return the result for the user.

    ``call`` takes the options ``session`` and ``call_seconds`` and calls the module with them. The plan is that of the first
    call: later ones plan what was left. Once ``interrupted`` says by what, one last call ends the run where it stands.
    ``move`` takes another manager, and says whether that has yet to be tried.
    """
    first: Json = {}
    told: dict[str, str] = {}
    session: Json = {"holder": holder(), "run": run_id()}
    attempts = OUTAGE_CALLS
    while True:
        if interrupted() and not session.get("stop"):
            session["stop"], attempts = interrupted(), min(attempts, STOP_CALLS)
        result = call({"session": session, "call_seconds": CALL_SECONDS})
        is_lost = bool(result.get("failed")) and "session" not in result
        is_stranded = bool(result.pop("stranded", False))
        if is_lost and interrupted() and not session.get("stop"):
            session["unheard"] = True
            continue
        if is_stranded or (first and is_lost):
            # The engine may be restarting. A call that did not get as far as to the run brings no session.
            session = result.get("session") or session
            if move(str(result["msg"])):
                continue
            if first and attempts:
                attempts -= 1
                time.sleep(OUTAGE_PAUSE_SECONDS)
                continue
        first = first or result
        for name, text in (result.get("progress") or {}).items():
            if told.get(name) != text:
                tell(f"{name}  {text}")
            told[name] = text
        session = result.get("session") or session
        rival = session.get("rival", "")
        if rival and rival not in session["dead"] and is_dead(rival):
            session["dead"].append(rival)
        if not result.pop("pending", False):
            return _as_one(first, result)


def _as_one(first: Json, last: Json) -> Json:
    kept: Json = {name: first[name] for name in ("plan", "diff", "plan_id") if name in first}
    early, late = first.get("warnings", []), last.get("warnings", [])
    kept["warnings"] = [*early, *(warning for warning in late if warning not in early)]
    changed = last.get("changed") or (first.get("changed") and not last.get("failed"))
    # A failure is told by its message; the plan of what was not done, and undone again, would only bury it.
    hidden = ("invocation", "session", "progress", *(("plan", "applied") if last.get("failed") else ()))
    return {name: value for name, value in {**last, **kept, "changed": bool(changed)}.items() if name not in hidden}
