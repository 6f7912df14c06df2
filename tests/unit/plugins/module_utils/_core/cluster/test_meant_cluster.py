# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.meant_cluster import find_meant
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.member_state import MemberState
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError

CLEAN, OFF = MemberState("m9", "inactive"), MemberState("m8", "unreachable")


def member(name: str, cluster_id: str = "abc", acting: bool = False, state: str = "active") -> MemberState:
    return MemberState(name, state, role="manager", cluster_id=cluster_id, node_id=f"id-{name}", acting=acting)


@pytest.mark.parametrize(
    ("given", "managers", "meant"),
    [
        ("", [], ""),
        ("", [CLEAN, OFF], ""),
        ("abc", [CLEAN, OFF], "abc"),
        ("", [OFF, member("m1", acting=True), member("m2")], "abc"),
        ("abc", [member("m1", acting=True)], "abc"),
        ("", [CLEAN, member("m2")], "abc"),
        ("", [member("m1", acting=True), member("m2", "xyz")], "abc"),
        ("abc", [member("m2", "xyz")], "abc"),
        ("", [member("m1", "", state="pending")], ""),
    ],
)
def test_the_swarm_that_is_meant_is_given_or_that_of_the_managers(given: str, managers: list[MemberState], meant: str) -> None:
    assert find_meant(given, managers) == meant


@pytest.mark.parametrize(
    ("given", "managers", "words"),
    [
        ("abc", [member("m1", "xyz", acting=True)], "swarm abc is expected, but m1 is a manager of swarm xyz"),
        ("abc", [member("m1", acting=True), member("m2", "xyz", acting=True)], "remove m2 from the inventory"),
        ("", [member("m1", acting=True), member("m2", "xyz", acting=True)], "the managers are in different swarms: m1 is"),
        ("", [member("m1"), member("m2", "xyz")], "the managers are in different swarms: m1 is"),
    ],
)
def test_managers_of_several_swarms_are_refused(given: str, managers: list[MemberState], words: str) -> None:
    with pytest.raises(PlanError) as error:
        find_meant(given, managers)
    assert words in str(error.value)
