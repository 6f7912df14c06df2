# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings: which are silenced."""

from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.finding import is_silenced


@pytest.mark.parametrize(
    ("silence", "word", "name", "expected"),
    [
        ([], "capacity", "ray_worker", False),
        (["capacity"], "capacity", "ray_worker", True),
        (["capacity"], "capacity", "", True),
        (["no_node"], "capacity", "ray_worker", False),
        (["capacity:ray_*"], "capacity", "ray_worker", True),
        (["capacity:ray_*"], "capacity", "ocr_worker", False),
        (["capacity:ray_*"], "no_node", "ray_worker", False),
        (["capacity:RAY_*"], "capacity", "ray_worker", False),
        (["no_node", "capacity:ray_head", "capacity:ray_worker"], "capacity", "ray_worker", True),
    ],
)
def test_silence(silence: list[str], word: str, name: str, expected: bool) -> None:
    assert is_silenced(silence, word, name) is expected
