# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a backup on the controller: encrypted for ansible-vault where there is a password, and compared with their sums."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
import typing as t
from pathlib import Path, PurePosixPath

from ansible.parsing.vault import AnsibleVaultError, VaultLib, VaultSecret, is_encrypted

from ..module_utils.backup_names import ENCRYPTED, SUMS, parse_sums, sum_line
from ..module_utils.plan import FlotillaError, PlanError
from .stack_files import find_file

Call = t.Callable[[str, dict[str, t.Any]], dict[str, t.Any]]


class BackupFiles:
    """The directory of one backup. Several hosts may write to it at the same time, each its own files."""

    def __init__(self, directory: Path, password: str) -> None:
        self._directory = directory
        self._vault = VaultLib([("default", VaultSecret(password.encode()))]) if password else None

    def keep(self, name: str, data: bytes) -> Path:
        """Write a file that only its owner can read, encrypted where there is a password, and its sum; its path."""
        name, data = (f"{name}{ENCRYPTED}", self._vault.encrypt(data)) if self._vault else (name, data)
        path = self._directory / name
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                stream.write(data)
            with open(os.open(self._directory / SUMS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab", buffering=0) as sums:
                sums.write(sum_line(name, hashlib.sha256(data).hexdigest()).encode())
        except OSError as error:
            raise FlotillaError(f"writing {path} on the controller: {error.strerror}.") from None
        return path

    def bring(self, call: Call, name: str, source: str, digest: str) -> Path:
        """Keep a file of a host, compared with its SHA-256 sum, and remove it there; its path here. `call` runs a module on the host."""
        data = base64.b64decode(call("ansible.legacy.slurp", {"src": source}).get("content", ""))
        if hashlib.sha256(data).hexdigest() != digest:
            raise FlotillaError(f"{source} did not arrive whole on the controller.")
        path = self.keep(name, data)
        call("ansible.legacy.file", {"path": source, "state": "absent"})
        return path

    def find(self, name: str) -> Path | None:
        """The file of this name, encrypted or not."""
        return next((path for path in (self._directory / f"{name}{ENCRYPTED}", self._directory / name) if path.is_file()), None)

    def read(self, name: str) -> bytes:
        """What a file holds, in clear. Raises PlanError where it is absent, differs from its sum, or can't be decrypted."""
        path = self.find(name)
        if path is None:
            raise PlanError(f"{self._directory} has no {name}, so that it is no whole backup. Nothing was changed.")
        return self.open(path, self._sum_of(path))

    def open(self, path: Path, digest: str | None = None) -> bytes:
        """What any file holds, in clear, after it was compared with its sum where that is known."""
        try:
            data = path.read_bytes()
            if digest and hashlib.sha256(data).hexdigest() != digest:
                raise PlanError(f"{path} is damaged: it differs from its sum in {SUMS}. Nothing was changed.")
            if not is_encrypted(data):
                return data
            if not self._vault:
                raise PlanError(f"{path} is encrypted, and there is no vault_password. Nothing was changed.")
            return bytes(self._vault.decrypt(data))
        except OSError as error:
            raise PlanError(f"reading {path} on the controller: {error.strerror}. Nothing was changed.") from None
        except AnsibleVaultError:
            raise PlanError(f"{path} can't be decrypted with vault_password. Nothing was changed.") from None

    def _sum_of(self, path: Path) -> str | None:
        try:
            sums = parse_sums((self._directory / SUMS).read_text())
        except OSError:
            return None
        return sums.get(str(path.relative_to(self._directory)))


def pack_stacks(stacks: t.Sequence[t.Mapping[str, t.Any]], places: t.Sequence[Path]) -> bytes:
    """A ``tar.gz`` with the files that stacks name, below their names; empty where there are none. Raises PlanError."""
    found: dict[str, bytes] = {}
    for stack in stacks:
        if isinstance(stack.get("content"), str):
            found[f"{stack['name']}/content.yml"] = stack["content"].encode()
        for option in ("files", "env_files"):
            named = stack.get(option) or []
            for name in [named] if isinstance(named, str) else named:
                found[f"{stack['name']}/{_below(name)}"] = find_file(name, places).read_bytes()
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
