# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has that nothing needs any longer. Pure: images, containers and parts of the build cache are those of the Engine API."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..plan import Change, Plan
from .schedule.containers import TASK_LABEL
from .service.images import listed_image, source_of
from .timestamps import read_time

Raw = t.Mapping[str, t.Any]

_NAMELESS = ("<none>:<none>", "<none>@<none>")
_NODE_LABEL = "com.docker.swarm.node.id"
_STOPPED = ("created", "exited", "dead")


@dataclass(frozen=True)
class HostInventory:
    """What a host has. ``node_id`` is that of the host now, empty outside a swarm and None if it is not known; ``now`` is in
    seconds since 1970, and ``age`` how old has to be what goes."""

    images: t.Sequence[Raw]
    containers: t.Sequence[Raw]
    cache: t.Sequence[Raw]
    node_id: str | None
    now: float
    age: float

    def is_old(self, moment: float) -> bool:
        return moment < self.now - self.age


def plan_prune(seen: HostInventory, kept: t.Sequence[str], spared: t.Sequence[str]) -> Plan:
    """Remove what is old and left over: containers first, since an image of which one stays does too.

    ``kept`` are images as services name them, and ``spared`` patterns of further ones.
    """
    left = [container for container in seen.containers if _is_left(container, seen)]
    containers = [Change("container", _name(each), "remove", (), "nothing", each.get("Image") or "", each["Id"]) for each in left]
    gone = {container["Id"] for container in left}
    used = {container.get("ImageID") for container in seen.containers if container["Id"] not in gone}
    changes, freed = [], 0
    for image in sorted(seen.images, key=lambda each: (_names(each) or [each["Id"]])[0]):
        names = _names(image)
        if image["Id"] in used or not seen.is_old(image.get("Created", 0)) or is_kept(image, kept):
            continue
        if any(fnmatchcase(name, pattern) for name in names for pattern in spared):
            continue
        freed += image.get("Size") or 0
        shown = next(iter(names), image["Id"].partition(":")[2][:12])
        changes.append(Change("image", shown, "remove", (), "nothing", _size(image.get("Size") or 0), names or [image["Id"]]))
    unused = _unused(seen)
    cached = sum(part.get("Size") or 0 for part in unused)
    cache = [Change("cache", "of builds", "remove", (), "nothing", _size(cached), seen.age)] if unused else []
    result = {
        "containers": [change.name for change in containers],
        "images": [change.name for change in changes],
        "bytes": freed + cached,
    }
    return Plan((*containers, *changes, *cache), result=result)


def _is_left(container: Raw, seen: HostInventory) -> bool:
    """Whether it was a task's when the host was another node. The swarm removes those of its own nodes itself."""
    labels = container.get("Labels") or {}
    was_task = TASK_LABEL in labels and labels.get(_NODE_LABEL) != seen.node_id
    return was_task and seen.node_id is not None and container.get("State") in _STOPPED and seen.is_old(container.get("Created", 0))


def _name(container: Raw) -> str:
    return next((str(name).lstrip("/") for name in container.get("Names") or []), str(container["Id"])[:12])


def _unused(seen: HostInventory) -> list[Raw]:
    """The parts that no build uses and on which nothing builds that stays."""
    stays = [part for part in seen.cache if part.get("InUse") or not seen.is_old(_last_used(part))]
    needed = {part["ID"] for part in stays}
    parents = {part["ID"]: part.get("Parents") or [] for part in seen.cache}
    while stays:
        above = {parent for part in stays for parent in parents.get(part["ID"], [])} - needed
        needed |= above
        stays = [part for part in seen.cache if part["ID"] in above]
    return [part for part in seen.cache if part["ID"] not in needed]


def _last_used(part: Raw) -> float:
    return read_time(part.get("LastUsedAt") or part["CreatedAt"])


def is_kept(image: Raw, kept: t.Iterable[str]) -> bool:
    """Whether one of the references means the image: by digest where it has one, else by name and tag."""
    digests, tags = image.get("RepoDigests") or [], image.get("RepoTags") or []
    for reference in kept:
        reference = listed_image(reference)
        name, at, _digest = reference.partition("@")
        if at and source_of(reference) in digests:
            return True
        # An image that was built or loaded on the host has no digest.
        if name in tags and (not at or not digests):
            return True
    return False


def _names(image: Raw) -> list[str]:
    """What has to be removed so that the image goes: its tags, and digests whose repository has no tag here."""
    tags = [tag for tag in image.get("RepoTags") or [] if tag not in _NAMELESS]
    tagged = {tag.rpartition(":")[0] for tag in tags}
    digests = [digest for digest in image.get("RepoDigests") or [] if digest not in _NAMELESS]
    return tags + [digest for digest in digests if digest.partition("@")[0] not in tagged]


def _size(count: int) -> str:
    return f"{count / 1_000_000:.0f} MB"
