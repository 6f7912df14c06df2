# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``image`` for the stacks whose images are built. Pure."""

from __future__ import annotations

import base64
import difflib
import os
import typing as t

from ..module_utils._core.stack.options import ARGUMENTS
from ..module_utils.errors import PlanError

Json = dict[str, t.Any]


def chosen_stacks(chosen: t.Iterable[t.Any], stacks: t.Sequence[t.Mapping[str, t.Any]]) -> list[t.Mapping[str, t.Any]]:
    """The options of each stack of ``images_from_stacks``: a name stands for the one of ``stacks`` that bears it."""
    by_name = {str(stack["name"]): stack for stack in stacks if stack.get("name")}
    found: list[t.Mapping[str, t.Any]] = []
    for item in chosen:
        if isinstance(item, t.Mapping):
            _check_options(item)
            found.append(with_name(item))
        elif not isinstance(item, str):
            raise PlanError(f"images_from_stacks holds {item!r}", "Name a stack of stacks_present, or give files and env.")
        elif item in by_name:
            found.append(by_name[item])
        else:
            near = difflib.get_close_matches(item, by_name, 1)
            known = (
                f"Write {near[0]}." if near else f"Its stacks are {', '.join(sorted(by_name)) or 'none'}; or give files in place of a name."
            )
            raise PlanError(f"images_from_stacks names {item}, which is not a stack of stacks_present", known)
    return found


def with_name(stack: t.Mapping[str, t.Any]) -> Json:
    """A stack that is not deployed needs no name: messages call it by its files."""
    files = stack.get("files") or ["content"]
    return {"name": ", ".join([files] if isinstance(files, str) else map(str, files)), **stack}


def _check_options(stack: t.Mapping[str, t.Any]) -> None:
    for name in stack:
        if name not in ARGUMENTS:
            near = difflib.get_close_matches(str(name), ARGUMENTS, 1)
            cure = f"Write {near[0]}." if near else "Give files, env and other options of module stack."
            raise PlanError(f"images_from_stacks: {name} is not an option of a stack", cure)


def images_of(stack: str, model: t.Mapping[str, t.Any]) -> list[Json]:
    """An entry of ``images`` for each image of the stack that has a ``build``. Raises PlanError."""
    found: dict[str, Json] = {}
    makers: dict[str, str] = {}
    for service, fields in model["services"].items():
        if "build" not in fields:
            continue
        image = _image(f"stack {stack}, service {service}", fields, model.get("secrets") or {})
        name = image["name"]
        if found.setdefault(name, image) != image:
            raise PlanError(
                f"stack {stack}: services {makers[name]} and {service} build {name} in two ways", "Give each a name of its own."
            )
        makers.setdefault(name, service)
    if not found:
        raise PlanError(f"stack {stack}: no service has a build", "Take the stack out of images_from_stacks, or activate its profiles.")
    return list(found.values())


def join_images(stacks: t.Iterable[t.Sequence[Json]]) -> list[Json]:
    """The images of all stacks, each once: two stacks may build one image in the same way."""
    found: list[Json] = []
    for image in (image for images in stacks for image in images):
        if image not in found:
            found.append(image)
    return found


def _image(where: str, fields: t.Mapping[str, t.Any], secrets: t.Mapping[str, t.Any]) -> Json:
    build = dict(fields["build"])
    name = fields["image"]
    if "@" in name:
        raise PlanError(f"{where}: {name} has a digest, which no build can promise", "Name the image by its tag.")
    if os.path.isabs(build.get("dockerfile", "")):
        build["dockerfile"] = os.path.relpath(build["dockerfile"], build["context"])
    if "secrets" in build:
        build["secrets"] = {mounted: _content(where, source, secrets) for mounted, source in build["secrets"].items()}
    return {"name": name, "buildkit": True, "push": True, **build}


def _content(where: str, source: str, secrets: t.Mapping[str, t.Any]) -> str:
    if source not in secrets:
        raise PlanError(f"{where}: its build needs the secret {source}, which is not defined", "Define it at the top level.")
    content = secrets[source].get("content")
    if content is None:
        raise PlanError(f"{where}: its build needs the secret {source}, which only the swarm has", "Give it file or environment.")
    try:
        return base64.b64decode(content).decode()
    except UnicodeDecodeError:
        raise PlanError(f"{where}: the secret {source} is not text, and a build gets no other", "Encode it, as with base64.") from None
