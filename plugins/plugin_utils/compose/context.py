# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reading a file needs besides the file: variables, the folder of relative paths, and how to read other files."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .errors import Place
from .mounts import Folder

Read = t.Callable[[str], bytes]


def read_disk(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@dataclass
class Context:
    """``versioned``: the file follows a version 3 of the format rather than the Compose Spec.

    ``device_kinds`` maps drivers of ``reservations.devices`` to the kinds of generic resources that the nodes advertise.
    """

    folder: Folder
    env: t.Mapping[str, str]
    versioned: bool
    device_kinds: t.Mapping[str, str]
    read: Read = read_disk
    warnings: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def read_file(self, path: str, place: Place, cure: str = "") -> bytes:
        """The file that the text at this place names, relative to the folder of the stack."""
        whole = self.folder.resolve(path, place)
        try:
            return self.read(whole)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise place.error(f"cannot read {whole}: {reason}", "", cure or f"relative paths start at {self.folder.path}") from None
