# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a backup on the controller as they are written: encrypted for ansible-vault and sealed where there is a password."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import io
import os
import secrets
import tarfile
import typing as t
from pathlib import Path, PurePosixPath

from ansible.parsing.vault import VaultLib, VaultSecret

from ..module_utils._core.backup.catalog import ENCRYPTED, SEAL, SUMS, sum_line
from ..module_utils._core.backup.seal import SALT_BYTES, is_sealed, make_seal, salt_of
from ..module_utils._core.backup.tar_members import is_below
from ..module_utils.errors import FlotillaError, PlanError
from . import controller_files
from .stack_files import find_file

Call = t.Callable[[str, dict[str, t.Any]], dict[str, t.Any]]

UNPROTECTED = (
    "the backup is neither encrypted nor authenticated: anyone who can read its directory gets every secret in it, and anyone who can "
    "write there decides what a recovery restores. Set vault_password (role backup: backup_vault_password)."
)


FILE_BYTES, LIST_BYTES = 4 * 2**30, 64 * 2**20


def vault_of(password: str) -> VaultLib | None:
    return VaultLib([("default", VaultSecret(password.encode()))]) if password else None


@contextlib.contextmanager
def untold(connection: t.Any) -> t.Iterator[None]:
    """Without what the connection shows at ``-vvv``: all that modules print over SSH, whole archives and keys among it."""
    context = connection._play_context
    before, context.no_log = context.no_log, True
    try:
        yield
    finally:
        context.no_log = before


class BackupFiles:
    """The directory of one backup. Several hosts may write to it at the same time, each its own files."""

    def __init__(self, directory: Path, password: str) -> None:
        self._directory = directory
        self._password, self._vault = password, vault_of(password)

    def begin(self) -> None:
        """Make the directory, which must be new."""
        try:
            self._directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._directory.mkdir(mode=0o700)
        except OSError as error:
            raise FlotillaError(f"creating {self._directory} on the controller: {error.strerror}.") from None

    def keep(self, name: str, data: bytes) -> Path:
        """Write a file that only its owner can read, encrypted where there is a password, and its sum; its path."""
        if not is_below(name) or "\n" in name:
            raise FlotillaError(f"{name!r} is not a valid file name in {self._directory}.")
        name, data = (f"{name}{ENCRYPTED}", self._vault.encrypt(data)) if self._vault else (name, data)
        path = self._directory / name
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            if path.parent.is_symlink():
                raise FlotillaError(f"{path.parent} is a link, so nothing is written there.")
            _write(path, data)
            self._list(name, hashlib.sha256(data).hexdigest())
        except OSError as error:
            raise FlotillaError(f"writing {path} on the controller: {error.strerror}.") from None
        return path

    def _list(self, name: str, digest: str) -> None:
        """Add to the sums, and seal them anew, unless somebody else wrote there."""
        handle = os.open(self._directory / SUMS, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with open(handle, "a+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            sums, seal = stream.read(), self._directory / SEAL
            found = read_regular(seal, LIST_BYTES).decode(errors="replace") if seal.exists() else ""
            backup = self._directory.resolve().name
            if (sums or found) and not (is_sealed(found, self._password, backup, sums) if self._password else not found):
                raise FlotillaError(f"{self._directory} has files that are not sealed with this vault_password", "Take another directory.")
            line = sum_line(name, digest).encode()
            stream.write(line)
            stream.flush()
            if self._password:
                salt = salt_of(found) or secrets.token_bytes(SALT_BYTES)
                fresh = seal.with_name(f".{SEAL}")
                _write(fresh, make_seal(self._password, backup, sums + line, salt).encode())
                fresh.replace(seal)

    def bring(self, call: Call, name: str, source: str, digest: str, most: int) -> Path:
        """Keep a file of a host, compared with its SHA-256 sum, and remove it there; its path here.

        ``call`` runs a module on the host. More than ``most`` bytes are refused.
        """
        try:
            data = base64.b64decode(str(call("ansible.legacy.slurp", {"src": source}).get("content", "")))
        except ValueError:
            data = b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise FlotillaError(f"{source} did not arrive complete on the controller.")
        if len(data) > most:
            raise FlotillaError(f"{source} has {len(data)} bytes, at most {most} are expected.")
        path = self.keep(name, data)
        call("ansible.legacy.file", {"path": source, "state": "absent"})
        return path


def _write(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as stream:
        stream.write(data)


def read_regular(path: Path, most: int, follow: bool = False) -> bytes:
    """A file of at most so many bytes, and without ``follow`` not what a link leads to. Raises PlanError."""
    try:
        return controller_files.read_regular(str(path), most, follow)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or error
        raise PlanError(f"reading {path} on the controller: {problem}.") from None


def pack_stacks(stacks: t.Sequence[t.Mapping[str, t.Any]], places: t.Sequence[Path]) -> bytes:
    """A ``tar.gz`` with the files that stacks name, below their names; empty if there are none. Raises PlanError."""
    found: dict[str, bytes] = {}
    for stack in stacks:
        name = str(stack["name"])
        if not is_below(name) or "/" in name:
            raise PlanError(f"stacks has the name {name!r}, expected one without / and other than .. for its files.")
        if isinstance(stack.get("content"), str):
            found[f"{name}/content.yml"] = stack["content"].encode()
        for option in ("files", "env_files"):
            named = stack.get(option) or []
            for file in [named] if isinstance(named, str) else named:
                found[f"{name}/{_below(file)}"] = read_regular(find_file(file, places), controller_files.LARGEST_BYTES, follow=True)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for path, data in found.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o600
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue() if found else b""


def _below(name: str) -> str:
    """A path without what leads out of a directory."""
    return "/".join(part for part in PurePosixPath(name).parts if part not in ("/", "..", "~"))
