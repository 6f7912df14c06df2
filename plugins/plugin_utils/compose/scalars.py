# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plain YAML scalar means to the docker CLI (YAML 1.2 with a few old forms), and how Go writes values as text."""

from __future__ import annotations

import datetime
import decimal
import math
import re
import typing as t

_WORDS: dict[str, t.Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[oO]?(?P<oct>[0-7]+)|0[bB](?P<bin>[01]+)|(?P<dec>0|[1-9][0-9]*))",
    re.A,
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.A)
_CLOCK = r"(?P<{0}>\d{{1,2}}:\d{{1,2}}:\d{{1,2}}(?:\.\d+)?)"
_DATE = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2})"
    rf"(?:[Tt]{_CLOCK.format('zoned')}(?P<zone>Z|[-+]\d\d:\d\d)| {_CLOCK.format('bare')})?",
    re.A,
)


class Octal(int):
    """A whole number that was written with octal digits, such as the mode of a file."""


def plain(text: str) -> t.Any:
    """The value of an unquoted scalar: None, bool, int, float or str (a timestamp is the text that Go prints for it)."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if text[0] == ".":
        return _float(text)
    date = _DATE.fullmatch(text)
    if date and (moment := _timestamp(date)):
        return moment
    digits = text.replace("_", "")
    integer = _INTEGER.fullmatch(digits)
    if integer:
        for base, name in ((16, "hex"), (8, "oct"), (2, "bin"), (10, "dec")):
            if integer[name] is not None:
                value = _bounded(-1 if integer["sign"] == "-" else 1, integer[name], base)
                if value is not None:
                    return Octal(value) if base == 8 else value
    number = _float(digits)
    return text if isinstance(number, str) else number


def go_text(value: t.Any) -> str:
    """The value as Go's ``%v`` writes it: ``1.0`` is ``1``, ``1e6`` is ``1e+06``, true is ``true``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _go_float(value)
    return str(value)


def _bounded(sign: int, digits: str, base: int) -> int | None:
    value = sign * int(digits, base) if len(digits) < 70 else None
    return value if value is not None and -(2**63) <= value < 2**64 else None


def _float(text: str) -> float | str:
    if not _FLOAT.fullmatch(text):
        return text
    value = float(text)
    return text if math.isinf(value) else value


def _timestamp(match: re.Match[str]) -> str | None:
    clock, _point, fraction = (match["zoned"] or match["bare"] or "0:0:0").partition(".")
    try:
        # Six numbers, by the pattern that matched; a starred call hides that from the types.
        moment = datetime.datetime(*map(int, (*match["date"].split("-"), *clock.split(":"))))  # type: ignore[arg-type]
    except ValueError:
        return None
    fraction = fraction[:9].rstrip("0")
    zone = match["zone"] or "Z"
    offset, name = ("+0000", "UTC") if zone == "Z" else (zone.replace(":", ""),) * 2
    return f"{moment.isoformat(' ')}{'.' + fraction if fraction else ''} {offset} {name}"


def _go_float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    shortest = decimal.Decimal(repr(value)).normalize()
    if value == 0 or -4 <= shortest.adjusted() < 6:
        return f"{shortest:f}"
    sign, digits, _exponent = shortest.as_tuple()
    fraction = "".join(map(str, digits[1:]))
    exponent = shortest.adjusted()
    mantissa = f"{digits[0]}.{fraction}" if fraction else f"{digits[0]}"
    return f"{'-' * sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
