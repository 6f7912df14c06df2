# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are links: what is written goes where they lead, and they stay. And the room on a disk."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.host import Host
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError


class Module:
    def backup_local(self, path: str) -> str:
        return str(shutil.copy2(path, f"{path}.backup")) if Path(path).exists() else ""


HOST = Host(t.cast("t.Any", Module()))


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """``etc/daemon.json`` leads to ``there/file``, by way of another link."""
    for name in ("etc", "there"):
        (tmp_path / name).mkdir()
    (tmp_path / "there/file").write_text("old")
    (tmp_path / "there/file").chmod(0o640)
    (tmp_path / "there/current").symlink_to("file")
    (tmp_path / "etc/daemon.json").symlink_to("../there/current")
    return tmp_path / "etc/daemon.json"


def test_a_link_stays_and_its_target_is_replaced(link: Path) -> None:
    target, former = link.resolve(), link.stat().st_ino
    backup = HOST.write(str(link), "new")
    assert link.is_symlink() and link.resolve() == target and target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640 and target.stat().st_ino != former
    assert backup == f"{target}.backup" and [each.name for each in link.parent.iterdir()] == ["daemon.json"]
    HOST.restore(str(link), backup)
    assert link.is_symlink() and target.read_text() == "old" and not Path(backup).exists()


def test_what_is_refused_leaves_nothing_beside_the_target(link: Path) -> None:
    def refuse(path: str) -> None:
        assert Path(path).parent == link.resolve().parent
        raise FlotillaError("no")

    with pytest.raises(FlotillaError, match="no"):
        HOST.write(str(link), "new", validate=refuse)
    assert sorted(each.name for each in link.resolve().parent.iterdir()) == ["current", "file"] and link.read_text() == "old"


def test_a_link_to_nothing_leads_there_and_to_nothing_again(link: Path) -> None:
    link.resolve().unlink()
    assert HOST.write(str(link), "new") is None and link.is_symlink() and link.read_text() == "new"
    HOST.restore(str(link), None)
    assert link.is_symlink() and not link.exists()


def test_a_link_that_goes_takes_no_file_with_it(link: Path) -> None:
    target = link.resolve()
    assert HOST.remove(str(link)) and not link.is_symlink() and target.read_text() == "old"
    HOST.put(str(target.parent / "current"), None)
    assert not (target.parent / "current").is_symlink() and target.exists()


def test_a_masked_unit_is_no_way_to_a_device(tmp_path: Path) -> None:
    unit, device = tmp_path / "x.service", tmp_path / "null"
    device.mkdir(mode=0o777)
    unit.symlink_to(device)
    assert HOST.write(str(unit), "[Unit]") is None
    assert not unit.is_symlink() and unit.stat().st_mode & 0o777 == 0o644 and device.is_dir()


def test_the_room_where_a_relative_path_is_not_yet() -> None:
    free, total, inodes = HOST.space("nowhere/at/all")
    assert 0 < free <= total and (inodes is None or 0 <= inodes <= 100)
