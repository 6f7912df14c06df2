# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines answer which events of a run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.glance import (
    CONNECTION_CURE,
    HIDDEN,
    MORE,
    Cause,
    Glance,
    Line,
    cause_of,
    end_run,
    messages,
)

HOSTS = ["m1", "m2", "w1"]
CHANGED: dict[str, Any] = {"changed": True}
HEAD = f"{'Prepare the hosts':<64}     3 hosts"


def begun(free: bool = False) -> Glance:
    """In its first task, on all hosts."""
    glance = Glance()
    assert glance.begin_step("Prepare the hosts", HOSTS, free) == [] and glance.begin_task() == []
    assert glance.begin_host() == [Line(HEAD)] and glance.begin_host() == []
    return glance


def test_a_step_of_which_nothing_begins_is_not_shown() -> None:
    glance = Glance()
    assert glance.begin_step("Advertise GPUs", []) == []
    assert glance.begin_step("Prepare the hosts", HOSTS) == []
    assert [line.text for line in glance.begin_host()] == [HEAD]


def test_a_step_that_comes_again_is_shown_where_it_does_something() -> None:
    glance = begun()
    glance.begin_step("Create volumes", HOSTS)
    glance.begin_host()
    glance.begin_step("Prepare the hosts", HOSTS)
    assert glance.begin_host() == []
    assert glance.pass_task("m1", "Look", {}) == []
    assert glance.pass_task("m1", "Install", CHANGED) == [Line(HEAD)]


def test_batches_of_one_play_are_one_step() -> None:
    glance = begun()
    glance.begin_step("Prepare the hosts", HOSTS)
    assert glance.begin_host() == [] and glance.pass_task("m2", "Look", {}) == []


def test_hosts_that_are_lost_are_not_counted_later() -> None:
    glance = begun()
    glance.fail_task("m1", "Install", {"msg": "no"})
    glance.lose_host("w1", "Install", {"msg": "no"})
    glance.begin_step("Create volumes", HOSTS)
    assert [line.text for line in glance.begin_host()] == [f"{'Create volumes':<64}      1 host"]


def test_what_hosts_have_in_common_is_one_line_when_their_task_is_over() -> None:
    glance = begun()
    for host in HOSTS:
        assert glance.pass_task(host, "Install", CHANGED) == []
    assert glance.begin_task() == [Line("  changed  Install: m1, m2, w1", "changed")] and glance.flush() == []
    glance.pass_task("w1", "Install", CHANGED, checking=True)
    assert glance.flush() == [Line("  would change  Install: w1", "would change")]


def test_free_hosts_do_not_wait_for_each_other() -> None:
    glance = begun(free=True)
    glance.pass_task("m1", "Install", CHANGED)
    assert glance.begin_task() == []
    glance.pass_task("m1", "Start", CHANGED)
    glance.pass_task("w1", "Install", CHANGED)
    lines = glance.begin_step("Create volumes", HOSTS)
    assert [line.text for line in lines] == ["  changed  Install: m1, w1", "  changed  Start: m1"]


@pytest.mark.parametrize(
    ("hosts", "text", "of_all", "lines"),
    [
        (["m1"], "a\n\nb", True, ["a", "", "b"]),
        (HOSTS, "a\nb", False, ["a", "b"]),
        (["m1", "w1"], "a", False, ["m1, w1: a"]),
        (["w1"], "a\nb", False, ["w1: a", "  b"]),
        (["w1"], "", False, ["w1: "]),
    ],
)
def test_messages_are_shown_as_they_are(hosts: list[str], text: str, of_all: bool, lines: list[str]) -> None:
    glance = begun()
    for host in hosts:
        glance.pass_task(host, "Say", {"msg": text}, is_message=True, of_all=of_all)
    assert [line.text for line in glance.flush()] == lines


def test_only_messages_for_the_reader_are_shown() -> None:
    glance = begun()
    glance.pass_task("m1", "Assert", {"msg": "All assertions passed", "stdout": "x"})
    assert glance.flush() == []


def test_a_failure_that_is_rescued_is_not_shown() -> None:
    glance = begun()
    glance.fail_task("m1", "Try", {"msg": "no"}, rescued=True)
    glance.fail_task("w1", "Install", {"msg": "no"})
    assert glance.flush() == [Line("  failed  Install: w1", "failed")]
    assert glance.causes == [Cause("m1", "Try", "no", True), Cause("w1", "Install", "no")]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"msg": "The port is taken. Free it."}, "The port is taken. Free it."),
        ({"msg": ["one", "two"]}, "one\ntwo"),
        ({"msg": "\x1b[31mred\x1b[0m\rgreen\n\x07"}, "red\\rgreen\n\\x07"),
        ({"msg": {"a": 1}}, '{\n  "a": 1\n}'),
        ({}, "It failed without a message."),
        ({"reason": "no such file"}, "no such file"),
        ({"msg": "Task failed: no"}, "no"),
        ({"msg": "no. Task failed: no"}, "no. Task failed: no"),
        ({"msg": "Task failed: The test plugin 'flotilla.swarm.confirmed' failed: confirm is missing."}, "confirm is missing."),
        ({"msg": "non-zero return code", "cmd": "false", "stderr": "pass: word"}, f"non-zero return code. {MORE}"),
        ({"msg": "MODULE FAILURE", "module_stderr": "Traceback"}, f"MODULE FAILURE. {MORE}"),
        ({"msg": "x", "results": [{"failed": True, "msg": "a"}, {"msg": "b"}, {"exception": "t", "msg": "c"}]}, "a\nc"),
        ({"msg": "x", "results": [{"failed": True, "msg": "a"}, {"failed": True, "msg": "a"}]}, "a"),
        ({"msg": "x", "results": [{"failed": True, "censored": "hidden"}]}, HIDDEN),
        ({"msg": "x", "results": ["Installed: a"]}, "x"),
        ({"censored": "hidden", "msg": "secret"}, HIDDEN),
        ({"_ansible_no_log": True, "msg": "secret"}, HIDDEN),
    ],
)
def test_the_cause_is_the_message(result: dict[str, Any], text: str) -> None:
    assert cause_of(result) == text


@pytest.mark.parametrize(
    ("result", "texts"),
    [
        ({"msg": "a"}, ["a"]),
        ({"msg": ["a", "b"]}, ["a\nb"]),
        ({"msg": 3}, ["3"]),
        ({"msg": ["\x1b]0;x"]}, ["\\x1b]0;x"]),
        ({"results": [{"msg": "a"}, {"skipped": True, "msg": "no"}, {"msg": "b"}]}, ["a", "b"]),
        ({"nodes": ["m1"], "changed": False, "_ansible_verbose_always": True}, ["nodes: m1"]),
        ({"censored": "hidden", "changed": False}, [HIDDEN]),
    ],
)
def test_what_debug_says(result: dict[str, Any], texts: list[str]) -> None:
    assert messages(result) == texts


def ending(failed: list[str], unreachable: list[str], causes: list[Cause], changed: int | None = None) -> list[str]:
    return [line.text for line in end_run([*HOSTS, "localhost"], failed, unreachable, causes, changed, "4 s")]


def test_a_run_that_went_well() -> None:
    assert ending([], [], []) == ["3 hosts ok, in 4 s."]
    assert ending([], [], [], 0) == ["3 hosts ok, nothing changed, in 4 s."]
    assert ending([], [], [Cause("m1", "Try", "no", True)], 2) == ["3 hosts ok, 2 changed, in 4 s."]


def test_a_run_that_failed_ends_with_its_causes_the_same_once() -> None:
    causes = [
        Cause("m1", "Try", "mended", True),
        Cause("m2", "Try", "mended", True),
        Cause("m1", "Install", "No space. Free some."),
        Cause("w1", "no connection", f"No route to host.\n{CONNECTION_CURE}"),
        Cause("m2", "Install", "No space. Free some."),
    ]
    assert ending(["m1", "m2"], ["w1"], causes, 1) == [
        "m1, m2 failed; w1 can't be reached: 3 of 3 hosts, in 4 s.",
        "",
        "Install: m1, m2",
        "  No space. Free some.",
        "",
        "no connection: w1",
        "  No route to host.",
        "  Start it, or check how Ansible connects.",
    ]


def test_a_failure_that_only_seemed_to_be_rescued_is_shown_where_there_is_no_other() -> None:
    causes = [Cause("m1", "Try", "first", True), Cause("m1", "Try again", "second", True)]
    assert ending(["m1"], [], causes) == ["m1 failed: 1 of 3 hosts, in 4 s.", "", "Try again: m1", "  second"]


def test_a_host_that_only_stands_for_the_others_is_not_named() -> None:
    glance = begun()
    glance.fail_task("m1", "Judge", {"msg": "w1 is full."}, of_all=True)
    assert glance.flush() == [Line("  failed  Judge", "failed")]
    assert ending(["m1"], [], glance.causes) == ["The run failed, in 4 s.", "", "Judge", "  w1 is full."]
    also = [*glance.causes, Cause("w1", "no connection", "away")]
    assert ending(["m1"], ["w1"], also)[0] == "w1 can't be reached: 1 of 3 hosts, in 4 s."
    assert ending(["m1"], [], [*also, Cause("m1", "Install", "no")])[0] == "m1 failed: 1 of 3 hosts, in 4 s."
