# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be true of the merged model as a whole: images are named, references lead somewhere."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.flotilla.swarm.plugins.module_utils.stack.reference import familiar_image

from .errors import ComposeError, Place

Model = dict[str, t.Any]
_DRIVE = re.compile(r"[a-zA-Z]:")


def check_model(model: Model, place_of: t.Callable[[tuple[str, ...]], Place]) -> list[str]:
    """Raise ComposeError for what cannot be deployed; returns warnings. ``place_of`` finds the file that a path is in."""
    warnings: list[str] = []
    for name, service in model["services"].items():
        place = place_of(("services", name))
        _check_image(service, place)
        _check_references(service, model, place)
        warnings.extend(_check_mounts(service, model, place))
        _check_credentials(service, model, place)
        warnings.extend(_drop_unknown(service, model, place))
    warnings.extend(_break_circles(model["services"], place_of))
    return warnings


def _drop_unknown(service: Model, model: Model, place: Place) -> t.Iterator[str]:
    """Dependencies on services that are not there: an error where the file insists on them."""
    place /= "depends_on"
    for other in [name for name in service.get("depends_on", {}) if name not in model["services"]]:
        if service["depends_on"].pop(other)["required"]:
            raise place.error(
                f"there is no service {other!r}", "a service of this stack", "remove it, or set required: false"
            )
        yield place.note(f"there is no service {other!r}; the dependency is ignored")


def _break_circles(services: Model, place_of: t.Callable[[tuple[str, ...]], Place]) -> t.Iterator[str]:
    while circle := _find_circle(services):
        edges = list(zip(circle, (*circle[1:], circle[0]), strict=True))
        place = place_of(("services", circle[0], "depends_on"))
        soft = [edge for edge in edges if not services[edge[0]]["depends_on"][edge[1]]["required"]]
        way = " -> ".join((*circle, circle[0]))
        if not soft:
            raise place.error(
                f"services depend on each other in a circle: {way}", "", "remove one of these dependencies"
            )
        name, other = soft[-1]
        del services[name]["depends_on"][other]
        yield place.note(f"services depend on each other in a circle: {way}; {name} is not ordered after {other}")


def _find_circle(services: Model) -> list[str]:
    """The services of one circle of depends_on, empty without any."""
    left = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    while ready := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in ready}
    path = sorted(left)[:1]
    while path:
        following = min(left[path[-1]] & left.keys())
        if following in path:
            return path[path.index(following) :]
        path.append(following)
    return []


def _check_image(service: Model, place: Place) -> None:
    image = service.get("image")
    if not image:
        cure = "build it and name it in image" if "build" in service else "name it, or add the file that names it"
        raise place.error("no image is given", "image: name:tag", cure)
    try:
        familiar_image(image)
    except ValueError as expected:
        raise (place / "image").error(f"found {image!r}", str(expected)) from None


def _check_references(service: Model, model: Model, place: Place) -> None:
    for section in ("secrets", "configs"):
        targets: dict[str, str] = {}
        for reference in service.get(section, []):
            source = reference["source"]
            if source not in model.get(section, {}):
                raise _undefined(section, source, model, place)
            target = reference.get("target") or source
            if target in targets:
                raise (place / section).error(
                    f"{targets[target]!r} and {source!r} have the same target {target!r}", "one target each"
                )
            targets[target] = source
    for network in service.get("networks", {}):
        if network != "default" and network not in model.get("networks", {}):
            raise _undefined("networks", network, model, place)


def _undefined(section: str, key: str, model: Model, place: Place) -> ComposeError:
    known = ", ".join(sorted(model.get(section, {}))) or "none"
    cure = f"define it there, with external: true if it exists already, or add the file that does (there: {known})"
    return (place / section).error(f"{section[:-1]} {key!r} is not in the top-level {section}", "", cure)


def _check_mounts(service: Model, model: Model, place: Place) -> t.Iterator[str]:
    options = {"npipe": "bind"}
    targets: set[str] = set()
    for mount in service.get("volumes", []):
        kind, source, target = mount["type"], mount.get("source", ""), mount.get("target", "")
        at = place / "volumes"
        if kind not in ("volume", "bind", "tmpfs", "npipe", "image", "cluster"):
            raise at.error(f"found type {kind!r}", "volume, bind, tmpfs, npipe, image or cluster")
        for block in ("bind", "volume", "tmpfs", "image", "cluster"):
            if mount.get(block) is not None and block != options.get(kind, kind):
                raise at.error(f"the {kind} at {target} has options for {block}", "", "remove them or change the type")
        if kind == "tmpfs" and source:
            raise at.error(
                f"the tmpfs at {target} has source {source!r}", "no source", "remove it, or use type: volume"
            )
        if kind not in ("tmpfs", "volume") and not source:
            raise at.error(f"the {kind} at {target} has no source")
        named = (kind == "volume" and source) or (kind == "cluster" and not source.startswith("group:"))
        if named and source not in model.get("volumes", {}):
            raise _undefined("volumes", source, model, place)
        if target in targets:
            raise at.error(f"two mounts have the target {target}", "one mount for each target", "remove one of them")
        targets.add(target)
        if kind == "volume" and not source and _DRIVE.match(target):
            yield at.note(f"{target!r} is read as a Windows path; give the volume a name of two letters or more")


def _check_credentials(service: Model, model: Model, place: Place) -> None:
    given = {key: value for key, value in (service.get("credential_spec") or {}).items() if value}
    if len(given) > 1:
        raise (place / "credential_spec").error(
            f"has {' and '.join(sorted(given))}", "one of config, file and registry"
        )
    config = given.get("config")
    if config and config not in model.get("configs", {}):
        raise _undefined("configs", config, model, place)
