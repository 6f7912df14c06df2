# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images of a host nothing needs any longer. Pure: images and containers are those of the Engine API."""

from __future__ import annotations

import typing as t
from fnmatch import fnmatchcase

from .plan import Change, Plan
from .stack.reference import listed_image

Raw = t.Mapping[str, t.Any]

_NAMELESS = ("<none>:<none>", "<none>@<none>")


def plan_prune(
    images: t.Sequence[Raw], containers: t.Sequence[Raw], kept: t.Sequence[str], spared: t.Sequence[str], oldest_kept: float
) -> Plan:
    """Remove every image that no container has, that is not among ``kept`` (as services name images), that no pattern of
    ``spared`` matches, and that was made before ``oldest_kept`` (seconds since 1970)."""
    used = {container.get("ImageID") for container in containers}
    changes, freed = [], 0
    for image in sorted(images, key=lambda each: (_names(each) or [each["Id"]])[0]):
        names = _names(image)
        if image["Id"] in used or image.get("Created", 0) >= oldest_kept or is_kept(image, kept):
            continue
        if any(fnmatchcase(name, pattern) for name in names for pattern in spared):
            continue
        freed += image.get("Size") or 0
        shown = next(iter(names), image["Id"].partition(":")[2][:12])
        changes.append(Change("image", shown, "remove", (), "nothing", _size(image.get("Size") or 0), names or [image["Id"]]))
    return Plan(tuple(changes), result={"images": [change.name for change in changes], "bytes": freed})


def is_kept(image: Raw, kept: t.Iterable[str]) -> bool:
    """Whether one of the references means the image: by digest where it has one, else by name and tag."""
    digests, tags = image.get("RepoDigests") or [], image.get("RepoTags") or []
    for reference in kept:
        name, at, digest = listed_image(reference).partition("@")
        repository = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
        if at and f"{repository}@{digest}" in digests:
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
