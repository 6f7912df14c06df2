# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as the docker CLI reads it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.yaml_reader import read_yaml


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: yes\nb: 'true'\nc: true", {"a": "yes", "b": "true", "c": True}),
        ("a: {{: 1}", None),
        ("a: '{{.Node.Hostname}}'", {"a": "{{.Node.Hostname}}"}),
        ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}}),
        (
            "x: &x {a: 1}\nz: &z {a: 2, c: 3}\ny: {<<: [*x, *z]}",
            {"x": {"a": 1}, "z": {"a": 2, "c": 3}, "y": {"a": 1, "c": 3}},
        ),
        ("x: &x {d: {a: 1}}\ny: {<<: *x, d: {b: 2}}", {"x": {"d": {"a": 1}}, "y": {"d": {"b": 2}}}),
        ("'<<': 1", {"<<": 1}),
        *(
            (f"x: &x {{a: 1}}\ny: {{{merge}: *x, b: 2}}", {"x": {"a": 1}, "y": {"a": 1, "b": 2}})
            for merge in ("!!merge <<", "! <<", "!<tag:yaml.org,2002:merge> <<", "!!merge '<<'")
        ),
        ("x: &x {a: 1}\ny: {!!merge <<: [*x, {b: 2}]}", {"x": {"a": 1}, "y": {"a": 1, "b": 2}}),
        ("x: &x {a: 1}\ny: {!!str <<: *x}", {"x": {"a": 1}, "y": {"<<": {"a": 1}}}),
        ("[! 1, ! '1', ! true, !!merge 1]", [1, "1", True, "1"]),
        ("a: 1\n---\nb: 2", {"a": 1}),
        ("", None),
        ("a: !!str 12\nb: !!int '3'\nc: !!binary aGk=\nd: !other 5", {"a": "12", "b": 3, "c": "hi", "d": "5"}),
        ("a: >\n  x\n  y\n", {"a": "x y\n"}),
        ('"1": a', {"1": "a"}),
    ],
)
def test_data(text: str, data: t.Any) -> None:
    if data is None and text:
        with pytest.raises(ComposeError):
            read_yaml(text, "f.yml")
    else:
        assert read_yaml(text, "f.yml").data == data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f.yml:3: key 'a' is already there, on line 1"),
        ("x: &x {}\ny:\n  <<: *x\n  <<: *x", "f.yml:4: y: key '<<' is already there, on line 3; write one list"),
        ("services:\n  1: {image: i}", "f.yml:2: services: the key 1 is not text"),
        ("services:\n\ta: 1", "f.yml:2: not valid YAML"),
        ("services:\n\ta: 1", "indent with blanks, not with tabs"),
        ("a: {{ x }}", "f.yml:1: a: a mapping is used as a key"),
        ("a: *nowhere", "f.yml:1: alias *nowhere has no anchor"),
        ("a: &a [*a]", "an alias stands inside its own anchor"),
        ("a:\n  <<: 1", "f.yml:2: a: << is given something else"),
        ("a: [1", "not valid YAML"),
        ("a: !!int x", "!!int is given 'x'"),
        ("a: \x01", "not valid YAML"),
    ],
)
def test_errors_name_file_and_line(text: str, message: str) -> None:
    with pytest.raises(ComposeError) as caught:
        read_yaml(text, "f.yml")
    assert message in str(caught.value)


def test_every_value_has_its_line() -> None:
    document = read_yaml("a:\n  b:\n    - 1\n    - c: 2\nd: &d {e: 3}\nf:\n  <<: *d\n", "f.yml")
    place = document.place
    assert (place / "a" / "b" / 1 / "c").line == 4
    assert (place / "a" / "b" / 1 / "c" / "deeper").line == 4
    assert (place / "f").line == 6
    assert (place / "f" / "e").line == 5


def test_tags_mark_paths() -> None:
    document = read_yaml("a: !reset null\nb:\n  c: !override [1]\n", "f.yml")
    assert document.data == {"a": None, "b": {"c": [1]}}
    assert document.marks == {("a",): "reset", ("b", "c"): "override"}
    assert document.warnings == []


def test_other_tags_are_said() -> None:
    assert read_yaml("a: !vault x", "f.yml").warnings == ["f.yml:1: the tag !vault means nothing here"]


@pytest.mark.parametrize(("rest", "warnings"), [("", 0), ("...\n", 0), ("---\nb: 1\n", 1), ("---\n[\n", 1)])
def test_further_documents_are_said(rest: str, warnings: int) -> None:
    document = read_yaml(f"a: 1\n{rest}", "f.yml")
    assert (document.data, len(document.warnings)) == ({"a": 1}, warnings)
