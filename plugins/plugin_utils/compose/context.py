# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reading a file needs besides the file: variables, the folder of relative paths, and how to read other files."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .errors import ComposeError, Place
from .interpolate import Scope
from .mounts import Folder

Read = t.Callable[[str], bytes]


class MissingFile(ComposeError):
    """There is no file of that name. ``data`` is its path where a stack holds what is in it, such as an env_file or a secret."""

    data = ""


def read_bytes(path: str, place: Place, read: Read, cure: str = "") -> bytes:
    """The file at an absolute path, which the text at this place names."""
    try:
        return read(path)
    except UnicodeDecodeError:
        raise place.error(f"{path} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        kind = MissingFile if isinstance(error, FileNotFoundError) else ComposeError
        raise place.error(f"cannot read {path}: {getattr(error, 'strerror', None) or error}", "", cure, kind) from None


def read_text(path: str, place: Place, read: Read) -> str:
    try:
        return read_bytes(path, place, read).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise place.error(f"{path} is not UTF-8 text") from None


@dataclass
class Context:
    """``compose``: whether variables of services are those of ``docker compose`` rather than ``docker stack deploy``.

    ``device_kinds`` maps drivers of ``reservations.devices`` to the kinds of generic resources that nodes advertise.
    """

    folder: Folder
    scope: Scope
    compose: bool
    device_kinds: t.Mapping[str, str]
    read: Read

    @property
    def env(self) -> t.Mapping[str, str]:
        return self.scope.env

    @property
    def warnings(self) -> list[str]:
        return self.scope.warnings

    def read_file(self, path: str, place: Place) -> bytes:
        """The file that the text at this place names, relative to the folder of the stack."""
        cure, found = f"relative paths start at {self.folder.path}", self.folder.resolve(path, place)
        try:
            return read_bytes(found, place, self.read, cure)
        except MissingFile as error:
            error.data = found
            raise
