# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.manifest import is_locked
from ansible_collections.flotilla.swarm.plugins.plugin_utils.node_key import NodeKeyError, open_node_key
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key
from nacl.secret import SecretBox

KEK, STATE_KEY, NONCE = bytes(range(32)), bytes(range(100, 132)), bytes(24)
UNLOCK_KEY = f"SWMKEY-1-{base64.b64encode(KEK).decode().rstrip('=')}"
NODE_KEY = ec.generate_private_key(ec.SECP256R1())


def locked(algorithm: int = 1) -> str:
    """A key file as swarmkit writes it for a locked manager."""
    data = SecretBox(KEK).encrypt(STATE_KEY, NONCE).ciphertext
    record = bytes([0x08, algorithm, 0x12, len(data)]) + data + bytes([0x1A, len(NONCE)]) + NONCE
    pem = NODE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(KEK)).decode()
    head, rest = pem.split("\n", 1)
    return f"{head}\nkek-version: 7\nraft-dek: {base64.b64encode(record).decode()}\n\n{rest}"


def test_an_opened_key_file_holds_the_same_keys_in_clear() -> None:
    opened = open_node_key(locked(), f"{UNLOCK_KEY}\n")
    assert is_locked(locked()) and not is_locked(opened)
    head, _empty, body = opened.partition("\n\n")
    begin, *headers = head.splitlines()
    assert begin == "-----BEGIN PRIVATE KEY-----" and headers[0] == "kek-version: 0"
    # algorithm 0 (none), then the 32 bytes of the state's key
    assert base64.b64decode(headers[1].removeprefix("raft-dek: ")) == b"\x08\x00\x12\x20" + STATE_KEY
    key = load_pem_private_key(f"{begin}\n{body}".encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey) and key.private_numbers() == NODE_KEY.private_numbers()


@pytest.mark.parametrize(
    ("pem", "key", "words"),
    [
        (locked(), f"SWMKEY-1-{base64.b64encode(bytes(32)).decode()}", "does not fit"),
        (locked(), "secret", "expected one that begins with SWMKEY-1-"),
        (locked(), "SWMKEY-1-short", "expected one that begins with SWMKEY-1-"),
        (locked(algorithm=2), UNLOCK_KEY, "by algorithm 2, expected 1"),
        ("-----BEGIN PRIVATE KEY-----\n", UNLOCK_KEY, "not locked in a known form"),
    ],
)
def test_what_cannot_be_opened_is_refused_without_showing_the_key(pem: str, key: str, words: str) -> None:
    with pytest.raises(NodeKeyError) as error:
        open_node_key(pem, key)
    assert words in str(error.value) and key not in str(error.value)
