# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containers write, as the Engine API sends it. Pure."""

from __future__ import annotations

import re
import struct

from ...errors import PlanError
from ..timestamps import parse_seconds, read_time

OUTPUT_BYTES = 64 * 1024
"""So much of an output is kept, its end."""


TOLD_LINES = 20


_HEADER = struct.Struct(">BxxxL")


_STDERR = 2


_SYSTEM = 3  # what the engine itself has to say


def split_streams(raw: bytes) -> tuple[str, str]:
    """Standard output and standard error out of a stream of the Engine API, the last part of each where it is long."""
    parts = frames(raw)
    return bounded(b"".join(part for kind, part in parts if kind != _STDERR)), bounded(
        b"".join(part for kind, part in parts if kind == _STDERR)
    )


def engine_words(raw: bytes) -> list[str]:
    """What the engine itself wrote into a stream, such as that it did not get all of a log."""
    return [part.decode("utf-8", "replace").strip() for kind, part in frames(raw) if kind == _SYSTEM]


def last_words(stdout: str, stderr: str) -> str:
    """The last lines of both outputs for an error message, each indented on a line of its own."""
    lines = [line.rstrip() for line in f"{stdout}\n{stderr}".splitlines() if line.strip()]
    return "".join(f"\n    {line}" for line in lines[-TOLD_LINES:])


def split_log(raw: bytes) -> list[str]:
    """Lines out of a stream of the Engine API, of both outputs as they came."""
    text = b"".join(part for _kind, part in frames(raw)).decode("utf-8", "replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def frames(raw: bytes) -> list[tuple[int, bytes]]:
    """Kind and content of frames with a header of 8 bytes; plain text from a terminal is one frame of standard output."""
    found, position = [], 0
    while position + _HEADER.size <= len(raw):
        kind, length = _HEADER.unpack_from(raw, position)
        if kind > _SYSTEM or raw[position + 1 : position + 4] != b"\0\0\0":
            return [(1, raw)]
        position += _HEADER.size
        found.append((kind, raw[position : position + length]))
        position += length
    return found or [(1, raw)]


def bounded(output: bytes, most: int = OUTPUT_BYTES) -> str:
    """The text of an output, of a long one the end."""
    left_out = len(output) - most
    text = output[-most:].decode("utf-8", "replace")
    return f"[{left_out} bytes before this were omitted]\n{text}" if left_out > 0 else text


_UNFIT = re.compile(r"[^\w.-]", re.ASCII)
_TASK = re.compile(rb"com\.docker\.swarm\.task\.id=(\w+)")


def read_moment(text: str, option: str, now: float) -> float | None:
    """Seconds since the epoch out of a duration before ``now``, such as ``10m``, or a time in ISO 8601; None out of nothing.

    A time without a zone is one in UTC. Raises PlanError for anything else.
    """
    text = text.strip()
    if not text:
        return None
    try:
        return now - parse_seconds(text)
    except PlanError:
        pass
    try:
        return read_time(text)
    except ValueError:
        raise PlanError(
            f"{option}: found {text!r}, expected how long ago, such as 90, 10m or 1h30m, or a time such as 2026-01-31T12:00:00Z."
        ) from None


def sort_by_task(raw: bytes, until: float | None, timestamps: bool) -> dict[str, bytes]:
    """The lines of each task by its ID, in the order in which they came; without those later than ``until``."""
    found: dict[str, bytes] = {}
    for _kind, line in frames(raw):
        time, details, text = (*line.split(b" ", 2), b"", b"")[:3]
        task = _TASK.search(details)
        if not task or (until is not None and read_time(time.decode("ascii", "replace")) > until):
            continue
        shown = b" ".join((time, text)) if timestamps else text
        name = task[1].decode()
        found[name] = found.get(name, b"") + (shown if shown.endswith(b"\n") else shown + b"\n")
    return found


def file_name(service: str, slot: int, node: str, task: str) -> str:
    """Such as ``grading_web.2.w1.k3b2....log``: every task has its own. A node names itself, and may do so after another directory."""
    return ".".join(filter(None, (*(_UNFIT.sub("_", text).lstrip(".") for text in (service, str(slot or ""), node, task)), "log")))
