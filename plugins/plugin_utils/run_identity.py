# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs something, and whether a run of this controller still lives, for the locks that runs meet."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from pathlib import Path

PROC = Path("/proc")


def holder() -> str:
    """Who runs this, such as ``ada@controller``, for the lock that others meet."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an arbitrary user of a container has no name
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def run_id() -> str:
    """What tells the run of this process from all others; on Linux by the process, so that others can see whether it lives."""
    return _identity(os.getpid()) or uuid.uuid4().hex


def playbook_id() -> str:
    """The same of the whole playbook, whose tasks are processes of their own: for a lock that one task keeps for another."""
    return _identity(os.getppid()) or uuid.uuid5(uuid.NAMESPACE_DNS, f"{socket.gethostname()} {os.getppid()}").hex


def _identity(pid: int) -> str:
    """Empty where the system does not tell."""
    try:
        return f"{_place()}.{pid}.{_started(pid)}"
    except (OSError, IndexError):
        return ""


def is_dead(run: str) -> bool:
    """Whether the process of this run is known to have ended. Of one elsewhere, also in another container, nothing is known."""
    place, _dot, process = run.partition(".")
    pid, _dot, started = process.partition(".")
    try:
        if not pid.isdecimal() or place != _place():
            return False
        return _started(int(pid)) != started
    except FileNotFoundError:
        return True
    except (OSError, IndexError):
        return False


def _place() -> str:
    """This boot of this machine, and the processes that this one can see."""
    boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}-{(PROC / 'self/ns/pid').stat().st_ino}"


def _started(pid: int) -> str:
    """When a process began, in ticks since the boot."""
    return (PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()[19]
