# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.filter.lists import having, host_addresses, to_list


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        (None, []),
        ([], []),
        ("w1", ["w1"]),
        ("w1, w2", ["w1", "w2"]),
        (" w1 ,, w2,", ["w1", "w2"]),
        (["w1", "w2"], ["w1", "w2"]),
        (["w1, w2", "w3"], ["w1", "w2", "w3"]),
        (["", ["a", None], ("b,c",)], ["a", "b", "c"]),
        (7, ["7"]),
    ],
)
def test_lists_of_surveys(value: Any, expected: list[str]) -> None:
    assert to_list(value) == expected


def test_records_that_have_something() -> None:
    records: list[dict[str, Any]] = [
        {"item": "a", "acting": True},
        {"item": "b", "acting": False},
        {"item": "c"},
        {"item": "d", "acting": "x"},
    ]
    assert [record["item"] for record in having(records, "acting")] == ["a", "d"]


def test_addresses_of_hosts() -> None:
    hostvars: dict[str, dict[str, Any]] = {"m1": {"ansible_host": "10.0.0.1"}, "w1.example.org": {}, "w2": {"ansible_host": ""}}
    assert host_addresses(["w2", "m1", "w1.example.org"], hostvars) == ["w2", "10.0.0.1", "w1.example.org"]
