# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

from ansible_collections.flotilla.swarm.plugins.modules import path_info
from module_runner import run_module_main


def test_present_and_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    paths = [str(tmp_path / name) for name in ("missing", "file", "link", "file")] + ["/"]
    result = run_module_main(path_info.main, {"paths": paths}, check=True)
    assert result["present"] == [str(tmp_path / "file"), "/"]
    assert result["missing"] == [str(tmp_path / "missing"), str(tmp_path / "link")]
    assert not result["changed"]


def test_relative_paths_are_refused() -> None:
    result = run_module_main(path_info.main, {"paths": ["/etc", "data", "./x"]})
    assert result["msg"] == "paths: data, ./x must be absolute, such as /srv/data."
