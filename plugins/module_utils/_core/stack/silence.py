# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which warnings are not wanted: a word stands for all of a kind, ``word:pattern`` for those about what is named so. Pure."""

from __future__ import annotations

import fnmatch
import typing as t


def is_silenced(silence: t.Iterable[str], word: str, name: str = "") -> bool:
    """Whether a warning of this kind about what has this name, such as a service, is one of them."""
    for wish in silence:
        kind, _colon, pattern = wish.partition(":")
        if kind == word and fnmatch.fnmatchcase(name, pattern or "*"):
            return True
    return False
