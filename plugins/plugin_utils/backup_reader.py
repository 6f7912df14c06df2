# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a backup on the controller as they are read: only those that the backup lists, and only if its password made that list."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible.parsing.vault import AnsibleVaultError, AnsibleVaultFormatError, is_encrypted

from ..module_utils._core.backup.catalog import ENCRYPTED, SEAL, SUMS, parse_sums
from ..module_utils._core.backup.seal import is_sealed
from ..module_utils.errors import PlanError
from .backup_files import FILE_BYTES, LIST_BYTES, read_regular, vault_of

SWITCH = "To use it anyway: accept_unauthenticated=true (role backup: backup_accept_unauthenticated)."


class BackupReader:
    """One backup. Raises PlanError for one that is not authenticated, unless that is accepted."""

    def __init__(self, directory: Path, password: str, accept_unauthenticated: bool) -> None:
        self._directory, self._password = directory.resolve(), password
        if not directory.is_dir():
            raise PlanError(f"there is no backup {directory} on the controller.")
        sums = read_regular(self._directory / SUMS, LIST_BYTES) if (self._directory / SUMS).exists() else b""
        problem = self._problem(sums)
        if problem and not accept_unauthenticated:
            raise PlanError(f"{directory} {problem}", SWITCH)
        self.authenticated = not problem
        self._sums = parse_sums(sums.decode(errors="replace"))

    def _problem(self, sums: bytes) -> str:
        """Why nothing proves that these are the files of this backup; empty where something does."""
        seal = self._directory / SEAL
        if not seal.exists():
            return f"is not authenticated: it has no {SEAL}, so anyone who can write there may have changed it."
        if not self._password:
            return "is not authenticated: it is sealed with a password, and there is no vault_password."
        if not is_sealed(read_regular(seal, LIST_BYTES).decode(errors="replace"), self._password, self._directory.name, sums):
            return "is not authenticated: it was sealed with another password than vault_password, or its name or files were changed since."
        return ""

    def has(self, name: str) -> bool:
        """Whether the backup lists a file of this name, encrypted or not."""
        return bool(self._listed(name))

    def read(self, name: str) -> bytes:
        """What a file holds, in clear. Raises PlanError where it is absent, does not match its checksum, or can't be decrypted."""
        listed = self._listed(name)
        path = self._directory / listed
        if not listed or not path.exists():
            raise PlanError(f"{self._directory} has no {name}, so it is not a complete backup.")
        if path.parent.resolve() != path.parent:
            raise PlanError(f"{path} is behind a link that leads out of the backup.")
        data = read_regular(path, FILE_BYTES)
        if hashlib.sha256(data).hexdigest() != self._sums[listed]:
            raise PlanError(f"{path} is damaged: it does not match its checksum in {SUMS}.")
        return _decrypt(path, data, self._password)

    def _listed(self, name: str) -> str:
        return next((each for each in (f"{name}{ENCRYPTED}", name) if each in self._sums), "")


def read_archive_file(path: Path, password: str, accept_unauthenticated: bool) -> bytes:
    """What one file holds, in clear. Only as a part of the backup in whose directory it is can it be authenticated."""
    if not path.exists():
        raise PlanError(f"there is no {path} on the controller.")
    sums = path.parent / SUMS
    if sums.exists() and path.name in parse_sums(read_regular(sums, LIST_BYTES).decode(errors="replace")):
        return BackupReader(path.parent, password, accept_unauthenticated).read(path.name.removesuffix(ENCRYPTED))
    if not accept_unauthenticated:
        raise PlanError(f"{path} is not authenticated: it is outside the directory of its backup", SWITCH)
    return _decrypt(path, read_regular(path, FILE_BYTES), password)


def _decrypt(path: Path, data: bytes, password: str) -> bytes:
    if not is_encrypted(data):
        return data
    vault = vault_of(password)
    if not vault:
        raise PlanError(f"{path} is encrypted, and there is no vault_password.")
    try:
        return bytes(vault.decrypt(data))
    except (AnsibleVaultError, AnsibleVaultFormatError, ValueError, IndexError):
        raise PlanError(f"{path} can't be decrypted with vault_password.") from None
