# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.member import Member
from ansible_collections.flotilla.swarm.plugins.module_utils._io.recorder import Recorder, record

MOUNTINFO = """\
30 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
40 30 0:50 / /mnt/media rw,relatime - nfs4 storage:/media rw,hard
41 30 0:51 / /mnt/lazy rw,relatime - autofs systemd-1 rw,fd=1
"""


class Host:
    """Notes which directories are looked into."""

    def __init__(self) -> None:
        self.listed: list[str] = []

    def read(self, path: str) -> str | None:
        return MOUNTINFO if path == "/proc/self/mountinfo" else None

    def exists(self, path: str) -> bool:
        return True

    def list_dir(self, path: str) -> list[str]:
        self.listed.append(path)
        return []

    def units(self, names: t.Collection[str]) -> dict[str, t.Any]:
        return {}

    packages = groups_of = units

    def stat(self, path: str) -> dict[str, t.Any]:
        return {"kind": "directory"}


@pytest.mark.parametrize(("path", "looked"), [("/srv/plain", True), ("/mnt/media", False), ("/mnt/lazy", False)])
def test_what_is_mounted_is_not_looked_into(path: str, looked: bool) -> None:
    """A server that is off would let the whole run wait."""
    host = Host()
    params = {"record": [], "users": [], "advertise_addr": "", "data_path_addr": "", "directories": [path], "paths": []}
    answers = record(Recorder(t.cast(t.Any, host)), Member(None, "none", True, False), params, "/var/lib/docker")["host"]
    assert (path in host.listed) is looked and (path in answers["exists"]) is looked


@pytest.mark.parametrize(
    ("path", "there", "looked"),
    [("/srv/plain", True, True), ("/mnt/media", True, False), ("/mnt/lazy", True, False), ("/mnt/media/below", False, False)],
)
def test_what_others_serve_is_there_without_a_look(path: str, there: bool, looked: bool) -> None:
    params = {"record": [], "users": [], "advertise_addr": "", "data_path_addr": "", "directories": [], "paths": [path]}
    answers = record(Recorder(t.cast(t.Any, Host())), Member(None, "none", True, False), params, "/var/lib/docker")["host"]
    assert answers["exists"].get(path, False) is there and (path in answers["stat"]) is looked
