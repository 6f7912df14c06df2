# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last words of a task."""

from __future__ import annotations

import struct
import typing as t

from ..engine import EngineError

_HEADER = struct.Struct(">BxxxL")


def read_log_tail(engine: t.Any, task_id: str, lines: int = 10) -> list[str]:
    """The last lines of a task's output, empty where the engine has none. Never raises: a verdict is not lost for its logs."""
    try:
        raw = engine.get_raw(f"/tasks/{task_id}/logs", stdout=True, stderr=True, tail=lines)
    except EngineError:
        return []
    return split_log(raw)[-lines:]


def split_log(raw: bytes) -> list[str]:
    """Lines out of the stream of the Engine API: frames with a header of 8 bytes, or plain text from a terminal."""
    text, position = b"", 0
    while position + _HEADER.size <= len(raw):
        kind, length = _HEADER.unpack_from(raw, position)
        if kind > 2 or raw[position + 1 : position + 4] != b"\0\0\0":
            return _lines(raw)
        text += raw[position + _HEADER.size : position + _HEADER.size + length]
        position += _HEADER.size + length
    return _lines(text or raw)


def _lines(raw: bytes) -> list[str]:
    return [line.rstrip() for line in raw.decode("utf-8", "replace").splitlines() if line.strip()]
