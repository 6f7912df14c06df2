# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splitting a command into words as the docker CLI does, which is neither a shell nor Python's shlex."""

from __future__ import annotations

import typing as t

_BLANKS = " \t\r\n"


def split_words(text: str) -> list[str]:
    """The words of a command; ValueError for an open quote or a backslash at the end.

    A ``#`` that begins a word makes the rest of the line a comment. In double quotes a backslash is dropped and the next
    character stands for itself; in single quotes everything does.
    """
    words: list[str] = []
    word: list[str] | None = None
    characters = iter(text)
    for char in characters:
        if char in _BLANKS:
            if word is not None:
                words.append("".join(word))
            word = None
            continue
        if char == "#" and word is None:
            for skipped in characters:
                if skipped == "\n":
                    break
            continue
        word = [] if word is None else word
        if char == "\\":
            word.append(_next(characters, "a character after the backslash"))
        elif char in "'\"":
            while (inner := _next(characters, f"a closing {char}")) != char:
                word.append(_next(characters, "a character after the backslash") if inner == "\\" and char == '"' else inner)
        else:
            word.append(char)
    if word is not None:
        words.append("".join(word))
    return words


def _next(characters: t.Iterator[str], wanted: str) -> str:
    for char in characters:
        return char
    raise ValueError(wanted)
