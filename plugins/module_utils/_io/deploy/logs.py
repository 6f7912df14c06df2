# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why services failed, and the last words of their tasks. Talks to the engine."""

from __future__ import annotations

import typing as t

from ..._core.schedule.placement import Nodes, hostname
from ..._core.schedule.task_states import error_of
from ..._core.schedule.verdict import Verdict, describe_end
from ..._core.service.streams import split_log
from ..engine import EngineError

_IMAGE_MISSING = "No such image"


def find_unpulled(engine: t.Any, failed: t.Iterable[Verdict], nodes: Nodes, unresolved: t.Mapping[str, str]) -> list[dict[str, str]]:
    """The tasks whose node lacks an image that the registry has: only the journal of that node's engine says why."""
    found = []
    for verdict in failed:
        if not verdict.task or unresolved.get(verdict.name):
            continue
        try:
            task = engine.get(f"/tasks/{verdict.task}", "looking where an image is missing")
        except EngineError:
            continue
        home: t.Any = next((node for node in nodes.all if node.get("ID") == task.get("NodeID")), {})
        if home and _IMAGE_MISSING in error_of(task):
            found.append({"task": verdict.task, "node": hostname(home), "address": (home.get("Status") or {}).get("Addr", "")})
    return found


def describe_failures(engine: t.Any, failed: t.Iterable[Verdict], nodes: Nodes, unresolved: t.Mapping[str, str]) -> str:
    """A line for each service with its cause, followed by the last lines of the log of the task at fault.

    ``unresolved`` is what the registry said of the images of services, by their names: the engine of a node tells no more than that
    it has no such image.
    """
    lines = []
    for verdict in failed:
        cause = verdict.cause or verdict.text
        if verdict.task and "task" not in cause:
            cause = f"{cause}: {_describe_task(engine, verdict.task, nodes)}"
        if _IMAGE_MISSING in cause and unresolved.get(verdict.name):
            cause = f"{cause}; the registry said: {unresolved[verdict.name]}"
        lines.append(f"{verdict.name} failed: {cause}")
        tail = read_log_tail(engine, verdict.task) if verdict.task else []
        lines.extend(f"    {line}" for line in tail)
    return "\n".join(lines)


def _describe_task(engine: t.Any, task_id: str, nodes: Nodes) -> str:
    try:
        return describe_end(engine.get(f"/tasks/{task_id}"), nodes)
    except EngineError:
        return f"task {task_id} failed"


def read_log_tail(engine: t.Any, task_id: str, lines: int = 10) -> list[str]:
    """The last lines of a task's output, empty if the engine has none. Never raises: a verdict is not lost for its logs."""
    try:
        raw = engine.get_raw(f"/tasks/{task_id}/logs", stdout=True, stderr=True, tail=lines)
    except EngineError:
        return []
    return split_log(raw)[-lines:]
