# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is likely to go wrong, as warnings: similar findings as one, without those that are silenced. Pure."""

from __future__ import annotations

import fnmatch
import typing as t
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Finding:
    """``text`` begins with a blank or a colon where it goes on from what has these ``names``, else it names them itself."""

    word: str
    names: tuple[str, ...]
    text: str
    kind: str = "service"

    @property
    def goes_on(self) -> bool:
        return self.text.startswith((" ", ":"))


def about(word: str, name: str, text: str) -> Finding:
    """A finding about one service."""
    return Finding(word, (name,), text)


def is_silenced(silence: t.Iterable[str], word: str, name: str = "") -> bool:
    """Whether a warning of this kind about what has this name, such as a service, is not wanted.

    A word in ``silence`` stands for all of its kind, ``word:pattern`` for those about what is named so.
    """
    for wish in silence:
        kind, _colon, pattern = wish.partition(":")
        if kind == word and fnmatch.fnmatchcase(name, pattern or "*"):
            return True
    return False


def tell(findings: t.Iterable[Finding], silence: t.Collection[str] = ()) -> list[str]:
    """Each ends with its word in parentheses. One about several names is silenced when it is for all of them."""
    told: dict[tuple[str, ...], Finding] = {}
    for found in findings:
        names = tuple(name for name in found.names if not is_silenced(silence, found.word, name))
        if not names:
            continue
        key = (found.word, found.kind, found.text, *(() if found.goes_on else found.names))
        before = told.get(key)
        told[key] = replace(found, names=tuple(dict.fromkeys((*(before.names if before else ()), *names))))
    return [f"{_sentence(found)} ({found.word})" for found in told.values()]


def _sentence(found: Finding) -> str:
    if not found.goes_on:
        return found.text
    if len(found.names) == 1:
        return f"{found.kind} {found.names[0]}{found.text}"
    return f"{found.kind}s {', '.join(sorted(found.names))}{': each' if found.text.startswith(' ') else ''}{found.text}"
