# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two operators at once, with every pair of what they may do: each run ends well or names the other, and the swarm is well."""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import Run, finish, until
from tests.scenario.faults import locks, play, see, settle, start, wrongs
from tests.scenario.web import reading

RUNS: dict[str, dict[str, Any]] = {
    "site": {"release": "site of {user}"},
    "deploy": {"release": "deploy of {user}"},
    "update": {"services_names": ["app_slow"], "services_update": {"environment": {"LEVEL": "{user}"}}},
    "drain": {"nodes_target": ["w2"]},
    "upgrade": {},
    "backup": {},
}
MARKS = ("is being deployed by ", "are being changed by ", "something else", "is already being ", "another run")


def begin(name: str, user: str, folder: Path) -> Any:
    given = {key: value.format(user=user) if isinstance(value, str) else value for key, value in RUNS[name].items()}
    if name == "update":
        given["services_update"] = {"environment": {"LEVEL": user}}
    more = {"backup_directory": str(folder / user), "backup_volumes": []} if name == "backup" else {}
    return start(name, user=user, **given, **more)


@pytest.mark.parametrize("pair", combinations_with_replacement(RUNS, 2), ids="-".join)
def test_two_operators(pair: tuple[str, str], tmp_path: Path) -> None:
    if locks(see()) or wrongs(see()):
        settle()
    with reading() as reader:
        processes = [begin(name, user, tmp_path) for name, user in zip(pair, ("ann", "bob"), strict=True)]
        runs: list[Run] = [finish(process) for process in processes]
    for run in runs:
        assert "defect" not in run.out and "Traceback" not in run.out, run.out
        assert run.rc == 0 or any(mark in run.text for mark in MARKS), run.out
    assert any(run.rc == 0 for run in runs), [run.out for run in runs]
    if "drain" in pair:
        play("activate", nodes_target=["w2"])
    until(lambda: not wrongs(see()) and not locks(see()), "the stack well and nothing locked", 120)
    assert reader.failures == [] or "drain" in pair or "upgrade" in pair or "backup" in pair, (reader.failures, reader.requests)
