# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host and a backup say of themselves, and that none of it names a file elsewhere."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.index import read_index, read_made, write_index
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError, PlanError

VOLUME = {"kind": "volume", "name": "db", "labels": {"a": "b"}, "members": 2, "bytes": 7}
PATH = {"kind": "path", "name": "/srv/x", "labels": {}, "members": 2, "bytes": 7}
PARTS = ["m1/volume.db.tar.gz.00000", "m1/volume.db.tar.gz.00001"]
SUM = "0" * 64
OF_ANOTHER = json.dumps({"format": 1, "host": "m2", "archives": []})


def test_an_index_comes_back() -> None:
    archives = [{**VOLUME, "parts": PARTS}, {**PATH, "parts": ["m1/path.%2Fsrv%2Fx.tar.gz.00000"]}]
    assert read_index(write_index("m1", archives), "m1") == archives


@pytest.mark.parametrize(
    "change",
    [
        {"parts": ["../../../../etc/shadow"]},
        {"parts": ["/etc/shadow"]},
        {"parts": ["m2/volume.db.tar.gz.00000"]},
        {"parts": PARTS[1:]},
        {"parts": [*PARTS, PARTS[0]]},
        {"parts": []},
        {"parts": {}},
        {"parts": [1]},
        {"name": "../../etc"},
        {"name": 3},
        {"name": ""},
        {"kind": "path"},
        {"kind": "path", "name": "/srv/../etc"},
        {"kind": "path", "name": "/"},
        {"kind": ["volume"]},
        {"labels": [1]},
        {"labels": {"a": {}}},
        {"members": -1},
        {"bytes": "7"},
    ],
)
def test_an_index_that_names_something_else_is_refused(change: dict[str, t.Any]) -> None:
    with pytest.raises(PlanError, match="the index of m1 in the backup is not one"):
        read_index(write_index("m1", [{**VOLUME, "parts": PARTS, **change}]), "m1")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "[" * 100_000, "{}", OF_ANOTHER, OF_ANOTHER.replace("1", "2").replace("m2", "m1")],
)
def test_what_is_no_index_of_the_host_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="is not one that data_backup wrote"):
        read_index(text.encode(), "m1")


def made(name: str = "/a/volume.db.tar.gz.00000", **change: t.Any) -> list[dict[str, t.Any]]:
    return [{**VOLUME, "directory": "/x", "parts": [{"path": name, "sha256": SUM}], **change}]


def test_what_a_host_was_asked_for_is_kept() -> None:
    (archive,) = read_made(made(), ["d*"], [])
    assert archive == {**VOLUME, "parts": [{"path": "/a/volume.db.tar.gz.00000", "sha256": SUM}]}


@pytest.mark.parametrize(
    "archives",
    [
        None,
        [None],
        made("/a/.."),
        made("/a/x\n" + SUM + "  swarm.tar.gz"),
        made("/a/index.json"),
        made(name="/a/volume.db.tar.gz.00001"),
        made(parts=[{"path": "/a/volume.db.tar.gz.00000", "sha256": "x"}]),
        made(parts=[{"path": 1, "sha256": SUM}]),
        [{**VOLUME, "name": "other", "parts": [{"path": "/a/volume.other.tar.gz.00000", "sha256": SUM}]}],
        [{**PATH, "name": "/root/.ssh", "parts": [{"path": "/a/path.%2Froot%2F.ssh.tar.gz.00000", "sha256": SUM}]}],
    ],
)
def test_what_a_host_was_not_asked_for_is_refused(archives: t.Any) -> None:
    with pytest.raises(FlotillaError, match="unexpected form|was not requested"):
        read_made(archives, ["db"], ["/srv/x"])
