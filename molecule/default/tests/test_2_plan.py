# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan says what a run then does, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.scenario import Run, Seen, by_name, declared, running


def changed_inventory() -> dict[str, Any]:
    """One label, one environment value and one replica count other than in the lab's inventory."""
    labels = declared("nodes")["nodes_labels"]
    stacks = declared("stacks")["stacks_present"]
    labels["w2"] = {**labels["w2"], "rerun_grader": True}
    stacks[0]["env"] = {**stacks[0]["env"], "WEB_CONCURRENCY": "1", "DJANGO_REPLICAS": "3"}
    stacks[0]["show_environment"] = ["WEB_*"]
    return {"nodes_labels": labels, "stacks_present": stacks}


def lines(run: Run) -> list[str]:
    """The plan with its blanks folded."""
    return [" ".join(line.split()) for line in run.plan if line.strip()]


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def test_three_changes_are_planned_then_made_and_no_others(play: Callable[..., Run], look: Callable[[], Seen]) -> None:
    wanted, before = changed_inventory(), look()

    planned = play("playbooks/plan.yml", **wanted)
    assert planned.rc == 0, planned.out[-4000:]
    assert look() == before
    assert '~ node w2 labels.rerun_grader: (none) -> "true"' in lines(planned)
    text = " ".join(lines(planned))
    assert "~ service autograder_django" in text
    assert 'WEB_CONCURRENCY: "2" -> "1"' in text
    assert "2 -> 3" in text
    assert lines(planned)[-1] == "2 to change. Nothing was changed."

    done = play("site.yml", **wanted)
    assert done.rc == 0, done.out[-4000:]
    assert lines(done)[:-1] == lines(planned)[:-1]
    after = look()
    assert differing(before["services"], after["services"]) == {"autograder_django"}
    assert differing(by_name(before), by_name(after)) == {"w2"}
    assert len(running(after["services"]["autograder_django"])) == 3

    back = play("site.yml", nodes_labels={**wanted["nodes_labels"], "w2": {"grader": True, "rerun_grader": None}})
    assert back.rc == 0, back.out[-4000:]
    assert look()["services"]["autograder_django"]["spec"] == before["services"]["autograder_django"]["spec"]


def test_what_was_approved_is_done_and_nothing_else(play: Callable[..., Run], look: Callable[[], Seen], tmp_path: Path) -> None:
    def replicas(count: str) -> list[dict[str, Any]]:
        stacks: list[dict[str, Any]] = declared("stacks")["stacks_present"]
        stacks[0]["env"]["DJANGO_REPLICAS"] = count
        return stacks

    file, before = tmp_path / "plan.json", look()
    drift = play("playbooks/plan.yml", "--tags", "stacks", stacks_present=replicas("3"), plan_file=str(file), plan_fail_on_drift=True)
    assert drift.rc == 2 and "Changes are planned: 1" in drift.out, drift.out[-4000:]
    kept = json.loads(file.read_text())
    assert [change["name"] for change in kept["plan_changes"]] == ["autograder_django"]

    other = play("playbooks/deploy.yml", "-e", f"@{file}", stacks_present=replicas("4"))
    assert other.rc != 0 and "was not deployed: the plan is " in " ".join(other.out.split()), other.out[-4000:]
    assert look() == before
    approved = play("playbooks/deploy.yml", "-e", f"@{file}", stacks_present=replicas("3"))
    assert approved.rc == 0 and any(approved.changed.values()), approved.out[-4000:]
    assert len(running(look()["services"]["autograder_django"])) == 3
    assert play("playbooks/deploy.yml").rc == 0


def test_a_replica_count_alone_restarts_no_task(play: Callable[..., Run], look: Callable[[], Seen]) -> None:
    stacks, before = declared("stacks")["stacks_present"], running(look()["services"]["autograder_django"])
    stacks[0]["env"]["DJANGO_REPLICAS"] = "3"
    more = play("playbooks/deploy.yml", stacks_present=stacks)
    assert more.rc == 0, more.out[-4000:]
    assert set(before) < set(running(look()["services"]["autograder_django"]))
    assert play("playbooks/deploy.yml").rc == 0
    assert len(running(look()["services"]["autograder_django"])) == 2
