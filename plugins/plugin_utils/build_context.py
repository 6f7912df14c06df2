# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build context on the controller: what is in it, its hash, and its archive."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .controller_files import read_regular

IGNORE_FILE = ".dockerignore"
# Part of every hash: raise it when the same files would build another image.
_FORMAT = "1"


class ContextError(Exception):
    """The directory can't be a build context; ``str()`` says why and what cures it."""


class Ignore:
    """The rules of a ``.dockerignore``: the last one that matches a path, or a directory above it, decides."""

    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.splitlines() if not line.startswith("#"))
        self._rules = [(line[0] == "!", _pattern(line.lstrip("!").strip())) for line in lines if line.strip("!/")]
        self.has_exceptions = any(exception for exception, _pattern in self._rules)

    def __call__(self, path: str) -> bool:
        """Whether a path, relative to the context and with slashes, is left out."""
        ignored = False
        for exception, pattern in self._rules:
            if pattern.fullmatch(path):
                ignored = not exception
        return ignored


def _pattern(rule: str) -> re.Pattern[str]:
    rule = rule.strip("/").removeprefix("./")
    translated = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", rule)
    body = "".join(translated.get(part) or (part if part[:1] == "[" else re.escape(part)) for part in parts)
    return re.compile(f"{body}(?:/.*)?")


@dataclass(frozen=True)
class Recipe:
    """What besides the files decides the image: ``dockerfile`` is relative to the context.

    BuildKit reads what is left out from a file beside the Dockerfile, if there is one.
    """

    dockerfile: str
    args: Mapping[str, str]
    target: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    platforms: Sequence[str] = ()
    buildkit: bool = False


class BuildContext:
    """The files under ``root`` that a build sees."""

    def __init__(self, root: Path, recipe: Recipe) -> None:
        self._root, self._recipe = root, recipe
        if not root.is_dir():
            raise ContextError(
                f"reading the build context {root}: there is no such directory on the controller. "
                "Give an absolute path, or one relative to the playbook."
            )
        if os.path.isabs(recipe.dockerfile) or os.path.normpath(recipe.dockerfile).startswith(".."):
            raise ContextError(
                f"reading the build context {root}: found the Dockerfile {recipe.dockerfile}, expected a relative path inside it. "
                "Move the file there, or name a directory above both as the context."
            )
        if not (root / recipe.dockerfile).is_file():
            raise ContextError(
                f"reading the build context {root}: it has no file {recipe.dockerfile}. "
                "Name the right one with dockerfile, relative to the context."
            )

    def hash(self) -> str:
        """Such as ``sha256:`` and 64 digits; equal where the builds would be equal, on any machine and for any user.

        It covers paths, contents, link targets and the right to execute, and the recipe; no owners and no times.
        """
        total = hashlib.sha256()
        recipe = [_FORMAT, self._recipe.dockerfile, sorted(self._recipe.args.items()), self._recipe.target]
        if self._recipe.labels or self._recipe.platforms:
            recipe += [sorted(self._recipe.labels.items()), sorted(self._recipe.platforms)]
        total.update(json.dumps(recipe).encode())
        for name in self._names():
            entry = self._entry(name)
            content = hashlib.sha256()
            if entry.isreg():
                with self._open(name) as stream:
                    while chunk := stream.read(1 << 20):
                        content.update(chunk)
            total.update(json.dumps([name, entry.type.decode(), entry.mode, entry.linkname, content.hexdigest()]).encode())
        return f"sha256:{total.hexdigest()}"

    def pack(self, path: Path) -> None:
        """Write the context to ``path`` as a compressed tar archive, the form that the engine takes."""
        with tarfile.open(path, "w:gz", compresslevel=3) as archive:
            for name in self._names():
                entry = self._entry(name)
                if entry.isreg():
                    with self._open(name) as stream:
                        archive.addfile(entry, stream)
                else:
                    archive.addfile(entry)

    def _names(self) -> Iterator[str]:
        """Relative paths of everything that is not left out, in an order that does not depend on the file system."""
        own = self._root / f"{self._recipe.dockerfile}{IGNORE_FILE}"
        ignore_file = own if self._recipe.buildkit and own.is_file() else self._root / IGNORE_FILE
        ignored = Ignore(_read_text(ignore_file))
        names = []
        for directory, subdirectories, files in os.walk(self._root):
            prefix = Path(directory).relative_to(self._root)
            for name in [*subdirectories, *files]:
                path = (prefix / name).as_posix()
                if not ignored(path) or path == os.path.normpath(self._recipe.dockerfile):
                    names.append(path)
            if not ignored.has_exceptions:
                subdirectories[:] = [name for name in subdirectories if not ignored((prefix / name).as_posix())]
        yield from sorted(names)

    def _entry(self, name: str) -> tarfile.TarInfo:
        path = self._root / name
        try:
            status = path.lstat()
            entry = tarfile.TarInfo(name)
            # A umask must not change the image.
            entry.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
            if stat.S_ISDIR(status.st_mode):
                entry.type = tarfile.DIRTYPE
            elif stat.S_ISLNK(status.st_mode):
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
            elif stat.S_ISREG(status.st_mode):
                entry.size = status.st_size
            else:
                raise ContextError(f"reading {path}: it is neither a file, a directory nor a link. List it in {IGNORE_FILE}.")
        except OSError as error:
            raise _unreadable(path, error) from None
        return entry

    def _open(self, name: str) -> io.BufferedReader:
        try:
            return (self._root / name).open("rb")
        except OSError as error:
            raise _unreadable(self._root / name, error) from None


def _read_text(path: Path) -> str:
    """Empty if there is no such file."""
    try:
        return read_regular(str(path)).decode()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        problem = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else getattr(error, "strerror", None) or error
        raise ContextError(f"reading {path}: {problem}.") from None


def _unreadable(path: Path, error: OSError) -> ContextError:
    return ContextError(f"reading {path}: {error.strerror}. List it in {IGNORE_FILE} if the image does not need it.")
