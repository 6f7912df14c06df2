# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving the engine's data to another directory: what is refused, and whether the copy is one. Pure."""

from __future__ import annotations

import posixpath
import typing as t
from dataclasses import dataclass

from ...errors import PlanError

# Room that the copy leaves, and file systems on which an engine can't keep its data.
SPARE_BYTES = 512 * 2**20
_UNFIT = ("nfs", "nfs4", "cifs", "smb3", "tmpfs", "ramfs", "overlay", "vfat", "exfat", "fuse")


@dataclass(frozen=True)
class Place:
    """The directory to move to: the names in it, its file system, and the free bytes there."""

    names: tuple[str, ...]
    filesystem: str
    free: int


@dataclass(frozen=True)
class Entry:
    """One file as far as a copy has to be like it. ``extra`` is the target of a link, the number of a device, or the size of a file."""

    kind: str
    mode: int
    owner: tuple[int, int]
    extra: str
    links: int
    attributes: tuple[tuple[str, bytes], ...] = ()


def refuse(former: str, wanted: str, place: Place, used: int) -> None:
    """Raise PlanError where data of ``used`` bytes can't go from one absolute path to another."""
    problems = []
    if not wanted.startswith("/") or posixpath.normpath(wanted) != wanted or wanted == "/":
        problems.append(f"{wanted!r} is not an absolute path without '..' and a final slash")
    elif _inside(wanted, former) or _inside(former, wanted):
        problems.append(f"{wanted} and {former} are one inside the other")
    if place.names:
        problems.append(f"{wanted} holds {', '.join(place.names[:3])}{' and more' if len(place.names) > 3 else ''}. Use an empty directory")
    if place.filesystem.split(".")[0] in _UNFIT:
        problems.append(f"{wanted} is on {place.filesystem}, where an engine can't keep its data. Use a local ext4 or xfs")
    if place.free < used + SPARE_BYTES:
        problems.append(f"{wanted} has {place.free // 2**20} MiB free, and {(used + SPARE_BYTES) // 2**20} MiB are needed")
    if problems:
        raise PlanError("\n".join([f"the engine's data can't move from {former} to {wanted}:", *problems]))


def _inside(path: str, directory: str) -> bool:
    return f"{path}/".startswith(f"{directory}/")


def filesystem_of(path: str, mountinfo: str) -> str:
    """The type of the file system that holds a path, from /proc/self/mountinfo; the last mount that fits best."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        own, _separator, rest = line.partition(" - ")
        words = own.split()
        if len(words) > 4 and rest and _inside(path, words[4].rstrip("/")) and len(words[4]) >= len(best):
            best, kind = words[4], rest.split()[0]
    return kind


def unlike(before: t.Mapping[str, Entry], after: t.Mapping[str, Entry]) -> list[str]:
    """Paths whose copy is missing, is more, or is not like the original; the directory itself is ``.``."""
    return [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]


def lost(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> list[str]:
    """What an engine knew before a move and does not know after it, as ``name: before, now after``."""
    return [f"{name}: {value}, now {after.get(name)}" for name, value in before.items() if after.get(name) != value]
