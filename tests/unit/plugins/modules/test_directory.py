# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import directory
from module_runner import run_module_main


def run(*directories: dict[str, t.Any], check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return run_module_main(directory.main, {"directories": list(directories), **options}, check=check)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_they_are_made_and_then_left_alone(tmp_path: Path) -> None:
    wanted = [{"path": str(tmp_path / "a/b"), "mode": "2770"}, {"path": str(tmp_path / "c"), "owner": str(os.getuid())}]
    previous = os.umask(0o077)
    try:
        result = run(*wanted)
    finally:
        os.umask(previous)
    assert result["changed"]
    assert (mode(tmp_path / "a/b"), mode(tmp_path / "c")) == (0o2770, 0o755)
    assert not run(*wanted)["changed"]


def test_the_mode_is_mended(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)
    result = run({"path": str(tmp_path), "mode": "0750"})
    assert [field["path"] for change in result["plan"] for field in change["fields"]] == ["mode"]
    assert mode(tmp_path) == 0o750


def test_check_mode_makes_nothing(tmp_path: Path) -> None:
    assert run({"path": str(tmp_path / "a")}, check=True)["changed"]
    assert not (tmp_path / "a").exists()


def test_labels_choose(tmp_path: Path) -> None:
    chosen, other = {"path": str(tmp_path / "a"), "labels": {"db": True}}, {"path": str(tmp_path / "b"), "labels": {"gpu": True}}
    run(chosen, other, labels={"db": "true"})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run({"path": str(tmp_path / "a")}, {"path": str(tmp_path / "file")})
    assert result["msg"] == (
        f"{tmp_path / 'file'} exists and is not a directory. Move it away, or choose another path. Nothing was changed."
    )
    assert not (tmp_path / "a").exists()


def test_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run({"path": str(tmp_path / "file/a")})
    assert result["msg"].startswith(f"{tmp_path / 'file/a'}: a part of it is not a directory.")


@pytest.mark.parametrize(("key", "what"), [("owner", "user"), ("group", "group")])
def test_an_unknown_owner_is_refused(tmp_path: Path, key: str, what: str) -> None:
    result = run({"path": str(tmp_path / "a"), key: "nobody-here"})
    assert result["msg"] == (
        f"this host has no {what} nobody-here. Create it first, or give the number of the {what} in the image. Nothing was changed."
    )
