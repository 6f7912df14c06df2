# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.guard import (
    refuse_if_named,
    refuse_stranger,
    refuse_unconfirmed,
)
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.member_state import MemberState
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError


def member(name: str, cluster_id: str = "abc", state: str = "active") -> MemberState:
    return MemberState(name, state, role="manager", cluster_id=cluster_id, node_id=f"id-{name}")


@pytest.mark.parametrize(("confirm", "name"), [("lab", "lab"), (42, "42"), ("42", 42), ("a b", "a b")])
def test_the_name_of_the_swarm_confirms(confirm: t.Any, name: t.Any) -> None:
    refuse_unconfirmed(confirm, name)


@pytest.mark.parametrize(
    ("confirm", "name", "words"),
    [
        ("", "lab", "confirm is missing. To go on: -e confirm=lab"),
        (None, "lab", "confirm is missing."),
        ("prod", "lab", "confirm is 'prod', which is not its name. To go on: -e confirm=lab"),
        ("LAB", "lab", "confirm is 'LAB'"),
        ("lab ", "lab", "confirm is 'lab '"),
        (" ", "lab", "confirm is ' '"),
        ("", "", "swarm_name is empty"),
        (None, None, "swarm_name is empty"),
        ("lab", "", "swarm_name is empty"),
        (" ", " ", "swarm_name is empty"),
        ("\t", "\t\n", "Set swarm_name in the inventory"),
    ],
)
def test_anything_else_does_not(confirm: t.Any, name: t.Any, words: str) -> None:
    with pytest.raises(PlanError) as error:
        refuse_unconfirmed(confirm, name, "This removes all.")
    assert str(error.value).startswith("This removes all. ") and words in str(error.value)


def test_what_is_harmless_in_most_calls_is_refused_only_in_a_play_that_names_the_swarm() -> None:
    refuse_if_named({"confirm": "", "swarm_name": None})
    refuse_if_named({"confirm": "lab", "swarm_name": "lab"})
    for name in ("", "lab"):
        with pytest.raises(PlanError):
            refuse_if_named({"confirm": "", "swarm_name": name})


@pytest.mark.parametrize(
    ("seen", "meant", "words"),
    [
        (member("w1"), "abc", ""),
        (member("w1"), "", ""),
        (MemberState("m9", "inactive"), "abc", ""),
        (MemberState("w1", "no engine"), "abc", ""),
        (member("w1", ""), "abc", ""),
        (member("w1", "xyz"), "abc", "w1 is in swarm xyz, but swarm abc is expected"),
        (MemberState("", "active", cluster_id="xyz"), "abc", "this host is in swarm xyz"),
        (member("w2", "xyz", state="locked"), "abc", "w2 is in swarm xyz"),
        (member("w2", ""), "abc", "the swarm of w2 is unknown"),
        (MemberState("w1", "error"), "abc", "the swarm of w1 is unknown"),
        (MemberState("w1", "pending", node_id=""), "abc", "the swarm of w1 is unknown"),
    ],
)
def test_only_the_host_of_another_swarm_is_a_stranger(seen: MemberState, meant: str, words: str) -> None:
    if not words:
        refuse_stranger(seen, meant, ["id-w1"])
        return
    with pytest.raises(PlanError) as error:
        refuse_stranger(seen, meant, ["id-w1"])
    assert words in str(error.value)
