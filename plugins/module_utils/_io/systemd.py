# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a host: starting and stopping them, and what they said."""

from __future__ import annotations

from ..errors import FlotillaError
from .host import Host


def attempt(host: Host, verb: str, *words: str) -> str:
    """Run ``systemctl``; what went wrong, empty if nothing did."""
    code, out, err = host.run(["systemctl", verb, *words])
    return (err or out).strip() or f"it ended with {code}" if code else ""


def require(host: Host, verb: str, *words: str) -> None:
    """Run ``systemctl``. Raises FlotillaError where it fails."""
    problem = attempt(host, verb, *words)
    if problem:
        raise FlotillaError(f"systemctl {' '.join([verb, *words])} failed: {problem}")


def last_lines(host: Host, unit: str, count: int) -> list[str]:
    """What a unit said last."""
    return host.run(["journalctl", "--unit", unit, "--lines", str(count), "--output", "cat", "--no-pager"])[1].splitlines()
