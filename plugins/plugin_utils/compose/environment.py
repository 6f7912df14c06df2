# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of a service: its own variables, those of its env_files, and those left to the deployer."""

from __future__ import annotations

import re
import typing as t

from .errors import Place
from .scalars import go_text

Variables = dict[str, str | None]


def read_pairs(value: t.Any) -> Variables:
    """Variables from either form: a list of ``KEY=value`` or ``KEY``, or a mapping; None where no value is given."""
    if isinstance(value, list):
        pairs = (item.partition("=") for item in value)
        return {key: text if equals else None for key, equals, text in pairs}
    return {key: None if item is None else go_text(item) for key, item in (value or {}).items()}


def read_env_file(data: bytes, place: Place) -> Variables:
    """Variables of an env_file. Values are taken as they stand: no quotes, no escapes, no comments behind them."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise place.error("this env_file is not UTF-8 text") from None
    variables: Variables = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r").lstrip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not key or len(key.split()) != 1 or key != key.strip():
            cure = "remove export and blanks before the ="
            raise place.error(f"line {number} of this env_file has {key!r} as a name", "NAME=value", cure)
        variables[key] = value if equals else None
    return variables


def read_dotenv(data: bytes, place: Place) -> dict[str, str]:
    """Variables for the stack file itself; here quotes around a whole value are taken off."""
    found = {key: value for key, value in read_env_file(data, place).items() if value is not None}
    return {key: value[1:-1] if re.fullmatch(r"(['\"]).*\1", value) else value for key, value in found.items()}


def fill_empty(variables: Variables, env: t.Mapping[str, str]) -> Variables:
    """A variable without a value, or with an empty one, takes its value from ``env`` if that has it."""
    return {key: value if value else env.get(key, value) for key, value in variables.items()}
