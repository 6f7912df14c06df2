# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a manager's state and in an archive of it. Pure: works on an open stream."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field

from ..plan import PlanError
from ..tar_members import STATE_RULES
from ..tar_reader import Limits, read_members
from .addresses import with_port
from .backup import Manifest, read_manifest

MANIFEST, STATE, CONFIGS = "manifest.json", "swarm", "configs"
KEY_FILE, START_FILE = "certificates/swarm-node.key", "docker-state.json"
LIMITS = Limits(members=100_000, size=16 * 2**30)
# Files that are read whole, and how many bytes each may have.
_WHOLE = {MANIFEST: 64 * 2**20, f"{STATE}/{KEY_FILE}": 2**16}


@dataclass(frozen=True)
class StateArchive:
    """What was read of an archive. ``size`` is that of its files in bytes, ``node_key`` the manager's key file."""

    manifest: Manifest
    node_key: str = field(repr=False)
    size: int


def read_archive(stream: t.IO[bytes], name: str) -> StateArchive:
    """Read an archive to its end. Raises PlanError, which calls it ``name``, where a part of it is damaged, missing or foreign."""
    sums: dict[str, str] = {}
    whole: dict[str, bytes] = {}
    size = 0
    for member, content in read_members(stream, name, STATE_RULES, LIMITS):
        if member.name in sums:
            raise PlanError(f"{name} is refused: it has {member.name!r} twice. Nothing was changed.")
        if member.size > _WHOLE.get(member.name, member.size):
            raise PlanError(f"{name} is refused: {member.name!r} has {member.size} bytes. Nothing was changed.")
        digest, kept = hashlib.sha256(), []
        for chunk in content:
            digest.update(chunk)
            if member.name in _WHOLE:
                kept.append(chunk)
        sums[member.name], size = digest.hexdigest(), size + member.size
        if member.name in _WHOLE:
            whole[member.name] = b"".join(kept)
    manifest = read_manifest(_parse(whole.get(MANIFEST, b"")), name)
    _check(manifest, sums, name)
    return StateArchive(manifest, whole[f"{STATE}/{KEY_FILE}"].decode(errors="replace"), size)


def _parse(data: bytes) -> t.Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _check(manifest: Manifest, sums: t.Mapping[str, str], name: str) -> None:
    wanted = {f"{STATE}/{path}": digest for path, digest in manifest.files.items()}
    damaged = [path for path, digest in wanted.items() if sums.get(path) != digest]
    if damaged:
        raise PlanError(f"{name} is damaged: {_some(damaged)} differ from their sums. Nothing was changed.")
    foreign = [path for path in sums if path not in wanted and path != MANIFEST and not path.startswith(f"{CONFIGS}/")]
    below = [path for path in wanted if any("/".join(path.split("/")[:depth]) in wanted for depth in range(1, path.count("/") + 1))]
    if foreign or below:
        raise PlanError(f"{name} is refused: {_some(foreign or below)} is no part of a state. Nothing was changed.")
    if f"{STATE}/{KEY_FILE}" not in wanted:
        raise PlanError(f"{name} is refused: it lacks {KEY_FILE}, the manager's key. Nothing was changed.")


def _some(paths: t.Sequence[str]) -> str:
    return ", ".join(repr(path.partition("/")[2] or path) for path in paths[:5])


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
