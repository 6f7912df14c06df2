# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes and directories of one host: which are archived, and which an archive may be put back into. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ...errors import PlanError
from ..host.volumes import Volume
from .tar_members import PROVEN_RULES, UNPROVEN_RULES, Rules
from .tar_reader import MOST_BYTES, MOST_MEMBERS, Limits

Raw = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Source:
    """A volume or a path, and the directory in which its data is. ``labels`` are those of a volume."""

    kind: str
    name: str
    directory: str
    labels: t.Mapping[str, str]


@dataclass(frozen=True)
class Target:
    """Where an archive is restored to. ``problem`` says why it can't be; empty if it can.

    ``rules`` and ``limits`` are what may be in it.
    """

    kind: str
    name: str
    labels: t.Mapping[str, str]
    parts: tuple[str, ...]
    rules: Rules
    limits: Limits
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def read_target(archive: Raw, names: t.Collection[str], problem: str) -> Target:
    """The target of an archive of a backup. ``names`` are the volumes and paths that were asked for.

    A path of a backup that nothing authenticates could be any directory of the host, so that it has to be named in full.
    """
    proven = bool(archive.get("authenticated"))
    if archive["kind"] == "path" and not proven and archive["name"] not in names:
        problem = "the backup is not authenticated, so paths are restored only if names lists them in full, without * and ?"
    return Target(
        kind=archive["kind"],
        name=archive["name"],
        labels=archive.get("labels") or {},
        parts=tuple(archive.get("parts") or ()),
        rules=PROVEN_RULES if proven else UNPROVEN_RULES,
        limits=Limits(archive.get("members", MOST_MEMBERS), archive.get("bytes", MOST_BYTES)),
        problem=problem,
    )


def check_paths(paths: t.Sequence[str]) -> None:
    """Raises PlanError for what is no directory of its own."""
    wrong = [path for path in paths if not path.startswith("/") or path.rstrip("/") == "" or ".." in path.split("/")]
    if wrong:
        raise PlanError(f"paths has {', '.join(wrong)}, expected absolute paths of directories below /.")


def is_chosen(name: str, patterns: t.Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def choose(volumes: t.Sequence[Volume], mountpoints: t.Mapping[str, str], patterns: t.Sequence[str]) -> tuple[list[Source], list[str]]:
    """The volumes that hold their data on this host, and a line for each chosen one that does not."""
    chosen = sorted((volume for volume in volumes if is_chosen(volume.name, patterns)), key=lambda volume: volume.name)
    here = [Source("volume", item.name, mountpoints[item.name], item.labels) for item in chosen if item.keeps_data]
    return here, [f"volume {item.name}: {place_of(item)}" for item in chosen if not item.keeps_data]


def place_of(volume: Volume) -> str:
    """Where the data of a volume is that does not keep it itself."""
    if volume.driver != "local":
        return f"driver {volume.driver} keeps its data elsewhere"
    server = next((word[5:] for word in volume.options.get("o", "").split(",") if word.startswith("addr=")), "")
    return f"its data is in {server}{volume.options.get('device', '')}; archive that by its path"


def volume_problem(existing: Volume | None, is_empty: bool, users: t.Sequence[str]) -> str:
    """Why an archive can't be restored into a volume."""
    if existing is None:
        return ""
    if not existing.keeps_data:
        return place_of(existing)
    if users:
        return f"{', '.join(users)} uses it"
    return "" if is_empty else "it holds data"


def users_of(containers: t.Sequence[Raw], volumes: t.Collection[str]) -> dict[str, str]:
    """Names by id of the running containers that use one of these volumes."""
    return {
        str(container["Id"]): str((container.get("Names") or ["?"])[0]).lstrip("/")
        for container in containers
        if container.get("State") == "running" and any(mount.get("Name") in volumes for mount in container.get("Mounts") or [])
    }
