# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which member may be unpacked, and how far an archive is read that has no end."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.tar_members import (
    PROVEN_RULES,
    STATE_RULES,
    UNPROVEN_RULES,
    Member,
    Rules,
    find_problem,
    is_below,
)
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.tar_reader import Counts, Limits, check_archive
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from hostile_archive import Entry, assemble

FILE = Member("a/b", "file", 0o644, 0, 0, 5)
LINK = Member("a/b", "symbolic link", 0o777, 0, 0, 0, target="c")
HARD = replace(LINK, kind="hard link")


@pytest.mark.parametrize("name", ["a", "a/b", "..a/b..", "a b", "-x", "~", "x" * 255, "new\nline", "\udcff"])
def test_a_name_is_below_its_directory(name: str) -> None:
    assert is_below(name)


@pytest.mark.parametrize(
    "name",
    ["", "/", "/etc/x", "//x", ".", "..", "../x", "a/..", "a/../b", "a//b", "a/", "a/./b", "a\0", "x" * 256, "a/" * 2100 + "a"],
)
def test_a_name_leads_elsewhere(name: str) -> None:
    assert not is_below(name)


@pytest.mark.parametrize(
    ("member", "rules"),
    [
        (FILE, STATE_RULES),
        (FILE, UNPROVEN_RULES),
        (replace(FILE, mode=0o4755, capable=True, uid=2**32 - 2), PROVEN_RULES),
        (Member(".", "directory", 0o755, 0, 0, 0), UNPROVEN_RULES),
        (LINK, UNPROVEN_RULES),
        (replace(LINK, target="../c/d"), UNPROVEN_RULES),
        (replace(LINK, target="/nowhere"), PROVEN_RULES),
        (HARD, UNPROVEN_RULES),
        (replace(LINK, kind="character device"), PROVEN_RULES),
    ],
)
def test_what_may_be_unpacked(member: Member, rules: Rules) -> None:
    assert find_problem(member, rules, {"link"}) == ""


@pytest.mark.parametrize(
    ("member", "rules", "words"),
    [
        (replace(FILE, name="/etc/x"), PROVEN_RULES, "leads out"),
        (replace(FILE, name="."), PROVEN_RULES, "leads out"),
        (replace(FILE, name="link/x"), PROVEN_RULES, "behind a symbolic link"),
        (replace(FILE, name="link"), PROVEN_RULES, "behind a symbolic link"),
        (replace(FILE, uid=2**32 - 1), PROVEN_RULES, "owner 4294967295:0"),
        (replace(FILE, mode=0o4755), UNPROVEN_RULES, "mode 4755"),
        (replace(FILE, mode=0o1644), STATE_RULES, "mode 1644"),
        (replace(FILE, capable=True), UNPROVEN_RULES, "capabilities"),
        (replace(FILE, kind="fifo"), PROVEN_RULES, "is an unexpected fifo of 5 bytes"),
        (LINK, STATE_RULES, "is a symbolic link"),
        (HARD, STATE_RULES, "is a hard link"),
        (replace(LINK, kind="block device"), UNPROVEN_RULES, "is a block device"),
        (replace(LINK, target="/etc"), UNPROVEN_RULES, "out of the directory"),
        (replace(LINK, target="../../etc"), UNPROVEN_RULES, "out of the directory"),
        (replace(LINK, target="c/../../.."), UNPROVEN_RULES, "out of the directory"),
        (replace(LINK, target=""), UNPROVEN_RULES, "out of the directory"),
        (replace(HARD, target="/etc/shadow"), PROVEN_RULES, "out of the directory"),
        (replace(HARD, target="../x"), PROVEN_RULES, "out of the directory"),
        (replace(HARD, target="link/shadow"), PROVEN_RULES, "out of the directory"),
    ],
)
def test_what_must_not_be_unpacked(member: Member, rules: Rules, words: str) -> None:
    assert words in find_problem(member, rules, {"link"})


class Bomb(io.RawIOBase):
    """A compressed stream of zeros after its head that never ends."""

    def __init__(self, head: bytes) -> None:
        self._left = gzip.compress(head)
        self._more = gzip.compress(bytes(2**22))
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        self._left = self._left or self._more
        data, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(data)] = data
        self.taken += len(data)
        return len(data)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        assemble([Entry("a", size=b"77777777777\0")])[:512],
        assemble([Entry("a", kind=b"x", size=b"77777777777\0")])[:512],
        assemble([Entry("a")]),
    ],
    ids=["zeros alone", "a file of 8 GiB", "a header of 8 GiB", "zeros after the end"],
)
def test_a_bomb_is_read_no_further_than_it_must(head: bytes) -> None:
    bomb = Bomb(head)
    tracemalloc.start()
    with pytest.raises(PlanError, match="is refused|can't be read"):
        check_archive(io.BufferedReader(bomb), "bomb", PROVEN_RULES, Limits(10, 2**20))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bomb.taken < 2**17 and peak < 2**24


def test_counts_are_held() -> None:
    data = gzip.compress(assemble([Entry("a", b"12345"), Entry("b", b"678")]))
    assert check_archive(io.BytesIO(data), "x", PROVEN_RULES, Limits(2, 8)) == Counts(2, 8)
    for limits in (Limits(1, 8), Limits(2, 7)):
        with pytest.raises(PlanError, match="it has more than"):
            check_archive(io.BytesIO(data), "x", PROVEN_RULES, limits)


SMUGGLED = assemble([Entry("evil", b"evil", mode=0o4755)])[:1024]
"""What another program finds where it believes that a member before it is shorter, or longer, than was checked."""


@pytest.mark.parametrize("before", [b" \0", b"\0 ", b"\0", b" "])
def test_a_number_with_something_before_it_is_refused(before: bytes) -> None:
    """GNU tar ends at the NUL after a blank and finds 0, so that it would unpack what stands in the file."""
    size = b"%s%0*o\0" % (before, 11 - len(before), len(SMUGGLED))
    with pytest.raises(PlanError, match="for a number"):
        check(assemble([Entry("innocent", SMUGGLED, size=size)]))


def sparse(holes: bytes, data: bytes = b"") -> Entry:
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a", "GNU.sparse.realsize": "1024"}
    return Entry("GNUSparseFile.0/a", holes.ljust(512, b"\0") + data, pax=pax)


@pytest.mark.parametrize(
    "holes", [b"", b"1\n", b"1\n0\n", b"1\n0\n1024\n", b"2\n0\n512\n512\n512\n", b"1\n0\n-512\n", b"x\n", b"9" * 19 + b"\n", b"\n0\n0\n"]
)
def test_a_map_of_holes_that_says_more_than_there_is_is_refused(holes: bytes) -> None:
    """GNU tar would take the next header for data, and find members in what it holds."""
    with pytest.raises(PlanError, match="map of its holes"):
        check(assemble([sparse(holes), Entry("innocent", bytes(512) + SMUGGLED)]))


def test_data_between_holes_has_whole_blocks_before_the_last() -> None:
    with pytest.raises(PlanError, match="map of its holes"):
        check(assemble([sparse(b"2\n0\n100\n512\n412\n", bytes(512))]))


@pytest.mark.parametrize(
    ("holes", "data"), [(b"1\n1024\n0\n", b""), (b"2\n0\n512\n900\n100\n", bytes(612)), (b"2\n512\n100\n612\n0\n", bytes(100))]
)
def test_a_file_with_holes_is_read(holes: bytes, data: bytes) -> None:
    assert check(assemble([sparse(holes, data), Entry("b", b"x")])).members == 2


def check(tar: bytes) -> Counts:
    return check_archive(io.BytesIO(gzip.compress(tar)), "x.tar.gz", UNPROVEN_RULES, Limits(100, 2**20))
