# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.flotilla.swarm.plugins.filter.mounts import nfs_mounts, sshfs_mounts

PLACE = {"path": "/mnt/a", "server": "10.0.0.1", "export": "/srv/a"}


def test_nfs() -> None:
    common = {"version": "4.2", "automount": True}
    entry = {**common, "path": "/mnt/a", "source": "10.0.0.1:/srv/a", "preset": "data", "options": []}
    own = {"preset": "models", "options": ["ro"]}
    assert nfs_mounts([PLACE, {**PLACE, **own}, {**PLACE, "server": "fd00::1"}], common) == [
        entry,
        {**entry, **own},
        {**entry, "source": "[fd00::1]:/srv/a"},
    ]


def test_sshfs() -> None:
    entry = {"timeout": 30, "path": "/mnt/a", "type": "fuse.sshfs"}
    mounts: list[dict[str, Any]] = [PLACE, {**PLACE, "server": "fd00::1", "user": "media", "port": 2222}]
    assert sshfs_mounts(mounts, {"timeout": 30}, ["reconnect"], ["BatchMode=yes"]) == [
        {**entry, "source": "root@10.0.0.1:/srv/a", "options": ["reconnect", "port=22", "BatchMode=yes"]},
        {**entry, "source": "media@[fd00::1]:/srv/a", "options": ["reconnect", "port=2222", "BatchMode=yes"]},
    ]
