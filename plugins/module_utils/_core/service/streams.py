# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containers write, as the Engine API sends it. Pure."""

from __future__ import annotations

import struct

_HEADER = struct.Struct(">BxxxL")
_SYSTEM = 3  # what the engine itself has to say


def engine_words(raw: bytes) -> list[str]:
    """What the engine itself wrote into a stream, such as that it did not get all of a log."""
    return [part.decode("utf-8", "replace").strip() for kind, part in frames(raw) if kind == _SYSTEM]


def split_log(raw: bytes) -> list[str]:
    """Lines out of a stream of the Engine API, of both outputs as they came."""
    text = b"".join(part for _kind, part in frames(raw)).decode("utf-8", "replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def frames(raw: bytes) -> list[tuple[int, bytes]]:
    """Kind and content of frames with a header of 8 bytes; plain text from a terminal is one frame of standard output."""
    found, position = [], 0
    while position + _HEADER.size <= len(raw):
        kind, length = _HEADER.unpack_from(raw, position)
        if kind > _SYSTEM or raw[position + 1 : position + 4] != b"\0\0\0":
            return [(1, raw)]
        position += _HEADER.size
        found.append((kind, raw[position : position + length]))
        position += length
    return found or [(1, raw)]
