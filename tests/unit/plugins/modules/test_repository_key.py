# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of package repositories: theirs, or none."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import shutil
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.openpgp import normal, read_fingerprints
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.modules import repository_key
from hypothesis import given
from hypothesis import strategies as st
from module_runner import run_module_main

Json = dict[str, t.Any]
KEYRINGS = sorted(Path("/usr/share/keyrings").glob("debian-archive-*.gpg"))


def packet(tag: int, body: bytes, old: bool = True) -> bytes:
    if old:
        return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def key(seed: str, old: bool = True, version: int = 4) -> bytes:
    return packet(6, bytes([version]) + seed.encode() * 40, old)


def armor(data: bytes, head: str = "") -> str:
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n{head}\n{text}=AAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"


def fingerprint(seed: str) -> str:
    body = b"\x04" + seed.encode() * 40
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()


GOOD = key("good") + packet(13, b"Somebody") + packet(2, b"signature") + packet(14, b"\x04subkey") + packet(2, b"signature")
OTHER = key("other") + packet(13, b"Somebody else")


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        (armor(GOOD), ["good"]),
        (armor(GOOD, "Version: GnuPG v2\nComment: x\n"), ["good"]),
        (armor(GOOD).replace("\n", "\r\n"), ["good"]),
        (armor(key("good", old=False)), ["good"]),
        (armor(GOOD + OTHER), ["good", "other"]),
        (armor(GOOD) + armor(OTHER), ["good", "other"]),
        (armor(GOOD).replace("=AAAA\n", ""), ["good"]),
    ],
)
def test_every_primary_key_counts(text: str, seeds: list[str]) -> None:
    assert read_fingerprints(text) == [fingerprint(seed) for seed in seeds]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>blocked by the proxy</html>",
        armor(b""),
        armor(packet(13, b"a name alone")),
        armor(GOOD) + "more",
        "before\n" + armor(GOOD),
        armor(GOOD) + "between\n" + armor(OTHER),
        armor(GOOD[:-3]),
        armor(GOOD + b"\x99"),
        armor(key("good", version=3)),
        armor(key("good", version=6)),
        armor(GOOD + packet(5, b"\x04a secret key")),
        armor(GOOD + packet(20, b"encrypted")),
        armor(GOOD).replace("=AAAA", "A"),
        armor(GOOD).replace("\n=AAAA", "\nAA=\nAAAA"),
        armor(b"\x9b" + GOOD),
        armor(b"\xc6\xe1ab"),
        armor(b"\x06\x01a"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        read_fingerprints(text)


@given(data=st.binary(max_size=80), text=st.text(max_size=80))
def test_garbage_is_refused_in_words(data: bytes, text: str) -> None:
    for given_text in (armor(data), text, armor(data).replace("=AAAA", text)):
        try:
            assert all(len(found) == 40 for found in read_fingerprints(given_text))
        except PlanError as error:
            assert str(error)


@pytest.mark.skipif(not (shutil.which("gpg") and KEYRINGS), reason="compared with gpg on the keys of Debian, which are not here")
@pytest.mark.parametrize("path", KEYRINGS, ids=lambda path: path.stem)
def test_gpg_reads_the_same(path: Path, tmp_path: Path) -> None:
    command = ["gpg", "--homedir", str(tmp_path), "--batch", "--with-colons", "--show-keys", str(path)]
    lines = [line.split(":") for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()]
    keys = [line for line in lines if line[0] in ("pub", "sub", "fpr")]
    told = [after[9] for before, after in zip(keys, keys[1:]) if (before[0], after[0]) == ("pub", "fpr")]
    assert told
    assert read_fingerprints(armor(path.read_bytes())) == told


@pytest.fixture
def site(tmp_path: Path) -> t.Iterator[tuple[Path, str]]:
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder / "gpg", f"http://127.0.0.1:{server.server_port}/gpg"
        server.shutdown()


def run(path: Path, url: str, *seeds: str, check: bool = False) -> Json:
    args = {"url": url, "path": str(path), "fingerprints": [fingerprint(seed) for seed in seeds]}
    return run_module_main(repository_key.main, args, check=check)


def test_a_key_is_written_once_and_only_if_it_is_the_right_one(tmp_path: Path, site: tuple[Path, str]) -> None:
    (there, url), path = site, tmp_path / "keyrings" / "docker.asc"
    there.write_text(armor(GOOD))
    assert run(path, url, "good", "rpm", check=True)["changed"] and not path.exists()
    done = run(path, url, "good", "rpm")
    assert (done["changed"], done["fingerprints"]) == (True, [fingerprint("good")])
    assert path.read_text() == there.read_text() and path.stat().st_mode & 0o777 == 0o644
    there.unlink()
    assert not run(path, url, "good", "rpm")["changed"]


@pytest.mark.parametrize("data", [OTHER, GOOD + OTHER])
def test_another_key_changes_nothing(tmp_path: Path, site: tuple[Path, str], data: bytes) -> None:
    (there, url), path = site, tmp_path / "docker.asc"
    there.write_text(armor(data))
    for before in (None, "not a key", armor(OTHER)):
        if before is not None:
            path.write_text(before)
        refused = run(path, url, "good")
        assert refused["failed"] and fingerprint("other") in refused["msg"] and f"expected {fingerprint('good')}" in refused["msg"]
        assert (path.read_text() if path.exists() else None) == before
    there.write_text(armor(GOOD))
    assert run(path, url, "good")["changed"] and path.read_text() == armor(GOOD)


def test_what_can_not_be_fetched_is_told(tmp_path: Path, site: tuple[Path, str]) -> None:
    (there, url), path = site, tmp_path / "docker.asc"
    assert "answered 404" in run(path, url, "good")["msg"]
    assert "can't be read" in run(path, "http://127.0.0.1:1/gpg", "good")["msg"]
    assert "can't be read" in run(path, "ftp:/", "good")["msg"]
    there.write_text("<html>")
    assert "expected an OpenPGP public key" in run(path, url, "good")["msg"]
    there.write_text("x" * (repository_key.MOST_BYTES + 1))
    assert "holds more than" in run(path, url, "good")["msg"]
    assert "the list is empty" in run(path, url)["msg"]


@pytest.mark.parametrize("text", ["0EBFCD88", "", "9DC8 5822 9FC7 DD38 854A E2D8 8D81 803C 0EBF CD8G"])
def test_a_fingerprint_is_whole(text: str) -> None:
    with pytest.raises(PlanError, match="expected 40 hexadecimal digits"):
        normal(text)
    assert normal("9dc8 5822 9FC7 DD38 854A  E2D8 8D81 803C 0EBF CD88") == "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
