# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: what is different, how it is shown, what is never shown."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change, Field, Plan, compare, render_changes, short_hash
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_plan import summarise
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
TREES = st.dictionaries(st.text(max_size=3), VALUES, max_size=4)

COMPARED: list[tuple[t.Any, t.Any, list[tuple[str, t.Any, t.Any]]]] = [
    (None, None, []),
    ({"a": 1}, {"a": 1}, []),
    ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
    ({}, {"a": 1}, [("a", None, 1)]),
    ({"a": 1}, None, [("a", 1, None)]),
    ({"a": None}, {}, []),
    ({"a": True}, {"a": 1}, [("a", True, 1)]),
    ({"a": 0}, {"a": False}, [("a", 0, False)]),
    ({"a": 1}, {"a": 1.0}, []),
    ({"a": "1"}, {"a": 1}, [("a", "1", 1)]),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [("a.c", 2, 3)]),
    ({"a": {"b": 1}}, {"a": {}}, [("a.b", 1, None)]),
    ({"a": {"b": 1}}, {"a": [1]}, [("a", {"b": 1}, [1])]),
    ({"a": [1, 2]}, {"a": [2, 1]}, [("a", [1, 2], [2, 1])]),
    ({"b": 1, "a": 1}, {"b": 2, "a": 2}, [("a", 1, 2), ("b", 1, 2)]),
]


@pytest.mark.parametrize(("before", "after", "expected"), COMPARED)
def test_compare(before: t.Any, after: t.Any, expected: list[tuple[str, t.Any, t.Any]]) -> None:
    assert list(compare(before, after)) == [Field(*item) for item in expected]


def test_compare_takes_a_prefix() -> None:
    assert [field.path for field in compare({"x": {"y": 1}}, {"x": {"y": 2}}, "labels.")] == ["labels.x.y"]


@given(TREES)
def test_equal_trees_have_no_difference(tree: dict[str, t.Any]) -> None:
    assert compare(tree, json.loads(json.dumps(tree))) == ()


@given(TREES, TREES)
def test_a_difference_reads_the_same_backwards(before: dict[str, t.Any], after: dict[str, t.Any]) -> None:
    there = {(field.path, repr(field.before), repr(field.after)) for field in compare(before, after)}
    back = {(field.path, repr(field.after), repr(field.before)) for field in compare(after, before)}
    assert there == back


def change(**more: t.Any) -> Change:
    return Change(**{"kind": "service", "name": "web", "action": "update", **more})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([], ""),
        ([change(action="create")], "+ service  web\n"),
        ([change(fields=(Field("image", "a:1", "a:2"),))], '~ service  web  image: "a:1" -> "a:2"\n'),
        ([change(fields=(Field("labels.gpu", None, "true"),))], '~ service  web  labels.gpu: (none) -> "true"\n'),
        ([change(fields=(Field("replicas", 3, None),))], "~ service  web  replicas: 3 -> (none)\n"),
        (
            [change(action="remove", kind="config", reason="superseded by web_2")],
            "- config   web  superseded by web_2\n",
        ),
        ([change(action="replace", cost="restarts tasks")], "! service  web  [restarts tasks]\n"),
        (
            [change(cost="restarts 3 tasks", fields=(Field("a", 1, 2), Field("b", True, False)))],
            "~ service  web  a: 1 -> 2  [restarts 3 tasks]\n                b: true -> false\n",
        ),
        (
            [change(name="a", action="create"), change(name="longer", reason="why")],
            "+ service  a\n~ service  longer  why\n",
        ),
    ],
)
def test_rendering(changes: list[Change], text: str) -> None:
    assert Plan(tuple(changes)).render() == text


def test_a_long_value_is_shortened_but_told_apart() -> None:
    lines = render_changes([change(fields=(Field("x", "a" * 500, "a" * 499 + "b"),)).as_result()])
    before, _, after = lines[0].partition(" -> ")
    assert len(lines[0]) < 400
    assert before.rpartition("sha256:")[2] != after.rpartition("sha256:")[2]


def test_one_line_a_field_whatever_is_in_it() -> None:
    text = Plan((change(fields=(Field("x", "a\nb", "c\r\n\x1b[31m"),)),)).render()
    assert text.count("\n") == 1 and "\x1b" not in text


@pytest.mark.parametrize(
    ("actions", "text"),
    [
        ([], "Nothing to change"),
        (["create"], "1 to add"),
        (["update", "create", "update", "remove", "replace"], "2 to change, 1 to add, 1 to replace, 1 to remove"),
    ],
)
def test_summary(actions: list[str], text: str) -> None:
    assert summarise([change(action=action).as_result() for action in actions]) == text


def test_the_payload_is_never_shown() -> None:
    secret = change(payload={"Data": "hunter2"}, fields=(Field("data", None, short_hash("hunter2")),))
    plan = Plan((secret,))
    assert "hunter2" not in f"{plan.render()} {plan.as_results()} {plan!r} {secret!r}"
    assert secret.as_result().keys() == {"kind", "name", "action", "fields", "cost", "reason"}


def test_a_plan_is_changed_when_it_has_changes() -> None:
    assert not Plan().changed and not Plan(warnings=("w",), result={"a": 1}).changed
    assert Plan((change(),)).changed


@given(VALUES, VALUES)
def test_short_hashes_tell_equal_from_different(left: t.Any, right: t.Any) -> None:
    assert (short_hash(left) == short_hash(right)) == (encode(left) == encode(right))


def encode(value: t.Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value, sort_keys=True).encode()


def test_short_hash_is_short_and_known() -> None:
    assert short_hash("abc") == short_hash(b"abc") == "sha256:ba7816bf8f01"
