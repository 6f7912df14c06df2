# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the directory of a backup: the names of its files, and their sums as ``sha256sum --check`` reads them. Pure."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote, unquote

from .tar_members import is_below

SUMS, SEAL = "SHA256SUMS", "SHA256SUMS.hmac"
STATE_ARCHIVE, STACKS_ARCHIVE, INDEX = "swarm.tar.gz", "stacks.tar.gz", "index.json"
ENCRYPTED = ".vault"
PART_BYTES = 32 * 2**20
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>\S.*)")
_PART = re.compile(r"(?P<host>[^/]+)/(?P<kind>volume|path)\.(?P<name>[^/]+)\.tar\.gz\.\d+")


class Item(t.NamedTuple):
    """What a part of an archive belongs to: a volume or a path of a host."""

    host: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} of {self.host}"


def sum_line(name: str, digest: str) -> str:
    return f"{digest}  {name}\n"


def parse_sums(text: str) -> dict[str, str]:
    """Sums by name; of a name that stands there twice the last. Lines of another form, and names that lead elsewhere, are left out."""
    found = (_LINE.fullmatch(line) for line in text.split("\n"))
    return {match["name"]: match["digest"] for match in found if match and is_below(match["name"])}


def host_file(host: str, name: str) -> str:
    return f"{quote(host, safe='')}/{name}"


def archive_name(kind: str, name: str) -> str:
    """Such as ``volume.grading_database.tar.gz``. A path becomes one word that can be read back."""
    return f"{kind}.{quote(name, safe='')}.tar.gz"


def read_item(file_name: str) -> Item | None:
    """What a file of a backup belongs to; None for one that is no part of a volume or path."""
    match = _PART.fullmatch(file_name[: -len(ENCRYPTED)] if file_name.endswith(ENCRYPTED) else file_name)
    return Item(unquote(match["host"]), match["kind"], unquote(match["name"])) if match else None


def items_in(file_names: t.Iterable[str]) -> list[Item]:
    """The volumes and paths of a backup, each once, sorted."""
    return sorted({item for item in map(read_item, file_names) if item})
