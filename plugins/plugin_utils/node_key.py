# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key file of a locked manager (``swarm-node.key``), opened with the unlock key.

An engine can't make a locked manager the only one of its swarm: it starts anew for that, and is locked again. With an opened
file it can. The form is swarmkit's: a PEM block whose body is the node's key as PKCS #8, encrypted with the unlock key where
the manager is locked, and whose header ``raft-dek`` holds the key of the state, as a record of algorithm (1 is NaCl's secret
box, 0 none), data and nonce.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

PREFIX = "SWMKEY-1-"
_BLOCK = re.compile(r"-----BEGIN ENCRYPTED PRIVATE KEY-----\n(.*?)\n\n(.*?)-----END ENCRYPTED PRIVATE KEY-----", re.DOTALL)
_ALGORITHM, _DATA, _NONCE = 1, 2, 3
_SECRET_BOX = 1


class NodeKeyError(ValueError):
    """The unlock key does not fit, or the file is of another form."""


def open_node_key(pem: str, unlock_key: str) -> str:
    """The text of the key file without its lock. Raises NodeKeyError, ImportError where PyNaCl or cryptography is missing."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    key = _read_unlock_key(unlock_key)
    found = _BLOCK.search(pem)
    if not found:
        raise NodeKeyError("the manager's key file is not locked in a known form")
    headers = dict(line.split(": ", 1) for line in found[1].splitlines())
    record = dict(_fields(base64.b64decode(headers["raft-dek"])))
    if record.get(_ALGORITHM) != _SECRET_BOX:
        raise NodeKeyError(f"the state's key is encrypted by algorithm {record.get(_ALGORITHM)!r}, expected {_SECRET_BOX}")
    try:
        state_key = SecretBox(key).decrypt(bytes(record[_DATA]), bytes(record[_NONCE]))
        node_key = load_der_private_key(base64.b64decode(found[2]), password=key)
    except (CryptoError, ValueError) as error:
        raise NodeKeyError("the unlock key does not fit this manager's state; it may have been rotated since") from error
    body = node_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().splitlines()[1:-1]
    # The swarm still has the unlock key under its version. A key of another value and the same version would stop the manager.
    headers["kek-version"] = "0"
    headers["raft-dek"] = base64.b64encode(bytes([_ALGORITHM << 3, 0, _DATA << 3 | 2, len(state_key)]) + state_key).decode()
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "", *body, "-----END PRIVATE KEY-----", ""])


def _read_unlock_key(text: str) -> bytes:
    text = text.strip()
    encoded = text[len(PREFIX) :]
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    except binascii.Error:
        key = b""
    if not text.startswith(PREFIX) or len(key) != 32:
        raise NodeKeyError(f"unlock_key is not an unlock key, expected one that begins with {PREFIX}")
    return key


def _fields(record: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protocol buffer with small numbers and short byte strings."""
    place = 0
    while place < len(record):
        number, kind, value = record[place] >> 3, record[place] & 7, record[place + 1]
        yield number, value if kind == 0 else record[place + 2 : place + 2 + value]
        place += 2 if kind == 0 else 2 + value
