# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a text was heard right."""

from __future__ import annotations

import difflib
import re


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def right(said: str, heard: str) -> float:
    """The share of the words of both that are the same, in their order."""
    return round(difflib.SequenceMatcher(None, words(said), words(heard), autojunk=False).ratio(), 2)
