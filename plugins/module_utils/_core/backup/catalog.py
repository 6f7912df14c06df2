# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups in a directory: what each holds and lacks, and which may go. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ...errors import PlanError
from ...plan import Change, Plan
from .tar_members import is_below

_NAME = re.compile(r"(?P<cluster>[0-9a-z]{1,12})-(?P<stamp>\d{8}T\d{6}Z)")


@dataclass(frozen=True)
class Stored:
    """One backup. ``sums`` are those that were written down, ``found`` those of the files; empty texts where they were not read."""

    path: str
    cluster: str
    stamp: str
    sums: t.Mapping[str, str]
    found: t.Mapping[str, str]
    size: int

    @property
    def faults(self) -> list[str]:
        missing = [f"{name} is missing" for name in sorted(set(self.sums) - set(self.found))]
        differ = [name for name, digest in self.found.items() if digest and digest != self.sums.get(name, digest)]
        return missing + [f"{name} does not match its checksum" for name in sorted(differ)] or ([] if self.sums else [f"{SUMS} is empty"])

    def as_result(self) -> dict[str, t.Any]:
        date, time = self.stamp.split("T")
        return {
            "path": self.path,
            "cluster_id": self.cluster,
            "archived_at": f"{date[:4]}-{date[4:6]}-{date[6:]}T{time[:2]}:{time[2:4]}:{time[4:6]}Z",
            "files": len(self.sums),
            "bytes": self.size,
            "contents": [{**item._asdict(), "title": str(item)} for item in items_in(self.sums)],
            "faults": self.faults,
        }


def read_name(name: str) -> tuple[str, str] | None:
    """Beginning of the swarm's id, and time, of a backup's directory; None for another directory."""
    match = _NAME.fullmatch(name)
    return (match["cluster"], match["stamp"]) if match else None


def plan_store(stored: t.Sequence[Stored], cluster_id: str, keep: int) -> Plan:
    """Keep the newest ``keep`` whole backups of the swarm, and what is newer than the oldest of them; 0 keeps all."""
    if keep < 0:
        raise PlanError(f"keep is {keep}, expected the number to keep, or 0 for all.")
    mine = sorted((each for each in stored if cluster_id.startswith(each.cluster)), key=lambda each: each.stamp, reverse=True)
    whole = [each for each in mine if not each.faults]
    old = [each for each in mine if each.stamp < whole[keep - 1].stamp] if keep and len(whole) >= keep else []
    changes = (Change("backup", each.path, "remove", reason=f"older than the newest {keep}", payload=each.path) for each in old)
    left = sorted((each for each in stored if each not in old), key=lambda each: each.stamp, reverse=True)
    return Plan(tuple(changes), result={"backups": [each.as_result() for each in left]})


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
    """Sums by name; of a name that is listed twice the last. Lines of another form, and names that lead elsewhere, are left out."""
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
