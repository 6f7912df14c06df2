# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of variables: as the CLI reads them, and as the Compose Spec has them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.environment import read_dotenv, read_env_file
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError, Place
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.interpolate import Scope
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack

PLACE = Place("f.yml", ("services", "a", "env_file"))
ENV = {"A": "aval", "EMPTY": ""}


def test_the_cli_takes_values_as_they_stand() -> None:
    text = b'\xef\xbb\xbf# c\n\nX=1\n  LEAD=1 \r\nQ="quoted"\nK=a=b # not comment\nBARE\nEMPTY=\n'
    assert read_env_file(text, PLACE) == {
        "X": "1", "LEAD": "1 ", "Q": '"quoted"', "K": "a=b # not comment", "BARE": None, "EMPTY": "",
    }  # fmt: skip


@pytest.mark.parametrize("text", [b"export A=1", b"A B=1", b"=1", b"A =1"])
def test_names_that_the_cli_refuses(text: bytes) -> None:
    with pytest.raises(ComposeError, match="line 1 of this env_file"):
        read_env_file(text, PLACE)


# What docker compose 2.26 makes of these files.
@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("X=a #c", {"X": "a"}), ("X=a#c", {"X": "a#c"}), ("X= #c", {"X": "#c"}), ("X=a\tb\t# c", {"X": "a\tb\t# c"}),
        ("# c\n\n  X=1\n\tY=2", {"X": "1", "Y": "2"}), ("X=a\r\nY=b\r\n", {"X": "a", "Y": "b"}), ("\ufeffX=1", {"X": "1"}),
        ("X=  a  ", {"X": "a"}), ("X=", {"X": ""}), ("X=\nY=1", {"X": "", "Y": "1"}), ("X=1\nX=2", {"X": "2"}),
        ("export X=1", {"X": "1"}), ("exportX=1", {"exportX": "1"}), ("X = 1", {"X": "1"}), ("X : 1", {"X": "1"}),
        ("X-Y=1\nX.Y=1\nX[0]=1\n1X=2", {"X-Y": "1", "X.Y": "1", "X[0]": "1", "1X": "2"}),
        ("A\nNOT\nEMPTY\nX=1", {"A": "aval", "EMPTY": "", "X": "1"}),
        ('X="a" # c', {"X": "a"}), ("X='a'#c", {"X": "a"}), ('X="a\nb"\nY=2', {"X": "a\nb", "Y": "2"}), ('X=""', {"X": ""}),
        ('X=a"b"', {"X": 'a"b"'}), ("X='a\\'b'", {"X": "a'b"}), ("X='a\\nb'", {"X": "a\\nb"}), ("X='a $A'", {"X": "a $A"}),
        ('X="a $A \\$A \\n \\t \\" \\\\ \\x \\0101 \\101"', {"X": 'a aval $A \n \t " \\ \\x A \\101'}),
        ("X=$A${A}", {"X": "avalaval"}), ("X=${NO:-d}", {"X": "d"}), ("X=$$A", {"X": "$A"}), ("X=pa$", {"X": "pa$"}), ("X=$1", {"X": "$1"}),
        ("Z=1\nX=$Z", {"Z": "1", "X": "1"}), ("A=file\nX=$A", {"A": "file", "X": "aval"}), ('X={"a": "b"}', {"X": '{"a": "b"}'}),
    ],
)  # fmt: skip
def test_files_in_the_form_of_the_compose_spec(text: str, variables: dict[str, str]) -> None:
    assert read_dotenv(text.encode(), PLACE, Scope(ENV)) == variables


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"X=1\nX Y=1", "line 2 of this file of variables has no name; expected NAME=value"),
        (b"=1", "line 1 of this file of variables has no name"),
        (b"- X=1", "line 1 of this file of variables has no name"),
        (b'X="open', "line 1 of this file of variables has a quote without its end"),
        (b'X="a"b', "line 1 of this file of variables has a quote without its end; expected nothing behind the closing quote"),
        (b"X=$NO", r"services\.a\.env_file\.X: the variable NO is not set"),
        (b"X=${A", r"services\.a\.env_file\.X: invalid interpolation"),
        (b"X=${NO:?must}", "the required variable NO is not set: must"),
        (b"X=\xff", "is not UTF-8 text"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_them_is_told(text: bytes, message: str) -> None:
    with pytest.raises(ComposeError, match=message):
        read_dotenv(text, PLACE, Scope(ENV))


def test_what_is_to_become_of_missing_variables_holds_in_them_too() -> None:
    assert read_dotenv(b"X=$NO", PLACE, Scope(ENV, "blank")) == {"X": ""}
    assert read_dotenv(b"X=$NO", PLACE, Scope(ENV, optional=["NO"])) == {"X": ""}


@pytest.mark.parametrize(
    ("head", "environment"),
    [
        ("version: '3.8'", {"Q": '"q"', "EMPTY": "full", "B": None}),
        ("", {"Q": '"q"', "EMPTY": "full", "B": None}),
        ("name: app", {"Q": "q", "EMPTY": "", "B": None}),
    ],
)
def test_a_file_that_only_docker_compose_takes_has_its_variables_too(tmp_path: Path, head: str, environment: t.Any) -> None:
    (tmp_path / "x.env").write_text('Q="q"\n')
    text = f"{head}\nservices: {{a: {{image: i, env_file: x.env, environment: {{EMPTY: '', B: }}}}}}\n"
    (tmp_path / "stack.yml").write_text(text)
    loaded = load_stack([str(tmp_path / "stack.yml")], env={"EMPTY": "full"})
    assert loaded.model["services"]["a"]["environment"] == environment
    (tmp_path / "more.yml").write_text("services: {a: {profiles: []}}")
    files = [str(tmp_path / name) for name in ("stack.yml", "more.yml")]
    assert load_stack(files, env={"EMPTY": "full"}).model["services"]["a"]["environment"]["EMPTY"] == ""


def test_a_raw_file_of_a_compose_spec_file(tmp_path: Path) -> None:
    (tmp_path / "x.env").write_text("Q='$A' # c\n")
    (tmp_path / "stack.yml").write_text("services: {a: {image: i, env_file: [{path: x.env, format: raw}]}}")
    assert load_stack([str(tmp_path / "stack.yml")]).model["services"]["a"]["environment"] == {"Q": "'$A' # c"}


def test_env_files_of_the_task(tmp_path: Path) -> None:
    (tmp_path / "one.env").write_text("TAG='1'\nFULL=app:$TAG\n")
    (tmp_path / "two.env").write_text("LONG=x/$FULL\n")
    options: t.Any = {"env_files": ["one.env", "two.env"], "content": "services: {a: {image: $LONG}}", "project_dir": str(tmp_path)}
    assert load_stack(**options).model["services"]["a"]["image"] == "x/app:1"
    assert load_stack(**options, env={"TAG": "2"}).model["services"]["a"]["image"] == "x/app:2"
