# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a compressed tar archive that may be hostile: a member at a time, in bounded memory. Pure: works on an open stream.

It knows the form that our archives have (POSIX.1-2001, as GNU tar and Python write it) and refuses every other, so that no other program
can find something else in an archive than was checked. The reader of the standard library believes what a header says.
"""

from __future__ import annotations

import gzip
import re
import typing as t
import zlib
from dataclasses import dataclass

from ...errors import PlanError
from .tar_members import DIRECTORY, FILE, HARDLINK, SYMLINK, Member, Rules, find_problem, is_below

BLOCK, CHUNK = 512, 2**20
MOST_MEMBERS, MOST_BYTES = 10_000_000, 2**50
MAP_BYTES = 2**24  # of a file with holes: for half a million of them
HEADER_BYTES, MOST_HEADER_BYTES = 2**20, 2**32  # names and extended attributes, of one member and of all
_TYPES = {
    b"0": FILE,
    b"\0": FILE,
    b"1": HARDLINK,
    b"2": SYMLINK,
    b"3": "character device",
    b"4": "block device",
    b"5": DIRECTORY,
    b"6": "fifo",
}
_COUNT = re.compile(rb"[0-9]{1,19}")
_KNOWN = re.compile(
    r"path|linkpath|size|uid|gid|uname|gname|[amc]time|GNU\.sparse\.(major|minor|name|realsize)"
    r"|SCHILY\.(xattr\..+|acl\.(access|default))|RHT\.security\.selinux"
)
_SPARSE_NAME = "GNU.sparse.name"
_CAPABILITY = "SCHILY.xattr.security.capability"


T = t.TypeVar("T")


class _OddError(Exception):
    """What is wrong with an archive."""


@dataclass(frozen=True)
class Limits:
    """How many members an archive may have, and how many bytes these may take."""

    members: int
    size: int


class Counts(t.NamedTuple):
    """What an archive holds."""

    members: int
    size: int


def read_members(stream: t.IO[bytes], name: str, rules: Rules, limits: Limits) -> t.Iterator[tuple[Member, t.Iterator[bytes]]]:
    """Each member with its content, to be taken before the next member, whole or not at all.

    Raises PlanError, which calls the archive ``name``, if it must not be unpacked.
    """
    for member, content in _told(_walk(stream, rules, limits), name):
        yield member, _told(content, name)


def _told(source: t.Iterator[T], name: str) -> t.Iterator[T]:
    """The same, with an error that a user is meant to read."""
    try:
        yield from source
    except _OddError as error:
        raise PlanError(f"{name} is refused: {error}.") from None
    except (EOFError, OSError, zlib.error) as error:
        raise PlanError(f"{name} can't be read as an archive: {error}.") from None


def check_archive(stream: t.IO[bytes], name: str, rules: Rules, limits: Limits) -> Counts:
    """Read an archive to its end. Raises PlanError if it must not be unpacked."""
    members = size = 0
    for member, _content in read_members(stream, name, rules, limits):
        members, size = members + 1, size + member.size
    return Counts(members, size)


def _walk(stream: t.IO[bytes], rules: Rules, limits: Limits) -> t.Iterator[tuple[Member, t.Iterator[bytes]]]:
    links: set[str] = set()
    members = size = headers = 0
    with gzip.GzipFile(fileobj=stream, mode="rb") as source:
        while any(head := _take(source, BLOCK)):
            records: dict[str, str] = {}
            if head[156:157] == b"x":
                length = _number(head, 124, 12)
                headers += length
                if length > HEADER_BYTES or headers > MOST_HEADER_BYTES:
                    raise _OddError(f"a header of it has {length} bytes, and all of them {headers}, more than expected")
                _check(head)
                records = _read_records(_take(source, length + -length % BLOCK)[:length])
                head = _take(source, BLOCK)
            member = _read_member(head, records)
            members, size = members + 1, size + member.size
            problem = find_problem(member, rules, links)
            if problem:
                raise _OddError(f"{member.name!r} {problem}")
            if members > limits.members or size > limits.size:
                raise _OddError(f"it has more than {limits.members} members or {limits.size} bytes")
            if member.kind == SYMLINK:
                links.add(member.name)
            content = _read_content(source, member.size)
            if _SPARSE_NAME in records:
                content = _check_map(content, member)
            yield member, content
            for _chunk in content:
                pass
            _take(source, -member.size % BLOCK)
        if any(source.read(CHUNK)) or source.read(1):
            raise _OddError("something follows its end")


def _take(source: gzip.GzipFile, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise EOFError("it ends too early")
    return data


def _read_content(source: gzip.GzipFile, size: int) -> t.Iterator[bytes]:
    while size:
        chunk = _take(source, min(size, CHUNK))
        size -= len(chunk)
        yield chunk


def _check_map(content: t.Iterator[bytes], member: Member) -> t.Iterator[bytes]:
    """The content of a file with holes. It begins with a map of what lies between these: a count, then offset and size of each, in lines.

    GNU tar unpacks as much as the map says, and would take what comes after for the next member. So the map has to say what there is.
    """
    head = b""
    for chunk in content:
        head += chunk
        count = head.split(b"\n", 1)[0]
        wanted = 2 * int(count) + 1 if _COUNT.fullmatch(count) else 0
        if wanted <= head.count(b"\n") or len(head) > MAP_BYTES:
            break
    lines = head.split(b"\n", wanted)[:-1] if head and wanted <= MAP_BYTES else []
    if not lines or len(lines) != wanted or not all(map(_COUNT.fullmatch, lines)):
        raise _OddError(f"{member.name!r} has no map of its holes")
    length = sum(map(len, lines)) + wanted
    sizes = [size for size in map(int, lines[2::2]) if size]
    if length + -length % BLOCK + sum(sizes) != member.size or any(size % BLOCK for size in sizes[:-1]):
        raise _OddError(f"{member.name!r} has another size than the map of its holes says")
    yield head
    yield from content


def _read_member(head: bytes, records: dict[str, str]) -> Member:
    _check(head)
    kind = _TYPES.get(head[156:157])
    if kind is None or head[257:263] != b"ustar\0":
        raise _OddError(f"a member of it has type {head[156:157]!r}, expected one of POSIX.1-2001")
    name = records.get("path", "/".join(filter(None, (_text(head, 345, 155), _text(head, 0, 100)))))
    if any(key.startswith("GNU.sparse.") for key in records):
        name = _sparse_name(records, kind, name)
    return Member(
        name=_strip(name, kind),
        kind=kind,
        mode=_number(head, 100, 8),
        uid=_record_number(records, "uid", _number(head, 108, 8)),
        gid=_record_number(records, "gid", _number(head, 116, 8)),
        size=_record_number(records, "size", _number(head, 124, 12)),
        target=_target(records.get("linkpath", _text(head, 157, 100)), kind),
        capable=_CAPABILITY in records,
    )


def _sparse_name(records: dict[str, str], kind: str, other: str) -> str:
    """The name of a file with holes. It has another one, for programs that don't know of holes."""
    form = tuple(records.get(f"GNU.sparse.{key}") for key in ("major", "minor"))
    if form != ("1", "0") or kind != FILE or _SPARSE_NAME not in records or "GNU.sparse.realsize" not in records:
        raise _OddError("a file with holes in it is not of form 1.0")
    _record_number(records, "GNU.sparse.realsize", 0)
    return records[_SPARSE_NAME] if is_below(_strip(other, FILE)) else other


def _strip(name: str, kind: str) -> str:
    """A name without what says nothing: ``./`` before it, and ``/`` after that of a directory."""
    if name in (".", "./"):
        return "."
    name = name[2:] if name.startswith("./") else name
    return name[:-1] if name.endswith("/") and kind == DIRECTORY else name


def _target(target: str, kind: str) -> str:
    """Where a link leads; that of a hard link is a name in the archive."""
    return _strip(target, kind) if kind == HARDLINK else target if kind == SYMLINK else ""


def _check(head: bytes) -> None:
    if sum(head[:148]) + sum(head[156:]) + 8 * ord(" ") != _number(head, 148, 8):
        raise _OddError("a header of it does not match its checksum")


def _text(head: bytes, start: int, length: int) -> str:
    return head[start : start + length].split(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(head: bytes, start: int, length: int) -> int:
    text = head[start : start + length]
    digits = text.rstrip(b"\0 ")
    if not re.fullmatch(rb"[0-7]+", digits):  # with anything before the digits another program may end there, and find 0
        raise _OddError(f"a header of it has {text!r} for a number")
    return int(digits, 8)


def _record_number(records: dict[str, str], key: str, default: int) -> int:
    text = records.get(key, str(default))
    if not re.fullmatch(r"[0-9]{1,19}", text):
        raise _OddError(f"a header of it has {text[:40]!r} as {key}")
    return int(text)


def _read_records(data: bytes) -> dict[str, str]:
    """The records of an extended header, each ``LENGTH KEY=VALUE`` and a line's end."""
    records: dict[str, str] = {}
    start = 0
    while start < len(data):
        space = data.find(b" ", start, start + 8)
        digits = data[start:space] if space > 0 else b""
        end = start + int(digits) if re.fullmatch(rb"[0-9]+", digits) else 0
        key, equals, value = data[space + 1 : end - 1].decode("utf-8", "surrogateescape").partition("=")
        if not space < end <= len(data) or data[end - 1 : end] != b"\n" or not equals or key in records or not _KNOWN.fullmatch(key):
            raise _OddError(f"a header of it has the record {data[start : start + 40]!r}, which is not expected")
        records[key], start = value, end
    return records
