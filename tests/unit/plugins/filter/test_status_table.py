# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.flotilla.swarm.plugins.filter.status_table import status_table
from hypothesis import given
from hypothesis import strategies as st

WRONG: Any = "x"


def test_columns_are_aligned_and_lists_joined() -> None:
    records: list[dict[str, Any]] = [{"node": "m1", "labels": ["db", "web"]}, {"node": "worker10", "labels": None}]
    assert status_table(records, ["node", "labels"]) == "NODE      LABELS\nm1        db web\nworker10"


def test_only_the_head_without_records() -> None:
    assert status_table([], ["node"]) == "NODE"


def test_the_widest_column_is_cut_to_fit() -> None:
    lines = status_table([{"name": "web", "note": "x" * 50}], ["name", "note"], width=20).splitlines()
    assert lines[1] == f"web   {'x' * 13}…"


def test_the_last_column_goes_on_below_where_it_may() -> None:
    records = [{"name": "web", "ports": ["10.0.0.11:8088->8000/tcp", "10.0.0.12:8088->8000/tcp"]}, {"name": "idle", "ports": []}]
    lines = status_table(records, ["name", "ports"], width=40, wrap=True).splitlines()
    assert lines == ["NAME  PORTS", "web   10.0.0.11:8088->8000/tcp", "      10.0.0.12:8088->8000/tcp", "idle"]


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.text() | st.none() | st.integers())), st.integers(40, 200))
def test_no_line_is_longer_than_the_terminal(records: list[dict[str, Any]], width: int) -> None:
    for wrap in (False, True):
        assert all(len(line) <= width for line in status_table(records, ["a", "b", "c"], width, wrap).split("\n"))


def test_wrong_input_is_told() -> None:
    with pytest.raises(AnsibleFilterError, match="found str, expected a list"):
        status_table(WRONG, ["a"])
