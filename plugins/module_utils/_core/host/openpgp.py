# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an armored OpenPGP key is. Pure.

It is read strictly: what another program could take for something else than this one does is refused.
"""

from __future__ import annotations

import base64
import hashlib
import re
import typing as t

from ...errors import PlanError

_ARMOR = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:(?:Version|Comment|Hash|Charset): [^\n]*\n)*[ \t]*\n"
    r"((?:[A-Za-z0-9+/]+\n)*[A-Za-z0-9+/]+={0,2}\n)(?:=[A-Za-z0-9+/]{4}\n)?-----END PGP PUBLIC KEY BLOCK-----\s*"
)
_KEY = 6
# Signatures, user IDs, subkeys and attributes, which belong to the key before them.
_PARTS = (2, 13, 14, 17)


def read_fingerprints(text: str) -> list[str]:
    """Of each primary key in the text, in upper case without blanks. Raises PlanError where it is anything else than armored keys."""
    text = text.replace("\r\n", "\n").lstrip()
    found: list[str] = []
    end = 0
    for block in _ARMOR.finditer(text):
        if block.start() != end:
            break
        try:
            data = base64.b64decode(block.group(1))
        except ValueError:
            raise PlanError("the OpenPGP key is damaged.") from None
        found += _primary_keys(data)
        end = block.end()
    if not found or end != len(text):
        raise PlanError("expected an OpenPGP public key in ASCII armor, and nothing else.")
    return found


def _primary_keys(data: bytes) -> t.Iterator[str]:
    for tag, body in _packets(data):
        if tag == _KEY and body[:1] == b"\x04" and len(body) < 2**16:
            # RFC 4880, 12.2: the digest that the format is built on.
            yield hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()
        elif tag not in _PARTS:
            raise PlanError(f"expected an OpenPGP public key of version 4, found a packet of type {tag}.")


def _packets(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(data):
        head = data[place]
        tag, size, start = _new_head(data, place) if head & 0x40 else _old_head(data, place)
        body = data[start : start + size]
        if not head & 0x80 or len(body) != size:
            raise PlanError("the OpenPGP key is damaged.")
        yield tag, body
        place = start + size


def _old_head(data: bytes, place: int) -> tuple[int, int, int]:
    width = (1, 2, 4, 0)[data[place] & 3]
    if not width:
        raise PlanError("the OpenPGP key has a packet without a length.")
    return data[place] >> 2 & 15, int.from_bytes(data[place + 1 : place + 1 + width], "big"), place + 1 + width


def _new_head(data: bytes, place: int) -> tuple[int, int, int]:
    tag, first = data[place] & 63, data[place + 1] if place + 1 < len(data) else 0
    if first < 192:
        return tag, first, place + 2
    if first < 224:
        return tag, (first - 192 << 8) + int.from_bytes(data[place + 2 : place + 3], "big") + 192, place + 3
    if first < 255:
        raise PlanError("the OpenPGP key has a packet in parts.")
    return tag, int.from_bytes(data[place + 2 : place + 6], "big"), place + 6


def normal(fingerprint: str) -> str:
    """A fingerprint as people write it, in upper case without blanks. Raises PlanError for what is none."""
    found = "".join(fingerprint.split()).upper()
    if not re.fullmatch(r"[0-9A-F]{40}", found):
        raise PlanError(f"fingerprints: found {fingerprint!r}, expected 40 hexadecimal digits, with or without blanks.")
    return found
