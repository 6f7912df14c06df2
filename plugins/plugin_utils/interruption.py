# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices that a run must stop, so that it can end in good order."""

from __future__ import annotations

import os
import signal
import threading
import types
import typing as t

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While it is entered, SIGINT and SIGTERM end nothing: they are noted, and so is that ansible-playbook is gone.

    Ansible passes both signals on to the processes of its tasks, shows nothing more of what they say, and waits for them after the
    first, not after the second. So a word to the user goes where ansible-playbook's own errors go.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._signal = 0
        self._former: dict[int, t.Any] = {}
        self._errors = -1

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._note) for number in SIGNALS}
        try:
            self._errors = os.open(f"/proc/{self._parent}/fd/2", os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:  # no Linux, or no file
            self._errors = -1
        return self

    def __exit__(self, *_error: object) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
        if self._errors >= 0:
            os.close(self._errors)

    def _note(self, number: int, _frame: types.FrameType | None) -> None:
        self._signal = self._signal or number

    @property
    def cause(self) -> str:
        """Such as ``SIGINT``; empty while the run may go on."""
        if self._signal:
            return signal.Signals(self._signal).name
        return "the end of ansible-playbook" if os.getppid() != self._parent else ""

    def say(self, text: str) -> None:
        try:
            os.write(self._errors, f"{text}\n".encode())
        except OSError:  # nobody listens any more
            return
