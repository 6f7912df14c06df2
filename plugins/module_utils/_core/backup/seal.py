# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seal of a backup: a message authentication code over its name and the sums of its files, keyed by its password. Pure.

Ansible-vault authenticates each file by itself. The seal says which files make up which backup, so that none can be left out, taken from
another backup, or put there in clear. Its key is derived in another way than those of ansible-vault, so that neither says anything of the
other.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re

SALT_BYTES = 16
_SEAL = re.compile(r"flotilla\.swarm 1 (?P<salt>[0-9a-f]{32}) (?P<code>[0-9a-f]{64})\n")
_PURPOSE = b"flotilla.swarm seal of a backup 1"


def make_seal(password: str, name: str, sums: bytes, salt: bytes) -> str:
    """The text of a seal. ``name`` is that of the backup's directory, ``sums`` its list of files, ``salt`` random."""
    return f"flotilla.swarm 1 {salt.hex()} {_code(password, name, sums, salt)}\n"


def is_sealed(seal: str, password: str, name: str, sums: bytes) -> bool:
    """Whether this password made this seal for this backup."""
    salt = salt_of(seal)
    return bool(salt and password) and hmac.compare_digest(seal.encode(), make_seal(password, name, sums, salt).encode())


def salt_of(seal: str) -> bytes:
    """The salt of a seal; empty if the text is no seal."""
    match = _SEAL.fullmatch(seal)
    return bytes.fromhex(match["salt"]) if match else b""


def _code(password: str, name: str, sums: bytes, salt: bytes) -> str:
    told = b"\0".join((_PURPOSE, name.encode("utf-8", "surrogateescape"), sums))
    return hmac.new(_key(password, salt), told, hashlib.sha256).hexdigest()


@functools.lru_cache(maxsize=4)
def _key(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=_PURPOSE + salt, n=2**14, r=8, p=1, dklen=32)
