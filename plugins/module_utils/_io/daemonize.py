# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that outlives the task that begins it."""

from __future__ import annotations

import asyncio
import os
import resource
import typing as t

from ..errors import FlotillaError

Say = t.Callable[[str], None]
_READY = "ready "


def start_apart(work: t.Callable[[Say], t.Coroutine[t.Any, t.Any, None]], doing: str) -> str:
    """Let ``work`` run in a process of its own, and return what it says, once, when it is ready. Raises FlotillaError where it never is."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        _stand_alone(work, writing)
    os.close(writing)
    with os.fdopen(reading) as stream:
        told = stream.read()
    if not told.startswith(_READY):
        raise FlotillaError(f"{doing}: {told or 'the process ended'}.")
    return told[len(_READY) :]


def _stand_alone(work: t.Callable[[Say], t.Coroutine[t.Any, t.Any, None]], writing: int) -> t.NoReturn:
    """A process that holds nothing of its parent, so that the connection to this host ends with the task."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        os.dup2(writing, 3)
        os.closerange(4, 1024)
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

        with os.fdopen(3, "w") as pipe:

            def say(text: str) -> None:
                pipe.write(text)
                pipe.close()

            try:
                asyncio.run(work(lambda text: say(f"{_READY}{text}")))
            except Exception as error:  # the parent tells it, if it still waits
                if not pipe.closed:
                    say(f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)
