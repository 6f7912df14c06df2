# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a run does: how long its text is, whom it names, what it hides."""

from __future__ import annotations

from typing import Any

from ansible_collections.flotilla.swarm.plugins.plugin_utils.glance import Glance, Line, end_run
from hypothesis import given
from hypothesis import strategies as st

HOSTS = [f"w{number:03}" for number in range(1, 201)]
SECRET = "hunter2"
TASKS = st.sampled_from(["Install", "Configure", "Start"])
OUTCOMES = st.sampled_from(["ok", "changed", "said", "failed", "rescued", "unreachable", "hidden"])
RUNS = st.lists(st.tuples(st.integers(0, 3), TASKS, st.lists(st.tuples(st.sampled_from(HOSTS[:12]), OUTCOMES), max_size=15)), max_size=12)


def play(run: list[tuple[int, str, list[tuple[str, str]]]], free: bool) -> tuple[list[Line], list[str], list[str], set[str]]:
    """All lines of a run, who failed and who was not reached in it, and who changed."""
    glance, lines = Glance(), list[Line]()
    failed: dict[str, None] = {}
    unreachable: dict[str, None] = {}
    changed: set[str] = set()
    for step, task, outcomes in run:
        lines += [*glance.begin_step(f"Step {step}", HOSTS, free), *glance.begin_task()]
        for host, outcome in outcomes:
            if host in failed or host in unreachable:
                continue
            lines += glance.begin_host()
            result: dict[str, Any] = {"stdout": SECRET, "msg": f"It went {outcome}."}
            if outcome in ("failed", "rescued"):
                lines += glance.fail_task(host, task, result, outcome == "rescued")
                failed |= {host: None} if outcome == "failed" else {}
            elif outcome == "unreachable":
                lines += glance.lose_host(host, task, result)
                unreachable[host] = None
            elif outcome == "hidden":
                lines += glance.pass_task(host, task, {"censored": "yes", "msg": SECRET}, is_message=True)
            else:
                changed |= {host} if outcome == "changed" else set()
                lines += glance.pass_task(host, task, {**result, "changed": outcome == "changed"}, is_message=outcome == "said")
    lines += glance.flush()
    return [*lines, *end_run(HOSTS, failed, unreachable, glance.causes, len(changed), "1 s")], list(failed), list(unreachable), changed


@given(RUNS, st.booleans())
def test_hosts_are_named_where_they_changed_or_were_lost_and_nothing_else_of_a_result_is_shown(run: Any, free: bool) -> None:
    lines, failed, unreachable, changed = play(run, free)
    text = "\n".join(line.text for line in lines)
    assert SECRET not in text and "went rescued" not in text
    names = {host: f" {host}" for host in HOSTS[:12]}
    told = [line.text for line in lines if line.state == "changed"]
    assert bool(told) == bool(changed)
    if len({*changed, *failed, *unreachable}) <= 6:  # else names are folded
        assert all(any(names[host] in line for line in told) for host in changed)
        assert all(f"{host}" in text for host in [*failed, *unreachable])
    assert not any(host in text for host in HOSTS[12:])


@given(RUNS, st.booleans())
def test_red_is_only_what_loses_a_host_and_the_cause_is_last(run: Any, free: bool) -> None:
    lines, failed, unreachable, _changed = play(run, free)
    assert any(line.state in ("failed", "unreachable") for line in lines) == bool(failed or unreachable)
    assert lines[-1].text in (
        ["  It went failed."] * bool(failed) + ["  Start it, or check how Ansible connects."] * bool(unreachable)
        or ["200 hosts ok, nothing changed, in 1 s.", *(f"200 hosts ok, {number} changed, in 1 s." for number in range(1, 13))]
    )


@given(st.lists(st.integers(0, 8), max_size=40), st.integers(1, 200))
def test_a_silent_run_has_a_line_for_each_step_however_many_hosts_there_are(steps: list[int], count: int) -> None:
    glance, lines = Glance(), list[Line]()
    for step in steps:
        lines += glance.begin_step(f"Step {step}", HOSTS[:count])
        lines += glance.begin_task()
        for host in HOSTS[:count]:
            lines += [*glance.begin_host(), *glance.pass_task(host, "Look", {"changed": False, "msg": host})]
    lines += glance.flush()
    assert len(lines) == len(set(steps)) and not any(line.state for line in lines)
