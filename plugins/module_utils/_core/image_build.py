# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images must be built, loaded or pushed, and why. Pure."""

from __future__ import annotations

import base64
import json
import typing as t
from dataclasses import dataclass, field

from ..errors import PlanError
from ..plan import Change, Field, Plan
from .image_bake import BuildKit
from .service.images import auth_headers, registry_of, split_tag

CONTEXT_LABEL = "io.flotilla.swarm.context"
KEPT_LINES = 15
"""So many of what a build says last are told when it fails."""


@dataclass(frozen=True)
class Wanted:
    """One image. ``context_hash`` is empty if nothing is built, ``archive`` where nothing is loaded.

    ``context_archive`` is the packed context on the host, and the headers carry the registry's credentials. Without ``buildkit`` the
    engine's classic builder builds.
    """

    name: str
    context_hash: str = ""
    archive: str = ""
    push: bool = False
    context_archive: str = ""
    dockerfile: str = "Dockerfile"
    args: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    target: str = ""
    labels: t.Mapping[str, str] = field(default_factory=dict)
    buildkit: BuildKit | None = None
    push_headers: dict[str, str] = field(default_factory=dict, repr=False)
    build_headers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def all_labels(self) -> dict[str, str]:
        return {**self.labels, CONTEXT_LABEL: self.context_hash}


@dataclass(frozen=True)
class ImageState:
    """What is there: ``manifests`` are the digests under which the image on the host is known to registries.

    ``remote`` is the digest that the registry has for the name, empty if it has none; ``problem`` says why it could
    not be asked.
    """

    present: bool = False
    context_hash: str = ""
    manifests: tuple[str, ...] = ()
    remote: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Work:
    """What apply has to do for an image, in this order."""

    image: Wanted
    build: bool
    load: bool
    push: bool


def as_texts(given: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Arguments, labels and the like; what has no value is empty."""
    return {str(name): "" if value is None else str(value) for name, value in given.items()}


def push_header(name: str, credentials: t.Sequence[t.Mapping[str, str]]) -> dict[str, str]:
    """The header for pushing an image. The engine wants one for an anonymous push too."""
    return auth_headers(name, credentials) or {"X-Registry-Auth": _encode({})}


def build_header(credentials: t.Sequence[t.Mapping[str, str]]) -> dict[str, str]:
    """The header for building an image, whose base may lie in any registry."""
    accounts = {item["registry"]: {"username": item["username"], "password": item["password"]} for item in credentials}
    return {"X-Registry-Config": _encode(accounts)}


def _encode(value: t.Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def manifests_of(name: str, repo_digests: t.Iterable[str]) -> tuple[str, ...]:
    """The digests among an image's RepoDigests that belong to the repository of ``name``."""
    repository = split_tag(name)[0]
    pairs = (digest.rpartition("@") for digest in repo_digests)
    return tuple(digest for known, _at, digest in pairs if known == repository)


def plan_images(wanted: t.Sequence[Wanted], seen: t.Mapping[str, ImageState]) -> Plan:
    """At most one change an image, in the order of ``wanted``: an image may be the base of a later one."""
    names = [image.name for image in wanted]
    for name in names:
        if names.count(name) > 1:
            raise PlanError(f"image {name} is listed {names.count(name)} times", "List each name once.")
    changes = (_change(image, seen[image.name]) for image in wanted)
    return Plan(tuple(change for change in changes if change))


def last_lines(output: t.Iterable[str]) -> str:
    return "The last lines of the build:" + "".join(f"\n  {line}" for line in output if line.strip())


def must_build(context_hash: str | None, seen: ImageState) -> bool:
    """Whether what there is of an image was built from another context; False for one that is not built."""
    return bool(context_hash) and seen.context_hash != context_hash


def _change(image: Wanted, seen: ImageState) -> Change | None:
    build = must_build(image.context_hash, seen)
    load = bool(image.archive) and not seen.present
    if not (seen.present or build or load):
        raise PlanError(
            f"image {image.name} is not on this host, and there is nothing to build or load it from",
            "Give its context to build it, or its archive to load it.",
        )
    push = image.push and (build or load or not seen.remote or seen.remote not in seen.manifests)
    if not (build or load or push):
        return None
    fields = []
    if build:
        fields.append(Field("context", seen.context_hash[:19] or None, image.context_hash[:19]))
    if push and seen.remote and not (build or load):
        fields.append(Field("manifest", seen.remote[:19], seen.manifests[0][:19] if seen.manifests else None))
    steps = [
        f"build, {_why_build(seen)}" if build else "",
        f"load {image.archive}, it is not on this host" if load else "",
        f"push to {registry_of(image.name)}, {_why_push(seen, build or load)}" if push else "",
    ]
    return Change(
        kind="image",
        name=image.name,
        action="update" if seen.present else "create",
        fields=tuple(fields),
        reason="; ".join(step for step in steps if step),
        payload=Work(image, build, load, push),
    )


def _why_build(seen: ImageState) -> str:
    if not seen.present:
        return "it is not on this host"
    return "its context changed" if seen.context_hash else "what is there was not built from a context"


def _why_push(seen: ImageState, new: bool) -> str:
    if seen.problem:
        return f"which can't be read: {seen.problem}"
    if not seen.remote:
        return "which has no such image"
    return "which then has an older one" if new else "which has another one"
