# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook that destroys, found by what its roles do, is run in every way that could lead around the confirmation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import yaml
from playbook_runs import ROOT, run_all

Json = dict[str, Any]
PARTS = ("roles", "pre_tasks", "tasks", "post_tasks", "handlers")
# Nodes and volumes that the inventory declares absent go in an ordinary run, so that their modules alone make no playbook destructive.
DESTROY = {"data_restore", "data_root", "prune", "recover", "task_kill"}
CONDITION = "confirm | default('') is flotilla.swarm.confirmed(swarm_name | default(''))"

GIVEN: dict[str, Json] = {
    "move_data_root": {"engine_data_root": "/nowhere/docker"},
    "recover": {"backup_recover_host": "m1"},
    "remove_node": {"nodes_target": ["w2"]},
    "replace_node": {"nodes_old": "w2", "nodes_new": "w1"},
    "restore": {"backup_restore_from": str(ROOT / "docs")},
    "rotate": {"swarm_rotate": ["ca"]},
}
UNCONFIRMED: list[tuple[Json, str]] = [
    ({}, "confirm is missing. To go on: -e confirm=lab. Nothing was changed."),
    ({"confirm": "prod"}, "confirm is 'prod', which is not its name. To go on: -e confirm=lab. Nothing was changed."),
    ({"confirm": " ", "swarm_name": " "}, "swarm_name is empty"),
]
# x1 is in no group of a swarm, and m1 is the host to which recover.yml delegates.
LIMITS = [["--limit", host] for host in ("x1", "n1", "w1", "m1")]
WAYS = [[], ["--check"], *LIMITS, ["--tags", "foo"], ["--skip-tags", "always"]]


def read(path: Path) -> list[Json]:
    return list(yaml.safe_load(path.read_text()) or [])


def plays_of(playbook: Path) -> Iterator[Json]:
    for play in read(playbook):
        imported = play.get("ansible.builtin.import_playbook")
        yield from plays_of(playbook.parent / imported) if imported else [play]


def tasks_of(tasks: list[Json], folder: Path, static: bool = False) -> Iterator[Json]:
    """The tasks and those that they bring along; ``static`` leaves out what is included only when a run gets there."""
    for task in tasks:
        yield task
        yield from tasks_of([*task.get("block", []), *task.get("rescue", []), *task.get("always", [])], folder, static)
        for how in ("import",) if static else ("import", "include"):
            file, role = task.get(f"ansible.builtin.{how}_tasks"), task.get(f"ansible.builtin.{how}_role")
            name = file["file"] if isinstance(file, dict) else file
            if name and "{{" not in name:
                yield from tasks_of(read(folder / name), folder, static)
            if role:
                yield from tasks_of_role(role["name"], role.get("tasks_from", "main"), static)


def tasks_of_role(name: str, entry: str, static: bool) -> Iterator[Json]:
    folder = ROOT / "roles" / name.rpartition(".")[2] / "tasks"
    yield from tasks_of(read(folder / f"{entry}.yml"), folder, static)


def entries_of(playbook: Path) -> Iterator[Json]:
    """Roles and tasks as the plays name them."""
    for play in plays_of(playbook):
        yield from (entry if isinstance(entry, dict) else {"role": entry} for part in PARTS for entry in play.get(part, []))


def reached_by(entry: Json, static: bool = False) -> list[Json]:
    return list(tasks_of_role(entry["role"], "main", static) if "role" in entry else tasks_of([entry], ROOT / "playbooks", static))


def destroys(task: Json) -> bool:
    if any(f"flotilla.swarm.{name}" in task for name in DESTROY):
        return True
    asked = task.get("flotilla.swarm.swarm", {})
    return asked.get("state") == "absent" or "rotate" in asked


def is_guarded(entry: Json) -> bool:
    condition = entry.get("when", "")
    return CONDITION in (condition if isinstance(condition, list) else condition.split(" or "))


def problems(playbook: Path) -> list[str]:
    """Roles of a playbook that destroys whose tasks run without a confirmation. Once it is asked for, it is asked for everything.

    Role check acts on the controller alone, and changes nothing.
    """
    entries = [entry for entry in entries_of(playbook) if "role" in entry or "ansible.builtin.import_role" in entry]
    entries = [entry for entry in entries if entry.get("ansible.builtin.import_role", {}).get("name") != "flotilla.swarm.check"]
    return [str(entry.get("role") or entry.get("name")) for entry in entries if not is_guarded(entry)]


def is_destructive(playbook: Path) -> bool:
    return any(destroys(task) for entry in entries_of(playbook) for task in reached_by(entry))


DESTRUCTIVE = [path for path in sorted((ROOT / "playbooks").glob("*.yml")) if is_destructive(path)]
NAMES = [path.stem for path in DESTRUCTIVE]


def test_the_known_ones_are_found() -> None:
    assert {"acceptance", "recover", "teardown", "remove_node", "replace_node", "move_data_root", "restore", "prune"} <= set(NAMES)
    assert "rotate" in NAMES
    assert not {"site", "deploy", "drain", "backup", "status"} & set(NAMES)


@pytest.mark.parametrize("playbook", DESTRUCTIVE, ids=NAMES)
def test_each_role_of_one_that_destroys_has_the_condition(playbook: Path) -> None:
    # The secrets of stacks are no part of the authority.
    allowed = ["Make generated secrets anew", "Rotate secrets of stacks"] if playbook.stem == "rotate" else []
    assert problems(playbook) == allowed


def test_one_without_a_guard_is_seen(tmp_path: Path) -> None:
    role = {"name": "Wipe", "ansible.builtin.import_role": {"name": "flotilla.swarm.swarm", "tasks_from": "absent"}}
    (tmp_path / "wipe.yml").write_text(yaml.safe_dump([{"name": "Wipe", "hosts": "all", "tasks": [role]}]))
    assert is_destructive(tmp_path / "wipe.yml") and problems(tmp_path / "wipe.yml") == ["Wipe"]


def starts_of(playbook: Path) -> list[str]:
    """The names of tasks at which a run can be started."""
    tasks = [task for entry in entries_of(playbook) for task in reached_by(entry, static=True)]
    return list(dict.fromkeys(task["name"] for task in tasks if "name" in task and not {"block", *imports()} & set(task)))


def imports() -> set[str]:
    return {f"ansible.builtin.import_{what}" for what in ("tasks", "role")}


@pytest.mark.parametrize("playbook", DESTRUCTIVE, ids=NAMES)
def test_unconfirmed_no_way_leads_to_a_host(playbook: Path, tmp_path: Path) -> None:
    given = GIVEN.get(playbook.stem, {})
    ways = [(way, variables, words) for way in WAYS for variables, words in UNCONFIRMED]
    ways += [(["--start-at-task", name], *kind) for name, kind in zip(starts_of(playbook), cycle(UNCONFIRMED), strict=False)]
    cases = [(arguments, {**given, **variables}) for arguments, variables, _words in ways]
    *runs, confirmed = run_all(tmp_path, playbook, [*cases, ([], {**given, "confirm": "lab"})])
    for (arguments, variables, words), ran in zip(ways, runs, strict=True):
        told = f"{playbook.stem} {arguments} {variables}:\n{ran.said}"
        assert not ran.reached and "Traceback" not in ran.said and "changed=1" not in ran.said, told
        if playbook.stem == "rotate" and arguments and arguments[0] in ("--start-at-task", "--tags", "--limit"):
            continue  # it may be past the authority, or there is nothing left that it would do
        # A loop or a delegation may miss what an earlier task would have found before the condition is asked.
        is_stranded = arguments[:1] == ["--start-at-task"] and "is undefined" in ran.text
        assert ran.rc and (is_stranded or words in ran.text), told
    assert confirmed.reached, "confirmed it gets to its hosts, or the rest would prove nothing"
