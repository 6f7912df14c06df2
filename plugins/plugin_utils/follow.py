# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is longer than one call: the module ends early with ``pending``, and is called again until it is done."""

from __future__ import annotations

import getpass
import os
import socket
import time
import typing as t

from ..module_utils.plan import summarise

CALL_SECONDS = 10
OUTAGE_CALLS = 12
OUTAGE_PAUSE_SECONDS = 5

Json = dict[str, t.Any]


class Following:
    """What action plugins share whose module ends before its run does. It stands before ``ActionBase`` among the bases."""

    module: t.ClassVar[str]
    _display: t.Any
    _execute_module: t.Any
    _task: t.Any

    def follow(self, arguments: Json, task_vars: Json | None, title: str) -> Json:
        """Call the module until the run has ended, and show how. A result without a summary gets one that begins with ``title``."""

        def call(more: Json) -> Json:
            name = f"flotilla.swarm.{self.module}"
            return dict(self._execute_module(module_name=name, module_args={**arguments, **more}, task_vars=task_vars or {}))

        result = follow(call, self._display.display)
        if not result.get("failed"):
            result.setdefault("summary", f"{title}: {summarise(result.get('plan') or [])}")
            for text in [] if self._task.check_mode else self.ending(result):
                self._display.display(text)
        return result

    def ending(self, result: Json) -> t.Sequence[str]:
        """What is shown when the run has ended well."""
        return [result["summary"]]


def holder() -> str:
    """Who runs this, such as ``ada@controller``, for the lock that others meet."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an arbitrary user of a container has no name
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def follow(call: t.Callable[[Json], Json], tell: t.Callable[[str], None]) -> Json:
    """Call until the run has ended, ``tell`` a line for each service whose state is new, and return the result for the user.

    ``call`` takes the options ``session`` and ``call_seconds`` and calls the module with them. The plan is that of the first
    call: later ones plan what was left.
    """
    first: Json = {}
    told: dict[str, str] = {}
    session: Json = {"holder": holder()}
    attempts = OUTAGE_CALLS
    while True:
        result = call({"session": session, "call_seconds": CALL_SECONDS})
        if first and result.get("failed") and "session" not in result and attempts:
            # The call did not get as far as to the run, whose failures bring the session: the engine may be restarting.
            attempts -= 1
            time.sleep(OUTAGE_PAUSE_SECONDS)
            continue
        first = first or result
        for name, text in (result.get("progress") or {}).items():
            if told.get(name) != text:
                tell(f"{name}  {text}")
            told[name] = text
        session = result.get("session") or session
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
