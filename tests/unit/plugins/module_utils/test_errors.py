# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error says, and what the runner adds to it."""

from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError, with_account


class Undone(FlotillaError):
    tells_changes = True


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FlotillaError("the disk is full"), "the disk is full"),
        (FlotillaError("the disk is full.", "Make room."), "the disk is full. Make room."),
        (FlotillaError("the disk is full", doing="writing a"), "writing a: the disk is full."),
        (FlotillaError("the disk is full", "Make room.", "writing a"), "writing a: the disk is full. Make room."),
    ],
)
def test_an_error_in_words(error: FlotillaError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("error", "changed", "end"),
    [
        (FlotillaError("no"), [], "no. Nothing was changed."),
        (FlotillaError("no."), [], "no. Nothing was changed."),
        (FlotillaError("no", "Do it."), ["volume a"], "no. Do it. Before that, these were changed: volume a."),
        (FlotillaError("no"), [f"node w{n}" for n in range(12)], "node w8, node w9, 2 more."),
        (Undone("no\neverything was undone."), ["volume a"], "no\neverything was undone."),
    ],
)
def test_what_was_changed_before_an_error(error: FlotillaError, changed: list[str], end: str) -> None:
    assert with_account(error, changed).endswith(end)
