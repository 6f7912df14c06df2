# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.job import job_name, make_job, pin_to_image, read_command
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from fake_engine import node
from hypothesis import given
from hypothesis import strategies as st

NODES = Nodes([node("w1", node_id="n1"), node("w2", node_id="n2"), node("w3", node_id="n3", availability="drain")])


@given(st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}", fullmatch=True))
def test_names_are_names_of_services_and_of_locks(of: str) -> None:
    name = job_name(of, "0123456789ab")
    assert len(f"lock.{name}") <= 64 and re.fullmatch(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*", name) and name.endswith("-0123456789ab")


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ("", []),
        (None, []),
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        (["a", 1, "b c"], ["a", "1", "b c"]),
        ("sh -c 'echo $HOME; exit 3'", ["sh", "-c", "echo $HOME; exit 3"]),
    ],
)
def test_commands_are_split_without_a_shell(given: t.Any, command: list[str]) -> None:
    assert read_command(given, "command") == command


@pytest.mark.parametrize("given", ["'open", 3, {"a": 1}, ["a", None], [["a"]]])
def test_what_is_no_command_is_refused(given: t.Any) -> None:
    with pytest.raises(PlanError, match="command: "):
        read_command(given, "command")


def test_the_entry_point_alone_drops_the_command_of_the_service() -> None:
    shape = {"TaskTemplate": {"ContainerSpec": {"Image": "a", "Command": ["old"], "Args": ["serve"]}}}
    container = make_job("web", shape, [], ["new"])["TaskTemplate"]["ContainerSpec"]
    assert container["Command"] == ["new"] and "Args" not in container
    assert make_job("web", shape, ["x"], [])["TaskTemplate"]["ContainerSpec"]["Command"] == ["old"]


def task(node_id: str, state: str = "running") -> dict[str, t.Any]:
    return {"NodeID": node_id, "Status": {"State": state}}


@pytest.mark.parametrize(
    ("image", "tasks", "home"),
    [
        ("a:1", [task("n2"), task("n1", "failed")], "w2"),
        ("a:1", [task("n2"), task("n1")], "w1"),
        ("a:1", [task("n3")], ""),
        ("a:1", [], ""),
        (f"a:1@sha256:{'a' * 64}", [task("n2")], ""),
    ],
)
def test_an_image_without_a_digest_binds_a_job_to_where_it_is(image: str, tasks: list[dict[str, t.Any]], home: str) -> None:
    spec = make_job("web", {"TaskTemplate": {"ContainerSpec": {"Image": image}}}, ["x"], [])
    pinned, found = pin_to_image(spec, tasks, NODES)
    assert found == home and [item["Description"]["Hostname"] for item in NODES.eligible(pinned)] == ([home] if home else ["w1", "w2"])
