# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and durations as engines and users write them. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from ..errors import PlanError

SECOND_NS = 10**9


def read_time(text: str) -> float:
    """Seconds since 1970 out of a time in ISO 8601, such as ``2026-01-31T12:00:00.123456789Z``; one without a zone is in UTC.

    Raises ValueError for anything else.
    """
    # Python before 3.11 takes three or six digits of a second only, and no Z.
    found = re.fullmatch(r"(.*?)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", text)
    whole, fraction, zone = found.groups() if found else (text, None, None)
    moment = datetime.fromisoformat(f"{whole}{zone if zone and zone != 'Z' else ''}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp() + float(f"0{fraction or '.0'}")


def seconds_between(start: str, end: str) -> float:
    """From one time to another, with one decimal; 0 if one is not given."""
    return round(read_time(end) - read_time(start), 1) if start and end else 0.0


def parse_seconds(text: str, option: str = "") -> float:
    """Seconds out of ``90``, ``10m`` or ``1h30m``. Raises PlanError, with the name of the option, for anything else."""
    if re.fullmatch(r"\d+(\.\d+)?", text.strip()):
        return float(text)
    if not re.fullmatch(r"(\d+(\.\d+)?(h|ms|m|s))+", text.strip()):
        raise PlanError(f"{f'{option}: ' if option else ''}found {text!r}, expected seconds or a duration such as 90, 10m or 1h30m.")
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(h|ms|m|s)", text))
