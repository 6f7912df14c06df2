# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No value that may be a credential is shown, kept or logged, whichever option of whichever module it is given in."""

from __future__ import annotations

import importlib
import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule
from module_runner import run_module_main
from planted import REASONS, Planted, argument_specs, text_options
from planted_run import Run
from planted_world import Target

SPECS = argument_specs()
OPTIONS = sorted({option for module, specs in SPECS.items() for option in text_options(specs, module)})
HIDDEN_OPTIONS = [option for option in OPTIONS if option not in REASONS]
# Where a value has to be, for what reads it looks there. Only its owner, or its group, may read it.
KEPT = {"etc/daemon.json": "daemon_config."}
# The words of a metric's command are for the command, which every user of the host sees run.
SEEN_RUNNING = "autoscale.rules.metric.command"


# Modules go through the connection's standard input, or as files, which cost a minute more (make unit-thorough).
PIPELINING = [True, False] if os.environ.get("FLOTILLA_PLANTED") else [True]


@pytest.fixture(scope="module", params=PIPELINING)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("planted"), request.param)


def test_the_list_of_public_options_names_no_other() -> None:
    assert sorted(REASONS) == [option for option in OPTIONS if option in REASONS]


def test_every_option_that_may_hold_a_credential_is_planted(run: Run) -> None:
    """A new option is, unless it needs an option around it: then a task in planted_world.py has to give that."""
    places = {place.split(":")[0].split("[")[0] for place in run.planted.where.values()}
    assert [option for option in HIDDEN_OPTIONS if option not in places and not option.startswith("data_restore.")] == []


def test_every_task_did_its_work(run: Run) -> None:
    """A task that fails at once would show nothing and prove nothing."""
    assert run.failed() == run.expected_failures()


def test_nothing_that_was_planted_is_found(run: Run) -> None:
    leaks = {place: sorted(leak for leak in found if not has_to_be(leak, place)) for place, found in run.leaks.items()}
    assert {place: found for place, found in leaks.items() if found} == {}


def has_to_be(leak: str, place: str) -> bool:
    return leak.startswith(KEPT.get(place, "-")) or (place == "processes" and leak.startswith(SEEN_RUNNING))


def test_the_search_sees_everything(run: Run) -> None:
    """The log, the journal, the cache of facts and the plan were written, and what a module prints was told, as SSH tells it."""
    names = {str(path.relative_to(run.target.work)) for path in run.target.work.rglob("*")}
    assert {"log", "journal", "plan.json", "facts/s1_localhost", "record"} <= names
    assert "Invoked with" in (run.target.work / "journal").read_text() and "<told> (0, " in run.output
    assert run.planted.found_in("-".join(run.planted.where)) == set(run.planted.where.values())


def test_an_archive_is_not_told(run: Run) -> None:
    """It comes in base64, in which gzip begins so."""
    assert (run.target.work / "brought").exists() and "H4sI" not in run.output


def test_files_that_keep_a_value_are_closed(run: Run) -> None:
    kept = [run.target.work / place for place in run.leaks if place in KEPT]
    assert len(kept) == len(KEPT) and all(path.stat().st_mode & 0o077 == 0 for path in kept)


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Target]:
    made = Target(tmp_path)
    monkeypatch.setenv("PATH", f"{made.given / 'bin'}:{os.environ['PATH']}")
    yield made
    made.close()


@pytest.mark.parametrize("option", HIDDEN_OPTIONS)
def test_a_value_of_the_wrong_type_is_not_repeated(option: str, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """In what Ansible and the module say of it, and in the log of the host."""
    logged: list[str] = []
    monkeypatch.setattr(AnsibleModule, "_log_to_syslog", lambda _module, text: logged.append(text))
    module, *path = option.split(".")
    main = importlib.import_module(f"ansible_collections.flotilla.swarm.plugins.modules.{module}").main
    planted = Planted()
    for task in target.tasks():
        if task.module != module:
            continue
        reached = {"docker_host": target.docker_host(task.engine)} if task.engine else {}
        options = {**planted.fill(SPECS[module], task.options, module), **reached}
        for value in planted.misshapen(option):
            result = run_module_main(main, replaced(options, path, value), check=True, diff=True)
            found = planted.found_in(json.dumps(result)) | planted.found_in("\n".join(logged))
            assert sorted(place for place in found if place.startswith(option)) == [], (value, result)


def replaced(options: t.Any, path: list[str], value: t.Any) -> t.Any:
    """The options with one of them replaced, in each item of a list."""
    if isinstance(options, list):
        return [replaced(item, path, value) for item in options]
    if len(path) > 1:
        return {**options, path[0]: replaced(options[path[0]], path[1:], value)} if path[0] in options else options
    return {**options, path[0]: value}
