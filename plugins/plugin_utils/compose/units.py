# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, sizes and shares of a CPU as stack files write them. What reads them raises ValueError with the reason."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_BYTES = re.compile(r"((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]{1,2})?) ?(?:b|([kmgtp])(?:i?b)?)?", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_LARGEST = 2**63 - 1


def duration_ns(text: str) -> int:
    """Nanoseconds of a duration such as ``1m30s``, ``1.5h``, ``500ms`` or ``0``."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    parts = list(_PART.finditer(rest))
    if not parts or "".join(part[0] for part in parts) != rest:
        raise ValueError("a duration such as 1m30s, 10s or 500ms (units h, m, s, ms, us, ns)")
    total = int(sum(Fraction(part[1].rstrip(".")) * _UNITS[part[2]] for part in parts))
    if total > _LARGEST:
        raise ValueError("a duration of less than 292 years")
    return -total if text.startswith("-") else total


def size_bytes(text: str) -> int:
    """Bytes of a size such as ``512m``, ``1.5 GB`` or ``1024``; every unit counts in steps of 1024."""
    match = _BYTES.fullmatch(text)
    if not match:
        raise ValueError("a size such as 512m, 1.5g or 1gib (units b, k, m, g, t, p)")
    size = int(Fraction(match[1].replace(".e", "e").rstrip(".")) * 1024 ** _POWERS.get((match[2] or "").lower(), 0))
    if size > _LARGEST:
        raise ValueError("a size of less than 8 EiB")
    return size


def nano_cpus(text: str) -> int:
    """Billionths of a CPU for a number such as ``0.5``; an empty text is no number of CPUs, and no limit."""
    try:
        nano = Fraction(text or 0) * 10**9 if len(text) < 40 and text == text.strip() else None
    except (ValueError, ZeroDivisionError):
        nano = None
    if nano is None or abs(nano) > _LARGEST:
        raise ValueError('a number of CPUs such as "0.5"')
    if nano.denominator != 1:
        raise ValueError("a number of CPUs with at most nine decimals")
    return int(nano)


def duration_text(duration: int) -> str:
    """A duration of so many nanoseconds, such as ``1m30s``."""
    rest, text = abs(duration), ""
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        count, rest = divmod(rest, _UNITS[unit])
        text += f"{count}{unit}" if count else ""
    return f"{'-' if duration < 0 else ''}{text or '0s'}"


def size_text(size: int) -> str:
    """A size of so many bytes in the largest unit in which it is a whole number, such as ``512m``."""
    unit = next((unit for unit in reversed(_POWERS) if size and size % 1024 ** _POWERS[unit] == 0), "")
    return f"{size // 1024 ** _POWERS[unit]}{unit}" if unit else str(size)


def cpus_text(nano: int) -> str:
    """Billionths of a CPU as a number of CPUs, such as ``0.5``."""
    return f"{Decimal(nano).scaleb(-9).normalize():f}"
