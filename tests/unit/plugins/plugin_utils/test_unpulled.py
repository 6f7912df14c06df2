# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.unpulled import explain_unpulled, find_host, find_unpulled

UNPULLED = {"task": "t1", "node": "w2", "address": "10.0.0.5"}
FULL = "write /var/lib/docker/tmp/GetImageBlob1: no space left on device"


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ({"w1": "10.0.0.4", "w2": "other.example"}, "w2"),
        ({"w1": "10.0.0.4", "worker": "10.0.0.5"}, "worker"),
        ({"w1": "10.0.0.4", "w3": ""}, ""),
        ({}, ""),
    ],
)
def test_the_host_that_is_the_node(addresses: dict[str, str], expected: str) -> None:
    assert find_host(UNPULLED, addresses) == expected
    assert find_host({**UNPULLED, "address": ""}, {"w3": ""}) == ""


@pytest.mark.parametrize(
    ("health", "cause"),
    [
        ({"pulls": [{"task": "t0", "cause": "old"}, {"task": "t1", "cause": FULL}]}, FULL),
        ({"pulls": [{"task": "t0", "cause": FULL}]}, FULL),
        ({"pulls": [], "disk_read_only": ["/d/tmp", "/d/image"]}, "/d/tmp, /d/image is read-only"),
        ({"pulls": [], "disk_read_only": []}, "its engine alone knows why (journalctl -u docker)"),
        ({"failed": True, "msg": "no  python"}, "its host could not be asked why (no python)"),
        ({}, "its engine alone knows why (journalctl -u docker)"),
    ],
)
def test_the_node_says_why(health: dict[str, Any], cause: str) -> None:
    assert explain_unpulled(UNPULLED, health) == f"node w2 could not pull that image, which the registry has: {cause}."


def test_what_a_host_says_has_any_form() -> None:
    assert find_unpulled([UNPULLED, "x", {"task": 3}]) == [UNPULLED, {"task": "3", "node": "", "address": ""}]
    assert find_unpulled(None) == find_unpulled("x") == find_unpulled({"task": "t"}) == []
