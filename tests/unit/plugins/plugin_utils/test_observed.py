# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed import find_record, find_record_of_swarm

RECORD: dict[str, Any] = {"host": {}}
SEEN = {"preflight_reuse": True, "preflight_seen": {"record": RECORD}}
NOTHING = {"changed": False, "todo": [], "action": "nothing", "pending": "nothing"}


@pytest.mark.parametrize(
    ("more", "check_mode", "counts"),
    [
        ({}, False, True),
        ({"__engine_decided": NOTHING, "__volumes_decided": {"changed": False, "skipped": True}}, False, True),
        ({"__engine_decided": {**NOTHING, "todo": ["config"]}}, False, False),
        ({"__engine_decided": {**NOTHING, "todo": ["config"]}}, True, True),
        ({"__engine_config_decided": {**NOTHING, "pending": "restarts engine"}}, False, False),
        ({"__swarm_decided": {**NOTHING, "action": "join"}}, False, False),
        ({"__volumes_decided": {**NOTHING, "changed": True}}, False, False),
        ({"__volumes_decided": {**NOTHING, "changed": True}}, True, True),
        ({"__volumes_decided": {"failed": True}}, False, False),
        ({"__volumes_decided": {"unreachable": True}}, False, False),
        ({"__volumes_decided": "{{ nothing }}"}, False, False),
        ({"preflight_reuse": False}, False, False),
        ({"preflight_seen": {"unreachable": True}}, False, False),
        ({"preflight_seen": {"skipped": True}}, True, False),
    ],
)
def test_a_record_counts_until_something_is_changed(more: dict[str, Any], check_mode: bool, counts: bool) -> None:
    assert (find_record({**SEEN, **more}, check_mode) is RECORD) is counts


def test_without_preflight_there_is_none() -> None:
    assert find_record({"preflight_reuse": True}, False) is None and find_record({}, True) is None


def test_what_belongs_to_the_swarm_counts_until_any_host_is_changed() -> None:
    settled, changed = dict(SEEN), {**SEEN, "__swarm_decided": {**NOTHING, "action": "join"}}
    lost = {"preflight_seen": {"unreachable": True}}
    assert find_record_of_swarm(SEEN, [settled, settled], False) is RECORD
    assert find_record_of_swarm(SEEN, [settled, changed], False) is None
    assert find_record_of_swarm(SEEN, [settled, lost], False) is None
    assert find_record_of_swarm(SEEN, [settled, changed], True) is RECORD
