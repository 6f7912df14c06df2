# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values of a service may be secrets: they are shown as a short hash. Pure."""

from __future__ import annotations

import re
import typing as t

from ..plan import Field, looks_secret, short_hash
from .canonical import UNSET

# Below these keys stand names that users and drivers choose, each with a value of any kind.
_NAMED = re.compile(r"(?:^|\.)(?:environment|(?:container_)?labels|(?:driver_)?(?:options|opts))\.(.+)", re.IGNORECASE | re.DOTALL)
_ARGUMENT = re.compile(r"^--?[\w.-]+=", re.ASCII)
_OPTION = re.compile(r"^--?[\w.-]+$", re.ASCII)
_VALUE = r"""("[^"]*"|'[^']*'|[^\s,;&"']+)"""
_ASSIGNMENT = re.compile(rf"(?<![\w.-])([\w.-]+)(=){_VALUE}", re.ASCII)
# Among the words of a shell.
_SPOKEN_OPTION = re.compile(rf"(?<!\S)(--?[\w.-]+)(\s+)(?!-){_VALUE}", re.ASCII)
_JSON_MEMBER = re.compile(r"""(["'][\w.-]+["'])(\s*:\s*)("(?:[^"\\]|\\.)*"|'[^']*')""", re.ASCII)
_URL_WITH_PASSWORD = re.compile(r"(?<=://)[^/\s:@]*:[^/\s]+(?=@)")
_PASSWORD_HASH = re.compile(r"\$(apr1|2[aby]|5|6|y)\$")


def veil_fields(fields: t.Iterable[Field], secret: t.Collection[str] = ()) -> tuple[Field, ...]:
    """The fields of a service in its comparable form with every value that may be a secret as a short hash.

    ``secret`` are paths whose values are secret whatever their names.
    """

    def shown(path: str, value: t.Any) -> t.Any:
        value = _plain(path, value)
        return short_hash(value) if path in secret and value not in (None, "", UNSET) else veil(path, value)

    return tuple(Field(f.path, shown(f.path, f.before), shown(f.path, f.after)) for f in fields)


def veil(path: str, value: t.Any) -> t.Any:
    """The value with every text in it that may be a secret as a short hash.

    ``path`` has the names of the keys that lead to the value, with dots between them: ``environment.DB_PASSWORD``.
    """
    if isinstance(value, dict):
        return {key: veil(f"{path}.{key}" if path else str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return _veil_list(path, value)
    if not isinstance(value, str):
        return value
    named = _NAMED.search(path)
    hidden = named and _is_secret(named.group(1)) and value not in ("", UNSET)
    return short_hash(value) if hidden else _veil_text(value)


def _plain(path: str, value: t.Any) -> t.Any:
    """The value of a variable without the ``=`` that it has in the comparable form."""
    return value.removeprefix("=") if path.startswith("environment.") and isinstance(value, str) else value


def _veil_list(path: str, items: t.Sequence[t.Any]) -> list[t.Any]:
    """Words of a command among them: ``--password=x`` as well as ``--password x``."""
    veiled: list[t.Any] = []
    before = ""
    for item in items:
        if not isinstance(item, str):
            veiled.append(veil(path, item))
        elif _OPTION.match(before) and _is_secret(before) and not item.startswith("-"):
            veiled.append(short_hash(item))
        else:
            veiled.append(_veil_argument(item))
        before = item if isinstance(item, str) else ""
    return veiled


def _veil_argument(item: str) -> str:
    option = _ARGUMENT.match(item)
    if option and _is_secret(option.group()):
        return f"{option.group()}{short_hash(item[option.end() :])}"
    return _veil_text(item)


def _veil_text(text: str) -> str:
    if _PASSWORD_HASH.search(text):
        return short_hash(text)
    text = _URL_WITH_PASSWORD.sub(lambda found: short_hash(found.group()), text)
    for pattern in (_ASSIGNMENT, _SPOKEN_OPTION, _JSON_MEMBER):
        text = pattern.sub(_veil_named, text)
    return text


def _veil_named(found: re.Match[str]) -> str:
    """Of ``addr=10.0.0.1,password=x``, as drivers of volumes want it, the password alone."""
    name, between, value = found.groups()
    return f"{name}{between}{short_hash(value)}" if _is_secret(name) else found.group()


def _is_secret(name: str) -> bool:
    return looks_secret(name.strip("-=\"'").replace("-", "_"))
