# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in versioned and in Compose Spec files."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError, Place
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.interpolate import Scope, interpolate
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack

ENV = {"A": "a", "EMPTY": "", "N": "3", "YES": "yes", "ratio": "0.5"}
PLACE = Place("f.yml", ("services", "web", "image"))


def fill(text: t.Any, versioned: bool, schema: dict[str, t.Any] | None = None, undefined: str = "error") -> t.Any:
    return interpolate(text, schema, PLACE, Scope(ENV, undefined), versioned=versioned)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A", "a"), ("${A}b", "ab"), ("x$A/y", "xa/y"), ("$$", "$"), ("$$A", "$A"), ("$$$$1", "$$1"), ("$$$A", "$a"),
        ("${NO:-d}", "d"), ("${NO-d}", "d"), ("${EMPTY:-d}", "d"), ("${EMPTY-d}", ""), ("${NO:-}", ""), ("${A:?why}", "a"),
        ("${EMPTY?why}", ""), ("${NO:-a:-b}", "a:-b"), ("${ratio}", "0.5"), ("{{.Node.Hostname}}", "{{.Node.Hostname}}"),
        ("$A.b", "a.b"), ("$A:80", "a:80"), (5, 5), (None, None), (["$A"], ["a"]), ({"$A": "$A"}, {"$A": "a"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("versioned", [True, False])
def test_what_both_formats_share(text: t.Any, result: t.Any, versioned: bool) -> None:
    assert fill(text, versioned) == result


@pytest.mark.parametrize(
    ("text", "versioned", "spec"),
    [
        ("$A-app:1", "a", "a-app:1"),
        ("$NO-app:1", "app:1", None),
        ("${NO:-${A}}", "${A}", "a"),
        ("${NO:-x$A}", "x$A", "xa"),
        ("${NO:-$2y$05$.}", "$2y$05$.", "$2y$05$."),
        ("${A:+b}", None, "b"),
        ("${NO:+b}", None, ""),
        ("${EMPTY+b}", None, "b"),
        ("$1", None, "$1"),
        ("cost $", None, "cost $"),
    ],
)
def test_where_the_formats_differ(text: str, versioned: str | None, spec: str | None) -> None:
    for result, is_versioned in ((versioned, True), (spec, False)):
        if result is None:
            with pytest.raises(ComposeError):
                fill(text, is_versioned)
        else:
            assert fill(text, is_versioned) == result


@pytest.mark.parametrize(
    ("text", "versioned"),
    [
        *((text, True) for text in ("$1", "cost $", "$ {A}")),
        *((text, versioned) for text in ("${A.b}", "${}", "${A", "${A!b}") for versioned in (True, False)),
    ],
)
def test_invalid_forms(text: str, versioned: bool) -> None:
    with pytest.raises(ComposeError, match=r"f\.yml: services\.web\.image: invalid interpolation .* write \$\$ for a plain \$"):
        fill(text, versioned)


@pytest.mark.parametrize("versioned", [True, False])
def test_required_variables(versioned: bool) -> None:
    with pytest.raises(ComposeError, match="the required variable NO is not set: tell me"):
        fill("${NO?tell me}", versioned)
    with pytest.raises(ComposeError, match="the required variable EMPTY is not set: must-be there"):
        fill("${EMPTY:?must-be there}", versioned)


@pytest.mark.parametrize("versioned", [True, False])
def test_undefined_variables(versioned: bool) -> None:
    with pytest.raises(ComposeError, match=r"f\.yml: services\.web\.image: the variable NO is not set; give it in env"):
        fill("x$NO", versioned)
    assert fill("x$NO", versioned, undefined="blank") == "x"


@pytest.mark.parametrize("versioned", [True, False])
@pytest.mark.parametrize(("text", "filled"), [("x$NO", "x"), ("x${NO}", "x"), ("x${NO:-y}", "xy"), ("x$A", f"x{ENV['A']}"), ("$EMPTY", "")])
def test_optional_variables_count_as_empty_without_a_word(text: str, filled: str, versioned: bool) -> None:
    scope = Scope(ENV, optional=["NO", "A", "EMPTY"])
    assert interpolate(text, None, PLACE, scope, versioned=versioned) == filled
    assert scope.warnings == []


@pytest.mark.parametrize("versioned", [True, False])
@pytest.mark.parametrize(
    ("text", "message"), [("$OTHER", "the variable OTHER is not set"), ("${NO:?tell me}", "required variable NO is not set: tell")]
)
def test_what_is_not_optional_is_still_needed(text: str, message: str, versioned: bool) -> None:
    with pytest.raises(ComposeError, match=message):
        interpolate(text, None, PLACE, Scope(ENV, optional=["NO"]), versioned=versioned)


@pytest.mark.parametrize("name", ["$TAG", "${TAG}", "TAG=1", "", "the tag"])
def test_an_optional_variable_has_a_plain_name(name: str) -> None:
    with pytest.raises(ComposeError, match="optional_variables: .* is no name of a variable; expected a name such as TAG"):
        load_stack(content="services: {a: {image: a}}", optional_variables=[name])


def test_optional_variables_reach_included_files_and_env_files(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("services: {b: {image: 'b:1$TAG'}}")
    (tmp_path / "more.env").write_text("NAME=n$SUFFIX\n")
    text = "include: [{path: more.yml, env_file: more.env}]\nservices: {a: {image: 'a:1$TAG', hostname: h$NAME}}"
    env_files = [str(tmp_path / "more.env")]
    loaded = load_stack(content=text, project_dir=str(tmp_path), env_files=env_files, optional_variables=["TAG", "SUFFIX"])
    services = loaded.model["services"]
    assert [services["a"]["image"], services["a"]["hostname"], services["b"]["image"]] == ["a:1", "hn", "b:1"]
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("text", "schema", "versioned", "spec"),
    [
        ("$N", {"type": "integer", "x-cast": True}, 3, 3),
        ("$N", {"type": "integer"}, "3", 3),
        ("3", {"type": "integer", "x-cast": True}, "3", 3),
        ("$YES", {"type": "boolean", "x-cast": True}, True, True),
        ("$ratio", {"type": "number", "x-cast": True}, 0.5, 0.5),
        ("$N", {"type": "string"}, "3", "3"),
        ("0x1", {"type": "integer"}, "0x1", "0x1"),
    ],
)
def test_numbers_from_text(text: str, schema: dict[str, t.Any], versioned: t.Any, spec: t.Any) -> None:
    for result, is_versioned in ((versioned, True), (spec, False)):
        found = fill(text, is_versioned, schema)
        assert found == result
        assert type(found) is type(result)


def test_a_versioned_file_insists_on_the_number() -> None:
    with pytest.raises(ComposeError, match="the variable gives a text; expected a whole number"):
        fill("$A", True, {"type": "integer", "x-cast": True})


def test_the_cure_is_told_once() -> None:
    error = ComposeError("the variable A is not set", expected="a text", cure="give it in env", file="stack.yml", path="a.b", line=3)
    assert str(error) == "stack.yml:3: a.b: the variable A is not set; expected a text; give it in env"
