# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what others bring about, and writing what others write at the same time."""

from __future__ import annotations

import time
import typing as t

from .engine import OutOfSequence

SEQUENCE_ATTEMPTS = 5
"""So often an update is tried of which the engine says that something else has changed the object meanwhile."""

_Seen = t.TypeVar("_Seen")


class Clock(t.Protocol):
    """Such as the module ``time``."""

    def time(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


def poll(look: t.Callable[[], _Seen], is_done: t.Callable[[_Seen], bool], seconds: float, pause: float = 0.5) -> _Seen:
    """Look until ``is_done`` or out of time, at least once; what was seen last."""
    until = time.monotonic() + seconds
    while True:
        seen = look()
        if is_done(seen) or time.monotonic() >= until:
            return seen
        time.sleep(pause)


def write_in_sequence(item: _Seen, write: t.Callable[[_Seen], t.Any], read: t.Callable[[], _Seen]) -> None:
    """Write by the version of ``item``; where it is not the present one, read and write again. Raises OutOfSequence in the end."""
    for _attempt in range(SEQUENCE_ATTEMPTS - 1):
        try:
            write(item)
            return
        except OutOfSequence:
            item = read()
    write(item)
