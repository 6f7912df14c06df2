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
import shutil
import tarfile
import typing as t

from .._core.backup.manifest import CONFIGS, KINDS, LIMITS, MANIFEST, STATE, Manifest, read_archive
from .._core.backup.tar_members import STATE_RULES, Rules
from .._core.backup.tar_reader import Counts, Limits, check_archive, read_members
from ..errors import FlotillaError, PlanError
from .engine import Engine


def list_objects(engine: Engine) -> dict[str, list[dict[str, t.Any]]]:
    """Everything that the swarm holds, by kind, as the Engine API lists it."""
    return {kind: engine.get(f"/{kind}", "listing what the swarm holds") for kind in KINDS}


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
                tar.addfile(_head(name, len(data)), io.BytesIO(data))
            for name in manifest.files:
                file = pathlib.Path(directory, name)
                with file.open("rb") as stream:
                    tar.addfile(_head(f"{STATE}/{name}", file.stat().st_size), stream)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise FlotillaError(f"writing {path}: {error.strerror}", "Check the path and the free space on its disk.") from None
    return _sum(target)


def _head(name: str, size: int) -> tarfile.TarInfo:
    head = tarfile.TarInfo(name)
    head.size, head.mode = size, 0o600
    return head


def read_file(path: str, directory: str, free: int) -> tuple[Manifest, str]:
    """The manifest of an archive on this host and the manager's key file, after all of it was checked.

    ``free`` is the room for ``directory`` in bytes.
    """
    try:
        with open(path, "rb") as stream:
            archive = read_archive(stream, path)
    except FileNotFoundError:
        raise PlanError(f"there is no archive {path}.") from None
    except OSError as error:
        raise PlanError(f"reading {path}: {error.strerror}.") from None
    if archive.size > free:
        sizes = f"{archive.size // 2**20} MiB, and {directory} has room for {free // 2**20} MiB"
        raise PlanError(f"{path} holds {sizes}.")
    return archive.manifest, archive.node_key


def check_file(path: str, name: str, rules: Rules, limits: Limits) -> Counts:
    """What an archive of data on this host holds. Raises PlanError, which calls it ``name``, if it must not be unpacked."""
    try:
        with open(path, "rb") as stream:
            return check_archive(stream, name, rules, limits)
    except OSError as error:
        raise PlanError(f"reading {path}: {error.strerror}.") from None


def unpack(path: str, manifest: Manifest, directory: str) -> None:
    """Write the files that the manifest names, and nothing else, below a new directory. What fails leaves none of it."""
    root, left = pathlib.Path(directory), dict(manifest.files)
    try:
        root.mkdir(mode=0o700)
    except OSError as error:
        raise FlotillaError(f"making {directory}: {error.strerror}.") from None
    try:
        with open(path, "rb") as stream:
            for member, content in read_members(stream, path, STATE_RULES, LIMITS):
                name = member.name[len(STATE) + 1 :] if member.name.startswith(f"{STATE}/") else ""
                if not name:
                    continue
                if _write(root, name, content) != left.pop(name, None):
                    raise FlotillaError(f"{path} changed while it was read: {name!r} does not match its checksum.")
        if left:
            raise FlotillaError(f"{path} changed while it was read: it lacks {min(left)!r}.")
    except OSError as error:
        discard(directory)
        raise FlotillaError(f"unpacking {path} to {directory}: {error.strerror}.") from None
    except FlotillaError:
        discard(directory)
        raise


def _write(root: pathlib.Path, name: str, content: t.Iterable[bytes]) -> str:
    """Write a new file for its owner alone; its SHA-256 sum."""
    for parent in reversed(pathlib.PurePosixPath(name).parents):
        (root / parent).mkdir(mode=0o700, exist_ok=True)
    digest = hashlib.sha256()
    (root / name).touch(mode=0o600, exist_ok=False)
    with (root / name).open("wb") as stream:
        for chunk in content:
            digest.update(chunk)
            stream.write(chunk)
    return digest.hexdigest()


def discard(directory: str) -> None:
    """Remove what ``unpack`` wrote; nothing where it was put in its place since."""
    shutil.rmtree(directory, ignore_errors=True)


def set_aside(directory: str, stamp: str) -> str:
    """Rename a directory, so that its content is kept; the new name, empty if there was none."""
    path = pathlib.Path(directory)
    return _rename(path, path.with_name(f"{path.name}.before-{stamp}")) if path.exists() else ""


def put_in_place(fresh: str, directory: str) -> None:
    """Rename what was unpacked."""
    _rename(pathlib.Path(fresh), pathlib.Path(directory))


def put_back(directory: str, aside: str, stamp: str) -> None:
    """Undo ``set_aside``, after what took its place has been renamed too."""
    path = pathlib.Path(directory)
    if path.exists():
        _rename(path, path.with_name(f"{path.name}.failed-{stamp}"))
    if aside:
        _rename(pathlib.Path(aside), path)


def _rename(path: pathlib.Path, new: pathlib.Path) -> str:
    try:
        return str(path.rename(new))
    except OSError as error:
        raise FlotillaError(f"renaming {path} to {new.name}: {error.strerror}.") from None


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
        raise FlotillaError(f"cutting {path}: {error.strerror}", "Check the free space on its disk.") from None
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
        raise FlotillaError(f"writing {path}: {error.strerror}", "Check the free space on its disk.") from None
