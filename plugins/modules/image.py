#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build, load and push images on one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Build, load and push images on one host
version_added: 0.1.0
description:
  - Builds images from directories of the controller, loads them from archives, and pushes them to a registry,
    each only where needed.
  - An image is built when the hash of its context differs from the label C(io.flotilla.swarm.context) that the
    last build left on it. The hash covers the files that C(.dockerignore) does not leave out, their contents,
    links and right to execute, the Dockerfile, the build arguments, the target, labels and platforms. It does not cover what
    C(FROM) names, nor secrets; change a build argument to rebuild on a new base.
  - An image is loaded when the host has none of that name, and pushed when the registry's manifest is not one
    of those that the host knows it by.
  - The engine itself builds, through C(POST /build), so that no host needs a command line client or a plugin,
    and an engine elsewhere can be used with O(docker_host). It is the engine's classic builder. Where a
    Dockerfile needs BuildKit (C(RUN --mount), C(COPY --chmod), secrets, several platforms), O(images[].buildkit) builds with
    C(docker buildx bake) instead, for which the host needs the command line client and its plugin buildx.
  - The context is read on the controller, and sent to the host only when it is needed.
extends_documentation_fragment:
  - flotilla.swarm.attributes
  - flotilla.swarm.engine
  - flotilla.swarm.registry
options:
  images:
    description:
      - The images, in the order in which they are made.
      - One with neither O(images[].context) nor O(images[].archive) must be on the host already, and is only pushed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The image's full name with its registry and tag, such as V(127.0.0.1:5000/autograder:42).
        type: str
        required: true
      context:
        description:
          - Directory of the controller to build from. A relative path starts at the playbook, beside its directory C(playbooks),
            or where Ansible was started.
        type: str
      dockerfile:
        description:
          - The Dockerfile, relative to O(images[].context).
        type: str
        default: Dockerfile
      args:
        description:
          - Build arguments. They can be read from the image's history, so that no secret belongs here. For those there is
            O(images[].secrets).
        type: dict
        default: {}
      target:
        description:
          - The stage of the Dockerfile to build; the last one when absent.
        type: str
      labels:
        description:
          - Labels of the image.
        type: dict
        default: {}
      buildkit:
        description:
          - Whether C(docker buildx bake) builds the image, with the builder that C(docker buildx use) chose, and loads it into the engine.
          - Role engine installs client and plugin with O(flotilla.swarm.engine#role:main:engine_client).
        type: bool
        default: false
      secrets:
        description:
          - Secrets of the build, by the id in C(RUN --mount=type=secret). They need O(images[].buildkit).
          - The build gets them as files that only its user can read and that are removed afterwards. They are not in the image, unless
            the Dockerfile copies them. A secret that changed does not build anew.
        type: dict
        default: {}
      ssh:
        description:
          - Private keys, by the id in C(RUN --mount=type=ssh), such as V(default). An empty one stands for the SSH agent of the host that
            builds. They need O(images[].buildkit).
        type: dict
        default: {}
      cache_from:
        description:
          - Where to look for layers that were built before, such as an image or V(type=registry,ref=r.example/app:cache). It needs
            O(images[].buildkit).
        type: list
        elements: str
        default: []
      platforms:
        description:
          - Platforms of the image, such as V(linux/arm64), by default that of the builder. They need O(images[].buildkit), and
            more than one needs an engine that keeps its images in containerd.
        type: list
        elements: str
        default: []
      archive:
        description:
          - File on the host, as C(docker image save) writes it, that holds the image under O(images[].name).
        type: path
      push:
        description:
          - Whether the registry that O(images[].name) begins with must have the image.
        type: bool
        default: false
      context_hash:
        description:
          - Set by the action plugin. Not for playbooks.
        type: str
      context_archive:
        description:
          - Set by the action plugin. Not for playbooks.
        type: path
seealso:
  - module: flotilla.swarm.stack
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Build the application and push it to the swarm's own registry
  flotilla.swarm.image:
    images:
      - name: 127.0.0.1:5000/autograder:42
        context: "{{ inventory_dir }}/../../examples/autograder/app"
        args:
          BASE: debian:trixie
        push: true

- name: Build with a token that the image does not keep
  flotilla.swarm.image:
    images:
      - name: r.example.org/site:42
        context: site
        buildkit: true
        secrets:
          npm_token: "{{ vault_npm_token }}"
        push: true

- name: Load an image where no registry can be reached
  flotilla.swarm.image:
    images:
      - name: debian:trixie
        archive: /var/tmp/debian-trixie.tar

- name: Say what would be built and pushed, and why
  flotilla.swarm.image:
    images: "{{ images_build }}"
    registry_auth:
      - registry: registry.example.org
        username: ci
        password: "{{ vault_registry_password }}"
  check_mode: true
"""

RETURN = r"""
plan:
  description: At most one change for each image, with the reason for each step.
  returned: always
  type: list
  elements: dict
  sample:
    - kind: image
      name: 127.0.0.1:5000/autograder:42
      action: update
      fields:
        - path: context
          before: sha256:1a2b3c4d5e6f
          after: sha256:6f5e4d3c2b1a
      cost: nothing
      reason: build, its context changed; push to 127.0.0.1:5000, which then has an older one
"""

import collections
import typing as t
from dataclasses import replace

from ..module_utils._core.image_bake import CLIENT, BuildKit
from ..module_utils._core.image_build import (
    CONTEXT_LABEL,
    KEPT_LINES,
    ImageState,
    Wanted,
    Work,
    as_texts,
    build_header,
    last_lines,
    manifests_of,
    must_build,
    plan_images,
    push_header,
)
from ..module_utils._core.service.images import REGISTRY_AUTH, registry_of, split_tag
from ..module_utils._io import buildkit
from ..module_utils._io.engine import Engine, EngineError, NotFound
from ..module_utils._io.member import Member, member_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import Params, run_module

ARGUMENTS: dict[str, t.Any] = {
    "images": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "context": {"type": "str"},
            "dockerfile": {"type": "str", "default": "Dockerfile"},
            "args": {"type": "dict", "default": {}},
            "target": {"type": "str"},
            "labels": {"type": "dict", "default": {}},
            "buildkit": {"type": "bool", "default": False},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "ssh": {"type": "dict", "default": {}, "no_log": True},
            "cache_from": {"type": "list", "elements": "str", "default": []},
            "platforms": {"type": "list", "elements": "str", "default": []},
            "archive": {"type": "path"},
            "push": {"type": "bool", "default": False},
            "context_hash": {"type": "str"},
            "context_archive": {"type": "path"},
        },
        "mutually_exclusive": [("context", "archive")],
        "required_by": {"context": "context_hash"},
    },
    "registry_auth": REGISTRY_AUTH,
}
NO_BUILDKIT = "Set engine_client: true for the builder (role engine), or install packages docker-cli and docker-buildx there."


class Seen(t.NamedTuple):
    """``problem`` says in check mode why no image could be built as it is now."""

    images: dict[str, ImageState]
    problem: str = ""


def observe(member: Member, params: Params) -> Seen:
    """What there is of each image. In check mode there may be no engine yet, and then there is nothing."""
    if member.is_to_be_installed:
        return Seen({item["name"]: ImageState() for item in params["images"]})
    engine = member.require_engine()
    images = {item["name"]: _see(engine, item, params) for item in params["images"]}
    builds = [
        item["name"]
        for item in params["images"]
        if item["buildkit"] and must_build(item["context_hash"], images[item["name"]])
    ]
    found = buildkit.problem() if builds else ""
    if found and not member.check_mode:
        raise FlotillaError(found, NO_BUILDKIT, doing=f"building image {builds[0]} with BuildKit")
    return Seen(images, found)


def _see(engine: Engine, item: Params, params: Params) -> ImageState:
    name = item["name"]
    try:
        image = engine.get(f"/images/{name}/json", doing=f"reading image {name}")
    except NotFound:
        return ImageState()
    seen = ImageState(
        present=True,
        context_hash=((image.get("Config") or {}).get("Labels") or {}).get(CONTEXT_LABEL, ""),
        manifests=manifests_of(name, image.get("RepoDigests") or ()),
    )
    if not item["push"]:
        return seen
    try:
        remote = engine.get(
            f"/distribution/{name}/json",
            doing=f"asking {registry_of(name)} for {name}",
            headers=push_header(name, params["registry_auth"]),
        )
    except NotFound:
        return seen
    except EngineError as error:
        # Not an end: a push shows whether the registry is really out of reach, and check mode has nothing to lose.
        return replace(seen, problem=error.problem)
    return replace(seen, remote=remote["Descriptor"]["digest"])


def plan(seen: Seen, params: Params) -> Plan:
    decided = plan_images([_wanted(item, params) for item in params["images"]], seen.images)
    warnings = (f"Nothing can be built with BuildKit on this host yet: {seen.problem}. {NO_BUILDKIT}",) if seen.problem else ()
    return replace(decided, warnings=warnings)


def _wanted(item: Params, params: Params) -> Wanted:
    return Wanted(
        name=item["name"],
        context_hash=item["context_hash"] or "",
        context_archive=item["context_archive"] or "",
        dockerfile=item["dockerfile"],
        args=as_texts(item["args"]),
        target=item["target"] or "",
        labels=as_texts(item["labels"]),
        buildkit=_buildkit(item, params),
        archive=item["archive"] or "",
        push=item["push"],
        push_headers=push_header(item["name"], params["registry_auth"]),
        build_headers=build_header(params["registry_auth"]),
    )


def _buildkit(item: Params, params: Params) -> BuildKit | None:
    if not item["buildkit"]:
        given = [name for name in ("secrets", "ssh", "cache_from", "platforms") if item[name]]
        if given:
            raise PlanError(f"image {item['name']}: {', '.join(given)} is for BuildKit", "Set buildkit: true for the image.")
        return None
    return BuildKit(
        platforms=item["platforms"],
        cache_from=item["cache_from"],
        secrets=as_texts(item["secrets"]),
        ssh=as_texts(item["ssh"]),
        client={name: params[name] for name in CLIENT},
        credentials=params["registry_auth"],
    )


def apply(member: Member, change: Change, _observed: t.Any) -> None:
    engine, work = member.require_engine(), t.cast(Work, change.payload)
    if work.build and work.image.buildkit:
        buildkit.build(work.image, work.image.buildkit)
    elif work.build:
        build(engine, work.image)
    if work.load:
        load(engine, work.image)
    if work.push:
        push(engine, work.image)


def build(engine: Engine, image: Wanted) -> None:
    doing = f"building image {image.name}"
    with _open(image.context_archive, doing) as archive:
        messages = engine.stream(
            "/build",
            archive,
            doing=doing,
            headers={"Content-Type": "application/x-tar", **image.build_headers},
            t=image.name,
            labels=image.all_labels,
            dockerfile=image.dockerfile,
            buildargs=image.args,
            target=image.target or None,
            rm=True,
            forcerm=True,
        )
        output: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
        try:
            for message in messages:
                output.extend(str(message.get("stream", "")).splitlines())
        except EngineError as error:
            raise FlotillaError(f"{error} {last_lines(output)}") from None


def load(engine: Engine, image: Wanted) -> None:
    doing = f"loading image {image.name} from {image.archive}"
    with _open(image.archive, doing) as archive:
        for _message in engine.stream("/images/load", archive, doing, {"Content-Type": "application/x-tar"}, quiet=True):
            pass
    try:
        engine.get(f"/images/{image.name}/json", doing=doing)
    except NotFound:
        raise FlotillaError(f"{doing}: the archive has no image of that name", "Save it under that name.") from None


def push(engine: Engine, image: Wanted) -> None:
    repository, tag = split_tag(image.name)
    for _message in engine.stream(
        f"/images/{repository}/push", doing=f"pushing image {image.name}", headers=image.push_headers, tag=tag
    ):
        pass


def _open(path: str, doing: str) -> t.IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise FlotillaError(f"{doing}: {path}: {error.strerror}", "The file must be on the host that makes the image.") from None


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_target)


if __name__ == "__main__":
    main()
