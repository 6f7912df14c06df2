# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What in an archive may be unpacked below a directory. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

FILE, DIRECTORY, SYMLINK, HARDLINK = "file", "directory", "symbolic link", "hard link"
KINDS = frozenset({FILE, DIRECTORY, SYMLINK, HARDLINK, "character device", "block device", "fifo"})
NAME_BYTES, PART_BYTES = 4096, 255
SPECIAL_BITS = 0o7000  # set-user-id, set-group-id, sticky
LARGEST_ID = 2**32 - 2


@dataclass(frozen=True)
class Member:
    """One entry of an archive. ``size`` is what it takes there in bytes, ``target`` where a link leads.

    ``capable`` says that it has Linux capabilities, which give rights as set-user-id does.
    """

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    target: str = ""
    capable: bool = False


@dataclass(frozen=True)
class Rules:
    """``privileged``: links that lead out, and modes and capabilities that give rights, may come back, for they were there for certain."""

    kinds: t.Collection[str]
    privileged: bool


STATE_RULES = Rules(frozenset({FILE}), privileged=False)
PROVEN_RULES = Rules(KINDS, privileged=True)
UNPROVEN_RULES = Rules(frozenset({FILE, DIRECTORY, SYMLINK, HARDLINK}), privileged=False)


def is_below(name: str) -> bool:
    """Whether a name leads to a place below the directory that it is relative to, whatever that is."""
    parts = name.split("/")
    long = len(_bytes(name)) > NAME_BYTES or any(len(_bytes(part)) > PART_BYTES for part in parts)
    return not long and "\0" not in name and not any(part in ("", ".", "..") for part in parts)


def find_problem(member: Member, rules: Rules, links: t.Collection[str]) -> str:
    """Why a member must not be unpacked; empty if it may be. ``links`` are the symbolic links before it: nothing is written through one."""
    if member.kind not in rules.kinds:
        return f"is a {member.kind}"
    if not is_below(member.name) and (member.name, member.kind) != (".", DIRECTORY):
        return "leads out of the directory"
    if _passes(member.name, links):
        return "lies behind a symbolic link"
    if member.kind == HARDLINK and (not is_below(member.target) or _passes(member.target, links)):
        return f"is a hard link to {member.target!r}, out of the directory"
    if "\0" in member.target or (member.size and member.kind != FILE):
        return f"is an unexpected {member.kind} of {member.size} bytes"
    if not (0 <= member.uid <= LARGEST_ID and 0 <= member.gid <= LARGEST_ID):
        return f"has the owner {member.uid}:{member.gid}"
    if not rules.privileged:
        if member.mode & SPECIAL_BITS or member.capable:
            return f"has special permissions (mode {member.mode:o}{', capabilities' if member.capable else ''})"
        if member.kind == SYMLINK and not _stays(member):
            return f"is a link to {member.target!r}, out of the directory"
    return ""


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _passes(name: str, links: t.Collection[str]) -> bool:
    """Whether a name or one of the directories in it is a link."""
    parts = name.split("/")
    return bool(links) and any("/".join(parts[: count + 1]) in links for count in range(len(parts)))


def _stays(link: Member) -> bool:
    """Whether a link leads below the root: it goes up first, and no further than it is deep, for what comes after may be a link too."""
    parts = link.target.split("/")
    up = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    return bool(link.target) and parts[0] != "" and up <= link.name.count("/") and ".." not in parts[up:]
