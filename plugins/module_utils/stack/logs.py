# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why services failed, and the last words of their tasks. Talks to the engine."""

from __future__ import annotations

import struct
import typing as t

from ..engine import EngineError
from .placement import Nodes
from .verdict import Verdict, describe_end

OUTPUT_BYTES = 64 * 1024
"""So much of an output is kept, its end."""
_HEADER = struct.Struct(">BxxxL")
_STDERR = 2


def describe_failures(engine: t.Any, failed: t.Iterable[Verdict], nodes: Nodes) -> str:
    """A line for each service with its cause, followed by the last lines of the log of the task at fault."""
    lines = []
    for verdict in failed:
        cause = verdict.cause or verdict.text
        if verdict.task and "task" not in cause:
            cause = f"{cause}: {_describe_task(engine, verdict.task, nodes)}"
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
    """The last lines of a task's output, empty where the engine has none. Never raises: a verdict is not lost for its logs."""
    try:
        raw = engine.get_raw(f"/tasks/{task_id}/logs", stdout=True, stderr=True, tail=lines)
    except EngineError:
        return []
    return split_log(raw)[-lines:]


def read_output(engine: t.Any, task_id: str, lines: int) -> tuple[str, str]:
    """The last ``lines`` of what a task wrote to standard output and to standard error. Never raises."""
    try:
        raw = engine.get_raw(f"/tasks/{task_id}/logs", stdout=True, stderr=True, tail=lines)
    except EngineError:
        return "", ""
    return split_streams(raw)


def split_streams(raw: bytes) -> tuple[str, str]:
    """Standard output and standard error out of a stream of the Engine API, the last part of each where it is long."""
    frames = _frames(raw)
    return _bounded(b"".join(part for kind, part in frames if kind != _STDERR)), _bounded(
        b"".join(part for kind, part in frames if kind == _STDERR)
    )


def split_log(raw: bytes) -> list[str]:
    """Lines out of a stream of the Engine API, of both outputs as they came."""
    text = b"".join(part for _kind, part in _frames(raw)).decode("utf-8", "replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _frames(raw: bytes) -> list[tuple[int, bytes]]:
    """Kind and content of frames with a header of 8 bytes; plain text from a terminal is one frame of standard output."""
    frames, position = [], 0
    while position + _HEADER.size <= len(raw):
        kind, length = _HEADER.unpack_from(raw, position)
        if kind > _STDERR or raw[position + 1 : position + 4] != b"\0\0\0":
            return [(1, raw)]
        position += _HEADER.size
        frames.append((kind, raw[position : position + length]))
        position += length
    return frames or [(1, raw)]


def _bounded(output: bytes) -> str:
    left_out = len(output) - OUTPUT_BYTES
    text = output[-OUTPUT_BYTES:].decode("utf-8", "replace")
    return f"[{left_out} bytes before this are left out]\n{text}" if left_out > 0 else text
