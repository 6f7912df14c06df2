# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a manager's state and in an archive of it. Pure: works on an open stream."""

from __future__ import annotations

import hashlib
import json
import tarfile
import typing as t

from ..plan import PlanError
from .addresses import with_port
from .backup import Manifest, read_manifest

MANIFEST, STATE, CONFIGS = "manifest.json", "swarm", "configs"
KEY_FILE, START_FILE = "certificates/swarm-node.key", "docker-state.json"


def read_archive(stream: t.IO[bytes], name: str) -> Manifest:
    """The manifest, after every file was compared with its sum. Raises PlanError, which calls the archive ``name``, for a damaged one."""
    try:
        with tarfile.open(fileobj=stream, mode="r:gz") as tar:
            members = {member.name: member for member in tar}
            manifest = read_manifest(json.loads(content(tar, members.get(MANIFEST))), name)
            found = {path: hashlib.sha256(content(tar, members.get(f"{STATE}/{path}"))).hexdigest() for path in manifest.files}
    except (tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise PlanError(f"{name} can't be read as an archive: {error}. Nothing was changed.") from None
    damaged = [path for path, digest in manifest.files.items() if found[path] != digest]
    if damaged:
        raise PlanError(f"{name} is damaged: {', '.join(damaged[:5])} differ from their sums. Nothing was changed.")
    return manifest


def content(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> bytes:
    stream = tar.extractfile(member) if member else None
    return stream.read() if stream else b""


def read_node_key(stream: t.IO[bytes]) -> str:
    """The manager's key file in an archive."""
    with tarfile.open(fileobj=stream, mode="r:gz") as tar:
        return content(tar, tar.getmember(f"{STATE}/{KEY_FILE}")).decode()


def read_bound(text: str) -> dict[str, str]:
    """``ListenAddr`` and, where it was chosen, ``DataPathAddr`` of a manager, from its ``START_FILE``.

    An engine that makes its swarm anew keeps neither of itself.
    """
    try:
        state = json.loads(text or "{}")
    except ValueError:
        state = {}
    found = {name: str(state.get(name) or "") for name in ("ListenAddr", "DataPathAddr")}
    return {"ListenAddr": with_port("0.0.0.0"), **{name: value for name, value in found.items() if value}}
