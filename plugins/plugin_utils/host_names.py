# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of hosts as short text. Pure."""

from __future__ import annotations

import re
import typing as t

FEW = 6
_NUMBERED = re.compile(r"(.*?)([0-9]+)([^0-9]*)")


def name_hosts(hosts: t.Iterable[str]) -> str:
    """A few by their names; more as an inventory writes them, such as ``m1, w[004:200]``."""
    names = sorted(set(hosts))
    return ", ".join(names if len(names) <= FEW else _ranges(names))


def count_hosts(hosts: t.Collection[str]) -> str:
    """Such as ``3 hosts``. The controller counts where there is no other."""
    others = set(hosts) - {"localhost"}
    if hosts and not others:
        return "localhost"
    return f"{len(others)} host{'s' * (len(others) != 1)}"


def _ranges(names: list[str]) -> list[str]:
    """Consecutive numbers with as many digits are one range. Where the name has several numbers, the last one counts."""
    series: dict[tuple[str, str, int], list[int]] = {}
    texts: list[str] = []
    for name in names:
        parts = _NUMBERED.fullmatch(name) if name.isascii() else None
        if parts:
            series.setdefault((parts[1], parts[3], len(parts[2])), []).append(int(parts[2]))
        else:
            texts.append(name)
    for (head, tail, width), numbers in series.items():
        first = previous = min(numbers)
        for number in [*sorted(numbers)[1:], -1]:
            if number != previous + 1:
                last = f"{head}{previous:0{width}}{tail}"
                texts.append(last if first == previous else f"{head}[{first:0{width}}:{previous:0{width}}]{tail}")
                first = number
            previous = number
    return sorted(texts)
