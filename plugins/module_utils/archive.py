# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a manager's state: packed into an archive, unpacked, set aside. They are those below the engine's ``swarm`` directory."""

from __future__ import annotations

import hashlib
import io
import json
import pathlib
import tarfile

from .cluster.archive import MANIFEST, STATE, content, read_archive, read_node_key
from .cluster.backup import Manifest
from .plan import FlotillaError, PlanError


def sums_of(directory: str) -> dict[str, str]:
    """SHA-256 sums of all files below a directory, by path relative to it."""
    root = pathlib.Path(directory)
    return {str(path.relative_to(root)): _sum(path) for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()}


def _sum(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_archive(path: str, directory: str, manifest: Manifest) -> str:
    """Pack the directory with its manifest into a new file that only its owner can read; the file's SHA-256 sum."""
    target = pathlib.Path(path)
    document = json.dumps(manifest.as_document(), indent=1).encode()
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.touch(mode=0o600, exist_ok=False)
        with tarfile.open(path, "w:gz") as tar:
            head = tarfile.TarInfo(MANIFEST)
            head.size, head.mode = len(document), 0o600
            tar.addfile(head, io.BytesIO(document))
            for name in manifest.files:
                tar.add(f"{directory}/{name}", f"{STATE}/{name}", recursive=False)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise FlotillaError(f"writing {path}: {error.strerror}. Check the path and the room on its disk.") from None
    return _sum(target)


def read_file(path: str) -> tuple[Manifest, str]:
    """The manifest of an archive on this host, after all files in it were compared with their sums, and the manager's key file."""
    try:
        with open(path, "rb") as stream:
            manifest = read_archive(stream, path)
            stream.seek(0)
            return manifest, read_node_key(stream)
    except FileNotFoundError:
        raise PlanError(f"there is no archive {path}. Nothing was changed.") from None
    except OSError as error:
        raise PlanError(f"reading {path}: {error.strerror}. Nothing was changed.") from None


def unpack(path: str, manifest: Manifest, directory: str) -> None:
    """Write the files that the manifest names, and nothing else, below a new directory."""
    root = pathlib.Path(directory)
    try:
        root.mkdir(mode=0o700)
        with tarfile.open(path, "r:gz") as tar:
            for name in manifest.files:
                target = root / name
                if ".." in target.parts:
                    raise PlanError(f"{path} has a file outside of the state: {name}.")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch(mode=0o600)
                target.write_bytes(content(tar, tar.getmember(f"{STATE}/{name}")))
    except OSError as error:
        raise FlotillaError(f"unpacking {path} to {directory}: {error.strerror}.") from None


def set_aside(directory: str, stamp: str) -> str:
    """Rename a directory, so that its content is kept; the new name, empty where there was none."""
    path = pathlib.Path(directory)
    if not path.exists():
        return ""
    return str(path.rename(path.with_name(f"{path.name}.before-{stamp}")))


def put_back(directory: str, aside: str, stamp: str) -> None:
    """Undo ``set_aside``, after what took its place has been renamed too."""
    path = pathlib.Path(directory)
    if path.exists():
        path.rename(path.with_name(f"{path.name}.failed-{stamp}"))
    if aside:
        pathlib.Path(aside).rename(path)
