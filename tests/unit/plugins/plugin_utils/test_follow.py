# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils import follow

Json = dict[str, Any]


class Module:
    """A module with its answers given; what it was called with and what was told."""

    def __init__(self, *answers: Json) -> None:
        self.answers = list(answers)
        self.calls: list[Json] = []
        self.said: list[str] = []
        self.result = follow.follow(self._call, self.said.append)

    def _call(self, more: Json) -> Json:
        self.calls.append(more)
        return dict(self.answers[len(self.calls) - 1])


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "OUTAGE_PAUSE_SECONDS", 0)


def waiting(text: str, **more: Any) -> Json:
    return {"changed": True, "pending": True, "session": {"began": 1.0}, "progress": {"web": text}, **more}


DONE: Json = {"changed": False, "plan": [], "session": {"began": 1.0}, "progress": {"web": "1/1"}, "summary": "done", "invocation": {}}


def test_a_short_run_is_one_call() -> None:
    module = Module(DONE)
    assert module.said == ["web  1/1"] and module.result == {"changed": False, "plan": [], "warnings": [], "summary": "done"}
    assert set(module.calls[0]) == {"session", "call_seconds"} and "@" in module.calls[0]["session"]["holder"]


def test_only_news_is_told_and_the_first_plan_is_kept() -> None:
    module = Module(waiting("0/1", plan=["first"], warnings=["a"]), waiting("0/1"), {**DONE, "warnings": ["a", "b"]})
    assert module.said == ["web  0/1", "web  1/1"]
    assert (module.result["plan"], module.result["warnings"], module.result["changed"]) == (["first"], ["a", "b"], True)
    assert [call["session"].get("began") for call in module.calls] == [None, 1.0, 1.0]


def test_an_engine_that_is_away_meanwhile_is_asked_again() -> None:
    away = {"failed": True, "msg": "refused"}
    assert not Module(waiting("0/1"), away, away, DONE).result.get("failed")
    assert Module(away).result["failed"]
    endless = Module(waiting("0/1"), *[away] * (follow.OUTAGE_CALLS + 1))
    assert endless.result["failed"] and len(endless.calls) == follow.OUTAGE_CALLS + 2


def test_a_failure_hides_what_was_planned_and_undone() -> None:
    failed = {"failed": True, "msg": "web failed", "session": {}, "plan": [1], "applied": [1], "undone": ["web"], "changed": True}
    result = Module(waiting("0/1", plan=["first"]), failed).result
    assert result == {"failed": True, "msg": "web failed", "undone": ["web"], "changed": True, "warnings": []}


class Stopped:
    """An interruption after so many calls."""

    def __init__(self, calls: int, *answers: Json) -> None:
        self.calls: list[Json] = []
        self.left = list(answers)
        self.result = follow.follow(self._call, print, lambda: "SIGINT" if len(self.calls) >= calls else "")

    def _call(self, more: Json) -> Json:
        self.calls.append(json.loads(json.dumps(more)))
        return dict(self.left.pop(0))


INTERRUPTED: Json = {"failed": True, "msg": "interrupted", "session": {"began": 1.0}}
KILLED: Json = {"failed": True, "msg": "MODULE FAILURE"}


@pytest.mark.parametrize("killed", [[], [KILLED]])
def test_an_interrupted_run_is_ended_by_one_more_call(killed: list[Json]) -> None:
    run = Stopped(2, waiting("0/1"), *(killed or [waiting("0/1")]), INTERRUPTED)
    assert run.result["failed"] and run.result["msg"] == "interrupted"
    assert [call["session"].get("stop", "") for call in run.calls] == ["", "", "SIGINT"]


def test_a_run_whose_very_first_call_is_killed_still_gives_its_lock_back() -> None:
    run = Stopped(1, KILLED, INTERRUPTED)
    assert run.calls[1]["session"]["stop"] == "SIGINT" and run.calls[1]["session"]["unheard"]
    assert run.calls[1]["session"]["run"] == run.calls[0]["session"]["run"]


def test_a_run_that_ends_before_it_could_be_stopped_ended_well() -> None:
    run = Stopped(1, DONE)
    assert not run.result.get("failed") and len(run.calls) == 1


def test_an_engine_that_is_away_holds_an_interrupted_run_up_no_longer_than_that() -> None:
    run = Stopped(1, waiting("0/1"), *[KILLED] * 20)
    assert run.result["failed"] and len(run.calls) == 1 + follow.STOP_CALLS + 1


def test_a_rival_that_is_dead_is_named_in_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "is_dead", lambda run: run == "gone")
    for rival, dead in (("gone", ["gone"]), ("alive", [])):
        met = {**waiting("waits"), "session": {"began": 1.0, "rival": rival, "dead": []}}
        run = Stopped(9, met, DONE)
        assert run.calls[1]["session"]["dead"] == dead


STRANDED: Json = {"failed": True, "stranded": True, "msg": "This host is a worker. Before that, these were changed: service web."}


class Moved:
    """A run with one other manager; which of them was asked in each call, and with what session."""

    def __init__(self, *answers: Json) -> None:
        self.left, self.at, self.asked, self.calls = list(answers), 0, list[int](), list[Json]()
        self.result = follow.follow(self._call, print, move=self._move)

    def _call(self, more: Json) -> Json:
        self.asked.append(self.at)
        self.calls.append(json.loads(json.dumps(more)))
        return dict(self.left.pop(0)) if self.left else dict(STRANDED)

    def _move(self, _why: str) -> bool:
        self.at = 1 - self.at
        return self.at > 0


def test_a_run_goes_on_through_another_manager_with_its_session() -> None:
    left = {**STRANDED, "session": {"began": 1.0, "locks": {"app": "x"}}}
    run = Moved(waiting("0/1"), left, DONE)
    assert not run.result.get("failed") and run.asked == [0, 0, 1] and "stranded" not in run.result
    assert run.calls[2]["session"]["locks"] == {"app": "x"}


def test_also_a_run_whose_first_call_finds_no_manager() -> None:
    assert Moved(STRANDED, DONE).asked == [0, 1]


def test_a_refusal_is_no_reason_for_another_manager() -> None:
    run = Moved({"failed": True, "msg": "refused"})
    assert run.asked == [0] and run.result["msg"] == "refused"


def test_without_any_manager_it_is_said_what_stays() -> None:
    run = Moved(waiting("0/1"))
    assert run.result["failed"] and "these were changed: service web" in run.result["msg"] and "stranded" not in run.result
    assert run.asked.count(1) > follow.OUTAGE_CALLS
    first = Moved()
    assert first.asked == [0, 1] and first.result["failed"], "before anything is changed both are asked once"
