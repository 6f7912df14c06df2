# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives as somebody makes them who means harm: an assembler that believes what it's told, and changes to what it assembled."""

from __future__ import annotations

import gzip
import typing as t
from dataclasses import dataclass, field, replace
from random import Random

BLOCK = 512
TYPES = [bytes([code]) for code in b"1234567SLKDVMgxX\0\xff"]
SIZES = [
    b"77777777777\0",
    b"\xff" * 12,
    b"\x80" + bytes(10) + b"\x05",
    b"00000000001\0",
    b"-0000000001\0",
    b" " * 12,
    b"8\0" * 6,
    b" \0" + b"0000001000",
]
# Of extended headers. NAME is any bad name.
RECORDS: list[dict[str, str]] = [
    {"path": "NAME"},
    {"linkpath": "NAME"},
    *({"size": size} for size in ("0", "9" * 20, "-1", "1", "1e9", "", "9" * 11)),
    {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "NAME", "GNU.sparse.realsize": "1"},
    {"GNU.sparse.map": "0,99999999999"},
    {"uid": "-1"},
    {"gid": "4294967295"},
    {"SCHILY.xattr.security.capability": "x"},
    {"hdrcharset": "BINARY"},
    {"path": "ok", "unknown.key": "1"},
    {f"key{number}": "x" for number in range(50)},
    {"comment": "x" * 2**21},
]


@dataclass(frozen=True)
class Entry:
    """``size`` is what the header says where it is not that of ``data``; ``pax`` becomes an extended header."""

    name: str
    data: bytes = b""
    kind: bytes = b"0"
    mode: int = 0o600
    owner: int = 0
    target: str = ""
    size: bytes = b""
    pax: t.Mapping[str, str] = field(default_factory=dict)


def assemble(entries: t.Iterable[Entry]) -> bytes:
    return b"".join(_entry(entry) for entry in entries) + bytes(2 * BLOCK)


def _entry(entry: Entry) -> bytes:
    found = b""
    if entry.pax:
        records = b"".join(_record(key, value) for key, value in entry.pax.items())
        found = _header(Entry("PaxHeaders/x", kind=b"x"), len(records)) + _padded(records)
    return found + _header(entry, len(entry.data)) + _padded(entry.data)


def _record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode("utf-8", "surrogateescape")
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def _header(entry: Entry, size: int) -> bytes:
    name, target = (text.encode("utf-8", "surrogateescape")[:100].ljust(100, b"\0") for text in (entry.name, entry.target))
    numbers = b"%07o\0%07o\0%07o\0" % (entry.mode, entry.owner, entry.owner) + (entry.size or b"%011o\0" % size) + b"%011o\0" % 0
    head = name + numbers + b" " * 8 + entry.kind + target + b"ustar\00000"
    return fix_sum(head.ljust(BLOCK, b"\0"))


def fix_sum(head: bytes) -> bytes:
    return head[:148] + b"%06o\0 " % (sum(head[:148]) + sum(head[156:]) + 8 * 32) + head[156:]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def bad_names(outside: str) -> list[str]:
    up = ["../x", "a/../../x", "..", ".", "", "./", "a//b", "a/./b", "a/.."]
    away = [f"{outside}/x", f"/{outside}/x", f"a/{outside}/x", f"../{outside}", "../../outside/canary"]
    return [*up, *away, "a\0b", "x" * 300, "a/" * 2500 + "a", "link/x", "key", "key/below", "new\nline", "\udcff", "~/x", "C:\\x", "dir/"]


def change_entries(entries: list[Entry], random: Random, outside: str) -> list[Entry]:
    """One or more entries are no longer what they were."""
    made = list(entries)
    for _turn in range(random.choice((1, 1, 2, 3))):
        if made:
            at = random.randrange(len(made))
            made[at : at + 1] = _changed(made[at], random, outside)
    return made


def _changed(entry: Entry, random: Random, outside: str) -> list[Entry]:
    """What stands in the place of an entry."""
    name, record = random.choice(bad_names(outside)), random.choice(RECORDS)
    pax = {key: name if value == "NAME" else value for key, value in record.items()}
    kind, empty = random.choice(TYPES), replace(entry, data=b"", target=name)
    link = Entry("link", kind=b"2", target=random.choice([outside, "..", "../..", "/", "sub", "sub/../..", ".", name]))
    return random.choice(
        [
            [replace(entry, name=name)],
            [replace(entry, name=f"swarm/{name}")],
            [replace(entry, kind=kind, target=name)],
            [replace(empty, kind=kind)],
            [replace(entry, mode=random.choice([0o4755, 0o2755, 0o1777, 0o7777, 0o600]))],
            [replace(entry, size=random.choice(SIZES))],
            [replace(entry, pax=pax)],
            [entry, entry],
            [],
            [replace(entry, data=entry.data + b"x")],
            [link, replace(entry, name=f"link/{entry.name}"), entry],
            [entry, replace(empty, kind=b"1")],
            [Entry(entry.name, kind=b"2", target=outside), entry],
            [Entry(entry.name, kind=b"5"), entry],
        ]
    )


def change_bytes(tar: bytes, random: Random) -> bytes:
    """Some bytes differ, and the header that they are in may have the right sum nevertheless."""
    made = bytearray(tar)
    for _turn in range(random.choice((1, 2, 5))):
        at = random.randrange(len(made))
        made[at] = random.randrange(256)
        start = at - at % BLOCK
        if random.random() < 0.7 and made[start + 257 : start + 262] == b"ustar":
            made[start : start + BLOCK] = fix_sum(bytes(made[start : start + BLOCK]))
    return bytes(made)


def pack(tar: bytes, random: Random) -> bytes:
    """Compressed, and that may be damaged, cut short, or go on."""
    data = gzip.compress(tar, 1)
    turn = random.random()
    if turn < 0.04:
        at = random.randrange(len(data))
        return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
    if turn < 0.07:
        return data[: random.randrange(len(data))]
    if turn < 0.09:
        return data + random.choice([b"x", data, gzip.compress(bytes(2**21)), bytes(100)])
    return data
