# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults to inject: errors, dropped connections, latency."""

from __future__ import annotations

import re
import threading
import typing as t
from dataclasses import dataclass, field


@dataclass
class Fault:
    """What happens to the matching requests number ``nth`` to ``nth + times - 1`` (from 1; ``times`` None is for ever).

    ``path`` is a regular expression that must match the whole path without the version. ``drop`` is ``before`` (the
    request is not carried out) or ``after`` (it is, but the answer is lost). ``delay`` is in seconds. ``act`` is what somebody else does
    just before the request.
    """

    method: str
    path: str
    nth: int = 1
    times: int | None = 1
    status: int = 0
    message: str = ""
    drop: str = ""
    delay: float = 0.0
    act: t.Callable[[], object] | None = None
    seen: int = field(default=0, init=False)

    def hits(self, method: str, path: str) -> bool:
        if self.method not in ("*", method) or not re.fullmatch(self.path, path):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)


class Faults:
    """The faults in force. The first that hits a request decides, but every one counts it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def find(self, method: str, path: str) -> Fault | None:
        with self._lock:
            hits = [fault for fault in self._faults if fault.hits(method, path)]
        return hits[0] if hits else None
