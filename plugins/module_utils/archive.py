# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a manager's state: packed into an archive, unpacked, set aside. They are those below the engine's ``swarm`` directory."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import pathlib
import tarfile
import typing as t

from .cluster.archive import CONFIGS, MANIFEST, STATE, content, read_archive, read_node_key
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


def write_archive(path: str, directory: str, manifest: Manifest, configs: t.Mapping[str, bytes]) -> str:
    """Pack the directory with its manifest and the contents of configs into a new file of mode 0600; the file's SHA-256 sum."""
    target = pathlib.Path(path)
    texts = {MANIFEST: json.dumps(manifest.as_document(), indent=1).encode()}
    texts |= {f"{CONFIGS}/{name}": data for name, data in configs.items()}
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.touch(mode=0o600, exist_ok=False)
        with tarfile.open(path, "w:gz") as tar:
            for name, data in texts.items():
                head = tarfile.TarInfo(name)
                head.size, head.mode = len(data), 0o600
                tar.addfile(head, io.BytesIO(data))
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


def cut(path: str, size: int) -> list[dict[str, str]]:
    """Cut a file into parts of ``size`` bytes beside it, with their SHA-256 sums; the file is then gone.

    It is cut from its end, so that it never takes more room than the file and one part. What fails leaves no part.
    """
    parts: list[dict[str, str]] = []
    try:
        with open(path, "r+b") as stream:
            for number in reversed(range(max(1, -(-pathlib.Path(path).stat().st_size // size)))):
                stream.seek(number * size)
                data, part = stream.read(size), pathlib.Path(f"{path}.{number:05}")
                parts.insert(0, {"path": str(part), "sha256": hashlib.sha256(data).hexdigest()})
                part.touch(mode=0o600)
                part.write_bytes(data)
                stream.truncate(number * size)
        pathlib.Path(path).unlink()
    except OSError as error:
        for made in parts:
            with contextlib.suppress(OSError):
                pathlib.Path(made["path"]).unlink()
        raise FlotillaError(f"cutting {path}: {error.strerror}. Check the room on its disk.") from None
    return parts


def join(parts: t.Sequence[str], path: str) -> None:
    """Put parts together into a new file; each part is then gone."""
    try:
        target = pathlib.Path(path)
        target.touch(mode=0o600, exist_ok=False)
        with target.open("ab") as stream:
            for part in map(pathlib.Path, parts):
                stream.write(part.read_bytes())
                part.unlink()
    except OSError as error:
        raise FlotillaError(f"writing {path}: {error.strerror}. Check the room on its disk.") from None
