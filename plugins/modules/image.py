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
    links and right to execute, the Dockerfile, the build arguments and the target. It does not cover what
    C(FROM) names; change a build argument to rebuild on a new base.
  - An image is loaded when the host has none of that name, and pushed when the registry's manifest is not one
    of those that the host knows it by.
  - The engine itself builds, through C(POST /build), so that no host needs a command line client or a plugin,
    and an engine elsewhere can be used with O(docker_host). It is the engine's classic builder. Where a
    Dockerfile needs BuildKit (C(RUN --mount), C(COPY --chmod), several platforms), build and push with C(docker
    buildx bake) in your pipeline, and leave the image out here.
  - The context is read on the controller, and sent to the host only when it is needed.
extends_documentation_fragment:
  - flotilla.swarm.attributes
  - flotilla.swarm.engine
  - flotilla.swarm.registry
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
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
          - Build arguments. They can be read from the image's history, so that no secret belongs here.
        type: dict
        default: {}
      target:
        description:
          - The stage of the Dockerfile to build; the last one when absent.
        type: str
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
from urllib.parse import quote

from ..module_utils._core.image_build import (
    CONTEXT_LABEL,
    ImageState,
    Wanted,
    Work,
    build_header,
    manifests_of,
    plan_images,
    push_header,
    split_tag,
)
from ..module_utils._core.service.images import REGISTRY_AUTH, registry_of
from ..module_utils._io.engine import Engine, EngineError, NotFound
from ..module_utils._io.member import Member, member_target
from ..module_utils.errors import FlotillaError
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
LAST_LINES = 15


def observe(member: Member, params: Params) -> dict[str, ImageState]:
    """What there is of each image. In check mode there may be no engine yet, and then there is nothing."""
    if member.is_to_be_installed:
        return {item["name"]: ImageState() for item in params["images"]}
    engine = member.require_engine()
    return {item["name"]: _see(engine, item, params) for item in params["images"]}


def _see(engine: Engine, item: Params, params: Params) -> ImageState:
    name = item["name"]
    try:
        image = engine.get(f"/images/{_quote(name)}/json", doing=f"reading image {name}")
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
            f"/distribution/{_quote(name)}/json",
            doing=f"asking {registry_of(name)} for {name}",
            headers=push_header(name, params["registry_auth"]),
        )
    except NotFound:
        return seen
    except EngineError as error:
        # Not an end: a push shows whether the registry is really out of reach, and check mode has nothing to lose.
        return replace(seen, problem=error.problem)
    return replace(seen, remote=remote["Descriptor"]["digest"])


def plan(seen: dict[str, ImageState], params: Params) -> Plan:
    return plan_images([_wanted(item, params) for item in params["images"]], seen)


def _wanted(item: Params, params: Params) -> Wanted:
    return Wanted(
        name=item["name"],
        context_hash=item["context_hash"] or "",
        context_archive=item["context_archive"] or "",
        recipe={
            "dockerfile": item["dockerfile"],
            "buildargs": {name: str(value) for name, value in item["args"].items()},
            "target": item["target"],
        },
        archive=item["archive"] or "",
        push=item["push"],
        push_headers=push_header(item["name"], params["registry_auth"]),
        build_headers=build_header(params["registry_auth"]),
    )


def apply(member: Member, change: Change, _observed: t.Any) -> None:
    engine, work = member.require_engine(), t.cast(Work, change.payload)
    if work.build:
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
            labels={CONTEXT_LABEL: image.context_hash},
            rm=True,
            forcerm=True,
            **image.recipe,
        )
        output: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        try:
            for message in messages:
                output.extend(str(message.get("stream", "")).splitlines())
        except EngineError as error:
            said = "".join(f"\n  {line}" for line in output if line.strip())
            raise FlotillaError(f"{error} The last lines of the build:{said}") from None


def load(engine: Engine, image: Wanted) -> None:
    doing = f"loading image {image.name} from {image.archive}"
    with _open(image.archive, doing) as archive:
        for _message in engine.stream("/images/load", archive, doing, {"Content-Type": "application/x-tar"}, quiet=True):
            pass
    try:
        engine.get(f"/images/{_quote(image.name)}/json", doing=doing)
    except NotFound:
        raise FlotillaError(f"{doing}: the archive has no image of that name", "Save it under that name.") from None


def push(engine: Engine, image: Wanted) -> None:
    repository, tag = split_tag(image.name)
    for _message in engine.stream(
        f"/images/{_quote(repository)}/push", doing=f"pushing image {image.name}", headers=image.push_headers, tag=tag
    ):
        pass


def _open(path: str, doing: str) -> t.IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise FlotillaError(f"{doing}: {path}: {error.strerror}", "The file must be on the host that makes the image.") from None


def _quote(name: str) -> str:
    return quote(name, safe="/:@")


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_target)


if __name__ == "__main__":
    main()
