# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import metrics_file
from module_runner import run_module_main

METRIC = {"name": "flotilla_drift_changes", "value": 2, "labels": {"swarm": 'a"b\\c'}, "help": "Changes\nthat site.yml would make."}
TEXT = """# HELP flotilla_drift_changes Changes that site.yml would make.
# TYPE flotilla_drift_changes gauge
flotilla_drift_changes{swarm="a\\"b\\\\c"} 2.0
"""


def run(directory: Path, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return run_module_main(metrics_file.main, {"name": "drift", "metrics": [METRIC], "directory": str(directory), **options}, check=check)


def test_the_file_is_written_and_then_left_alone(tmp_path: Path) -> None:
    assert run(tmp_path)["changed"]
    (file,) = tmp_path.iterdir()
    assert (file.name, file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("drift.prom", TEXT, 0o644)
    assert not run(tmp_path)["changed"]
    assert run(tmp_path, metrics=[{**METRIC, "value": 0}])["changed"]
    assert list(tmp_path.iterdir()) == [file]


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, check=True)["changed"]
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_nobody_monitors_is_left_alone(tmp_path: Path) -> None:
    assert not run(tmp_path / "absent")["changed"]
    assert list(tmp_path.iterdir()) == []


def test_samples_of_one_name_stand_together(tmp_path: Path) -> None:
    names = ["a", "b", "a"]
    run(tmp_path, metrics=[{"name": name, "value": number} for number, name in enumerate(names)])
    lines = (tmp_path / "drift.prom").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["a{} 0.0", "a{} 2.0", "b{} 1.0"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "../drift"}, "name is '../drift', expected letters, digits, _ and -."),
        ({"metrics": [{"name": "a-b", "value": 1}]}, "'a-b' can't be the name of a metric or a label."),
        ({"metrics": [{"name": "a", "value": 1, "labels": {"a b": 1}}]}, "'a b' can't be the name of a metric or a label."),
    ],
)
def test_what_nobody_could_read_is_refused(tmp_path: Path, options: dict[str, t.Any], words: str) -> None:
    assert run(tmp_path, **options)["msg"].startswith(words)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "drift.prom").mkdir()
    assert "Is a directory" in run(tmp_path)["msg"]
