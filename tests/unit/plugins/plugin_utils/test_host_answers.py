# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.units import must_start
from ansible_collections.flotilla.swarm.plugins.plugin_utils.host_answers import read_answers


@pytest.mark.parametrize(
    ("units", "check_mode", "expected"),
    [
        ({"a": {"active": True, "enabled": True}}, False, False),
        ({"a": {"active": False, "enabled": True}}, False, True),
        ({"a": {"active": True, "enabled": False}}, True, True),
        ({}, False, True),
        ({}, True, False),
    ],
)
def test_units_to_start(units: dict[str, Any], check_mode: bool, expected: bool) -> None:
    assert must_start({"units": units, "check_mode": check_mode}, "a") is expected


def answer(item: str, state: str = "active", role: str = "manager", acting: bool = False, **more: Any) -> dict[str, Any]:
    return {"item": item, "state": state, "role": role, "acting": acting, "node_id": f"id-{item}", "check_mode": False, **more}


def test_what_hosts_say() -> None:
    found = read_answers(
        [
            answer("m1", acting=True),
            answer("m2"),
            answer("m3", "locked"),
            answer("m4", "pending"),
            answer("w1", role="worker", unmanaged=["web"]),
            answer("new", "inactive", role="", node_id="", unmanaged=[], check_mode=True),
            {"item": "off", "unreachable": True},
            {"item": "bad", "failed": True, "msg": "no Python"},
        ]
    )
    assert found == {
        "acting": ["m1"],
        "silence": "",
        "locked": ["m3"],
        "leaderless": ["m2", "m4"],
        "node_ids": {name: f"id-{name}" for name in ("m1", "m2", "m3", "m4", "w1")},
        "unmanaged": {"w1": ["web"]},
        "check_mode": True,
    }
    assert read_answers([])["check_mode"] is False


def test_why_none_acts_is_told_once_for_several_hosts() -> None:
    none = "connecting to the engine: the Docker SDK can't be imported. Install python3-docker."
    told = [
        answer("m1", "unreachable", problem=none),
        answer("m2", "unreachable", problem=none),
        answer("m3", "inactive", problem=""),
        {"item": "m4", "unreachable": True, "msg": "no route to host"},
    ]
    assert read_answers(told)["silence"] == f"m1, m2: {none}\nm4: no route to host."
    assert read_answers([answer("m1", "inactive")])["silence"] == "" == read_answers([])["silence"]
