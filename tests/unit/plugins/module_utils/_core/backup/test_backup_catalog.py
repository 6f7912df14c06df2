# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.catalog import (
    Item,
    Stored,
    archive_name,
    host_file,
    items_in,
    parse_sums,
    plan_store,
    read_item,
    read_name,
    sum_line,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError

DIGEST, OTHER = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("host", "kind", "name"),
    [
        ("m1", "volume", "grading_database"),
        ("m1", "volume", "a.tar.gz.1"),
        ("10.0.0.5", "path", "/srv/sub missions"),
        ("a/b%2F", "path", "/a.b/c%"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".vault"])
def test_the_name_of_a_part_says_what_it_is_of(host: str, kind: str, name: str, suffix: str) -> None:
    part = f"{host_file(host, archive_name(kind, name))}.00012{suffix}"
    assert part.count("/") == 1
    assert read_item(part) == Item(host, kind, name)


@pytest.mark.parametrize("name", ["swarm.tar.gz", "stacks.tar.gz.vault", "m1/index.json", "m1/image.x.tar.gz.00000", "SHA256SUMS"])
def test_other_files_are_of_no_volume(name: str) -> None:
    assert read_item(name) is None


def test_each_volume_is_named_once() -> None:
    parts = [f"m1/volume.b.tar.gz.0000{number}.vault" for number in range(3)]
    assert [str(item) for item in items_in([*parts, "m1/path.%2Fa.tar.gz.00000", "swarm.tar.gz"])] == ["path /a of m1", "volume b of m1"]


def test_sums_are_read_as_they_are_written_and_the_last_of_a_name_counts() -> None:
    text = sum_line("a b", DIGEST) + "nonsense\n" + sum_line("x", DIGEST) + sum_line("x", OTHER)
    assert parse_sums(text) == {"a b": DIGEST, "x": OTHER}


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("txvxoxwyk7oe-20261122T200000Z", ("txvxoxwyk7oe", "20261122T200000Z")),
        ("txvxoxwyk7oe-20261122T200000Z.tar.gz", None),
        ("precious", None),
        ("../x-20261122T200000Z", None),
    ],
)
def test_only_a_backups_directory_counts_as_one(name: str, seen: tuple[str, str] | None) -> None:
    assert read_name(name) == seen


def stored(day: int, cluster: str = "abc", damaged: bool = False) -> Stored:
    sums = {"swarm.tar.gz": DIGEST}
    return Stored(f"/b/{cluster}-{day}", cluster, f"202601{day:02}T000000Z", sums, {} if damaged else sums, 1)


@pytest.mark.parametrize(
    ("given", "keep", "gone"),
    [
        ([1, 2, 3], 2, ["/b/abc-1"]),
        ([3, 1, 2], 1, ["/b/abc-2", "/b/abc-1"]),
        ([1, 2, 3], 3, []),
        ([1, 2, 3], 4, []),
        ([1, 2, 3], 0, []),
        ([], 1, []),
    ],
)
def test_the_newest_are_kept(given: list[int], keep: int, gone: list[str]) -> None:
    decided = plan_store([stored(day) for day in given], "abcdef", keep)
    assert [change.payload for change in decided.changes] == gone
    assert len(decided.result["backups"]) == len(given) - len(gone)


def test_damaged_backups_do_not_push_out_whole_ones() -> None:
    decided = plan_store([stored(1), stored(2), stored(3, damaged=True), stored(4, damaged=True)], "abc", 2)
    assert decided.changes == ()


def test_backups_of_other_swarms_stay() -> None:
    decided = plan_store([stored(1, "xyz"), stored(2), stored(3)], "abcdef", 1)
    assert [change.payload for change in decided.changes] == ["/b/abc-2"]
    assert plan_store([stored(1), stored(2)], "", 1).changes == ()


@pytest.mark.parametrize(
    ("sums", "found", "faults"),
    [
        ({"a": DIGEST}, {"a": DIGEST}, []),
        ({"a": DIGEST}, {"a": ""}, []),
        ({"a": DIGEST, "b": DIGEST}, {"a": OTHER}, ["b is missing", "a does not match its checksum"]),
        ({}, {}, ["SHA256SUMS is empty"]),
    ],
)
def test_what_is_missing_or_damaged_is_named(sums: dict[str, str], found: dict[str, str], faults: list[str]) -> None:
    one = Stored("/b/abc-1", "abc", "20260131T235959Z", sums, found, 1)
    assert one.faults == faults and one.as_result()["archived_at"] == "2026-01-31T23:59:59Z"


@pytest.mark.parametrize("keep", [-1, -2, -100])
def test_less_than_no_backup_can_not_be_kept(keep: int) -> None:
    """It was counted from the end, and removed what it was to keep."""
    with pytest.raises(PlanError, match="keep is -"):
        plan_store([stored(1), stored(2)], "abcdef", keep)
