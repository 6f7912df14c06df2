# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's index in a backup says of its volumes and paths. Pure.

A host and a backup may both lie: what names a file is not read from them but made from what they name, and compared.
"""

from __future__ import annotations

import json
import re
import typing as t

from ...errors import FlotillaError, PlanError
from .catalog import archive_name, host_file
from .data import check_paths, is_chosen
from .manifest import is_texts

FORMAT = 1
KEYS = ("kind", "name", "labels", "parts", "members", "bytes")
MOST_PARTS = 100_000  # five digits number them
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")

Archive = dict[str, t.Any]


def write_index(host: str, archives: t.Sequence[Archive]) -> bytes:
    return json.dumps({"format": FORMAT, "host": host, "archives": list(archives)}, indent=1).encode()


def read_index(data: bytes, host: str) -> list[Archive]:
    """The archives of a host. Raises PlanError for an index that is not this host's, or names another file than its own."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    archives = found.get("archives") if isinstance(found, dict) and found.get("format") == FORMAT and found.get("host") == host else None
    if not isinstance(archives, list) or not all(_is_archive(each) and _names(each, host) == each["parts"] for each in archives):
        raise PlanError(f"the index of {host} in the backup is not one that data_backup wrote.")
    return [_known(each) for each in archives]


def read_made(archives: t.Any, volumes: t.Sequence[str], paths: t.Sequence[str]) -> list[Archive]:
    """What a host says that it archived. Raises FlotillaError for what it was not asked for, or for parts with other names than theirs."""
    if not isinstance(archives, list) or not all(_is_archive(each) and _has_sums(each) for each in archives):
        raise FlotillaError("the host's list of what it archived has an unexpected form.")
    for each in archives:
        asked = each["name"] in paths if each["kind"] == "path" else is_chosen(each["name"], volumes)
        names = [part["path"].rpartition("/")[2] for part in each["parts"]]
        if not asked or names != part_names(each["kind"], each["name"], len(names)):
            raise FlotillaError(f"the host archived {each['kind']} {each['name']!r} as {names[:3]!r}, which was not requested.")
    return [_known(each) for each in archives]


def part_names(kind: str, name: str, count: int) -> list[str]:
    """The names of the files that together are an archive."""
    return [f"{archive_name(kind, name)}.{number:05}" for number in range(count)]


def _names(archive: Archive, host: str) -> list[str]:
    return [host_file(host, name) for name in part_names(archive["kind"], archive["name"], len(archive["parts"]))]


def _is_archive(item: t.Any) -> bool:
    """Whether this is a volume or a path, with its labels, its parts, and what it holds."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not is_texts(item.get("labels")):
        return False
    parts, counts = item.get("parts"), [item.get("members"), item.get("bytes")]
    counted = all(count is None or (isinstance(count, int) and count >= 0) for count in counts)
    return isinstance(parts, list) and 0 < len(parts) <= MOST_PARTS and counted and _is_place(item.get("kind"), item["name"])


def _is_place(kind: t.Any, name: str) -> bool:
    if kind == "volume":
        return bool(_VOLUME.fullmatch(name))
    try:
        check_paths([name])
    except PlanError:
        return False
    return kind == "path" and "\0" not in name


def _has_sums(archive: Archive) -> bool:
    return all(isinstance(part, dict) and isinstance(part.get("path"), str) and _is_digest(part.get("sha256")) for part in archive["parts"])


def _is_digest(value: t.Any) -> bool:
    return isinstance(value, str) and bool(_DIGEST.fullmatch(value))


def _known(archive: Archive) -> Archive:
    return {key: archive[key] for key in KEYS if key in archive}
