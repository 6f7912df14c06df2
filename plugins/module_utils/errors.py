# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that users read: what was being done, what is wrong, what cures it, and what was changed before. Pure."""

from __future__ import annotations

import typing as t

NAMED_CHANGES = 10
NOTHING_CHANGED = "Nothing was changed."


class FlotillaError(Exception):
    """An error that the user is meant to read.

    ``problem`` says what is wrong, ``cure`` what to do about it, ``doing`` what was being done; ``str()`` is all of them. None of them
    says what was changed before: ``with_account`` does.
    """

    tells_changes = False
    """Whether the error itself says what was changed and undone."""
    changed: t.Sequence[str] | None = None
    """What was changed before and stays so, where the error knows of more than one call of a module does."""

    def __init__(self, problem: str, cure: str = "", doing: str = "") -> None:
        self.problem, self.cure, self.doing = problem, cure, doing
        self.result: dict[str, t.Any] = {}
        """What the module returns beside the message."""
        super().__init__(problem, cure, doing)

    def __str__(self) -> str:
        text = f"{self.doing}: {self.problem}" if self.doing else self.problem
        if self.cure:
            return f"{text.rstrip('.')}. {self.cure}"
        return f"{text.rstrip('.')}." if self.doing else text


class PlanError(FlotillaError):
    """What was asked for is refused before anything is changed."""


def with_account(error: FlotillaError, changed: t.Sequence[str] = ()) -> str:
    """The whole message, with what was changed before the error: names of changes, such as ``volume media``, in their order."""
    text, changed = str(error), changed if error.changed is None else error.changed
    if error.tells_changes:
        return text
    end = "" if text.endswith((".", "!", "?", "\n")) else "."
    if not changed:
        return f"{text}{end} {NOTHING_CHANGED}"
    more = len(changed) - NAMED_CHANGES
    names = ", ".join([*changed[:NAMED_CHANGES], *([f"{more} more"] if more > 0 else [])])
    return f"{text}{end} Before that, these were changed: {names}."
