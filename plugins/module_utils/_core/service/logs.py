# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of a service, whose lines come with their tasks. Pure."""

from __future__ import annotations

import re

from ...errors import PlanError
from ..timestamps import parse_seconds, read_time
from .streams import frames

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
