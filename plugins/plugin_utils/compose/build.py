# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``build`` of a service in normal form, for those who build its image: a deploy does not look at it."""

from __future__ import annotations

import re
import typing as t

from .context import Context
from .environment import fill_missing, read_pairs
from .errors import Place

Build = dict[str, t.Any]
KEYS = ("context", "dockerfile", "target", "args", "labels", "platforms", "cache_from", "secrets", "ssh")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/")


def read_build(raw: t.Any, place: Place, context: Context) -> Build:
    """Keys that were not given are not there. ``context`` is absolute; ``ssh`` has the content of each key, empty for the agent's."""
    given = {"context": raw} if isinstance(raw, str) else raw
    build: Build = {}
    for key, value in given.items():
        if key in _READERS:
            if value is not None:
                build[key] = _READERS[key](value, place / key, context)
        elif not key.startswith("x-"):
            cure = "remove it, or build this image in a pipeline"
            raise (place / key).error("images are not built with this key here", ", ".join(KEYS), cure)
    return build


def _read_context(value: t.Any, place: Place, context: Context) -> str:
    path = _read_text(value, place, context)
    if _ELSEWHERE.match(path):
        cure = "check it out on the controller and name its directory"
        raise place.error(f"found {path!r}", "a directory of the controller", cure)
    return context.folder.resolve(path, place)


def _read_text(value: t.Any, place: Place, _context: Context) -> str:
    if not isinstance(value, str) or not value:
        raise place.error(f"found {value!r}", "a text")
    return value


def _read_list(value: t.Any, place: Place, context: Context) -> list[str]:
    if not isinstance(value, list):
        raise place.error(f"found {value!r}", "a list of texts")
    return [_read_text(item, place / index, context) for index, item in enumerate(value)]


def _read_pairs(value: t.Any, place: Place, context: Context) -> dict[str, str]:
    """One without a value takes that of the variable, and is left out if there is none, as the client does."""
    _check_pairs(value, place)
    return {key: text for key, text in fill_missing(read_pairs(value), context.env, empty=False).items() if text is not None}


def _read_labels(value: t.Any, place: Place, _context: Context) -> dict[str, str]:
    _check_pairs(value, place)
    return {key: text or "" for key, text in read_pairs(value).items()}


def _check_pairs(value: t.Any, place: Place) -> None:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    kinds = (str, int, float, type(None)) if isinstance(value, dict) else (str,)
    if not isinstance(value, (dict, list)) or not all(isinstance(item, kinds) for item in items):
        raise place.error("found something else", "a mapping of texts, or a list of NAME=value")


def _read_secrets(value: t.Any, place: Place, _context: Context) -> dict[str, str]:
    """From the name that the Dockerfile mounts to the key at the top level."""
    found = {}
    for index, item in enumerate(value if isinstance(value, list) else [None]):
        reference = item if isinstance(item, dict) else {"source": item}
        source = reference.get("source")
        if not isinstance(source, str) or not source:
            raise (place / index).error("has no source", "the key of a secret at the top level")
        found[str(reference.get("target") or source)] = source
    return found


def _read_ssh(value: t.Any, place: Place, context: Context) -> dict[str, str]:
    """``default``, ``ID=path of a key``, or a mapping of these."""
    _check_pairs([value] if isinstance(value, str) else value, place)
    found = {}
    for name, path in read_pairs([value] if isinstance(value, str) else value).items():
        at = place / name
        try:
            found[name] = context.read_file(path, at).decode() if path else ""
        except UnicodeDecodeError:
            raise at.error(f"{path} is not text", "the file of a private key", "leave the path away to use the agent") from None
    return found


_READERS: dict[str, t.Callable[[t.Any, Place, Context], t.Any]] = {
    "context": _read_context,
    "dockerfile": _read_text,
    "target": _read_text,
    "args": _read_pairs,
    "labels": _read_labels,
    "platforms": _read_list,
    "cache_from": _read_list,
    "secrets": _read_secrets,
    "ssh": _read_ssh,
}
