# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several modules about services have. Pure."""

from __future__ import annotations

import typing as t

# Documented by the fragments selection and wait.
SELECTION: dict[str, t.Any] = {
    "name": {"type": "list", "elements": "str", "default": []},
    "stack": {"type": "list", "elements": "str", "default": []},
    "label": {"type": "dict", "default": {}},
    "allow_empty": {"type": "bool", "default": False},
}
WAIT: dict[str, t.Any] = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "str", "default": "10m"},
    "on_failure": {"type": "str", "choices": ["rollback", "stop"], "default": "rollback"},
}
CALLS: dict[str, t.Any] = {"session": {"type": "dict", "default": {}}, "call_seconds": {"type": "int", "default": 0}}


def texts(given: t.Iterable[str]) -> list[str]:
    """A list of texts without blanks around them and without empty ones: a survey that was not answered brings one of these."""
    return [text.strip() for text in given if text.strip()]
