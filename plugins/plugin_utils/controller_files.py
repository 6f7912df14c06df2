# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller that playbooks and stacks name: regular ones of a bounded size, in clear where ansible-vault encrypted them."""

from __future__ import annotations

import os
import stat
import typing as t
from dataclasses import dataclass

from ansible.parsing.vault import AnsibleVaultError, AnsibleVaultFormatError, VaultLib, is_encrypted

LARGEST_BYTES = 8 * 2**20
"""More than any stack file, and than any secret or config that an engine takes, also when it is encrypted."""

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISLNK, "a link"),
)


def read_regular(path: str, largest: int = LARGEST_BYTES, follow: bool = True, below: str = "") -> bytes:
    """What a file holds. Raises OSError, and ValueError for what is no file or too large, before it is read.

    Without ``follow`` a link is no file. ``below`` is a directory in which the path lies, both without links: then no directory on the
    way may have become one.
    """
    _refuse(os.stat(path, follow_symlinks=follow), largest)
    # What became something else since then must not keep the reader waiting.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow and not below else os.O_NOFOLLOW)
    with open(_open_below(below, path, flags) if below else os.open(path, flags), "rb") as file:
        _refuse(os.fstat(file.fileno()), largest)
        data = file.read(largest + 1)
    if len(data) > largest:  # a file of the kernel's tells no size
        raise _too_large("more", largest)
    return data


def _open_below(root: str, path: str, flags: int) -> int:
    *folders, name = os.path.relpath(path, root).split(os.sep)
    place = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
            os.close(place)
            place = inner
        return os.open(name, flags, dir_fd=place)
    finally:
        os.close(place)


def _refuse(status: os.stat_result, largest: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "something else")
        raise ValueError(f"it is {kind}, expected a regular file")
    if status.st_size > largest:
        raise _too_large(f"{status.st_size} bytes", largest)


def _too_large(found: str, largest: int) -> ValueError:
    return ValueError(f"it holds {found}, expected at most {largest} bytes")


class Opened(t.NamedTuple):
    """What a file holds, in clear, and the vault id and the secret that opened it, where it was encrypted."""

    data: bytes
    vault_id: str = ""
    secret: t.Any = None


@dataclass(frozen=True)
class ControllerFiles:
    """``secrets`` are those that open what ansible-vault encrypted. Nothing outside the directory ``below`` is read, where it is given."""

    secrets: t.Sequence[t.Any] = ()
    below: str | None = None

    def read(self, path: str) -> bytes:
        """What a file holds, in clear. Raises OSError or ValueError."""
        return self.open(path).data

    def open(self, path: str) -> Opened:
        """The same, with what opened it."""
        place, root = os.path.realpath(path), ""
        if self.below is not None:
            root = os.path.realpath(self.below)
            if os.path.commonpath((root, place)) != root:
                raise ValueError(f"it is {place}, expected a file in {root} (files_below)")
        data = read_regular(place, below=root)
        if not is_encrypted(data):
            return Opened(data)
        try:
            clear, vault_id, secret = VaultLib(list(self.secrets)).decrypt_and_get_vault_id(data)
            return Opened(bytes(clear), vault_id, secret)
        except (AnsibleVaultError, AnsibleVaultFormatError):
            have = "no password of this run opens it" if self.secrets else "this run has no password for it"
            cure = "Give the right one with --vault-id or --vault-password-file"
            raise ValueError(f"it is encrypted with ansible-vault, and {have}. {cure}") from None
