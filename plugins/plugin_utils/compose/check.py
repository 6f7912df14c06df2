# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be true of the merged model as a whole: images are named, references lead somewhere, the engine takes it."""

from __future__ import annotations

import re
import typing as t

from ...module_utils._core.service.images import familiar_image
from ...module_utils._core.stack.finding import is_silenced
from .dependencies import break_circles, check_ends, drop_unknown
from .errors import ComposeError, Place
from .object_rules import DATA, NETWORK, VOLUME
from .rule import Rule, broken
from .service_rules import SERVICE

Model = dict[str, t.Any]
PlaceOf = t.Callable[[tuple[str, ...]], Place]
_OBJECTS = (("networks", NETWORK), ("volumes", VOLUME), ("secrets", DATA), ("configs", DATA))
_DRIVE = re.compile(r"[a-zA-Z]:")


def check_model(model: Model, place_of: PlaceOf, silence: t.Collection[str] = ()) -> list[str]:
    """Raise ComposeError for what cannot be deployed; returns warnings. ``place_of`` finds the file that a path is in."""
    warnings: list[str] = []
    for name, service in model["services"].items():
        place = place_of(("services", name))
        _check_image(service, place)
        _check_references(service, model, place)
        warnings.extend(_check_mounts(service, model, place))
        _check_credentials(service, model, place)
        warnings.extend(drop_unknown(service, model, place))
    for name, service in model["services"].items():
        check_ends(service, model, place_of(("services", name)))
    warnings.extend(break_circles(model["services"], place_of))
    used = _used(model)
    warnings.extend(_check_rules(model, used, place_of, silence))
    warnings.extend(_lint_unused(model, used, place_of))
    return warnings


def _used(model: Model) -> dict[str, set[str]]:
    """Keys of the networks and volumes that a service uses. What nobody uses is not created."""
    services = model["services"].values()
    return {
        "networks": {key for service in services for key in service.get("networks") or ["default"]},
        "volumes": {mount.get("source") for service in services for mount in service.get("volumes", [])},
    }


def _lint_unused(model: Model, used: t.Mapping[str, set[str]], place_of: PlaceOf) -> t.Iterator[str]:
    for section, keys in used.items():
        unused = [key for key in sorted(model.get(section, {}).keys() - keys) if not model[section][key].get("external")]
        if len(unused) > 1:
            names = f"{{{','.join(unused)}}}"
            yield (place_of((section,)) / names).note(f"no service uses these {section}, so they are not created")
        elif unused:
            yield place_of((section, unused[0])).note(f"no service uses this {section[:-1]}, so it is not created")


def broken_rules(model: Model, used: t.Mapping[str, set[str]] | None = None) -> t.Iterator[tuple[Rule, t.Any, tuple[str, ...]]]:
    """What the engine or a node would refuse in the middle of the deploy, or take for something else: rule, value and path of each."""
    used, networks = used or _used(model), model.get("networks", {})
    for key, service in model["services"].items():
        joined = [networks.get(name, {}).get("name") or name for name in service.get("networks", {})]
        for rule, value, below in broken(SERVICE, {**service, "networks": joined}):
            yield rule, value, ("services", key, *below)
    for section, rules in _OBJECTS:
        for key, item in model.get(section, {}).items():
            if not item.get("external") and key in used.get(section, (key,)):
                for rule, value, below in broken(rules, item):
                    yield rule, value, (section, key, *below)


def _check_rules(model: Model, used: t.Mapping[str, set[str]], place_of: PlaceOf, silence: t.Collection[str]) -> t.Iterator[str]:
    for rule, value, path in broken_rules(model, used):
        place = place_of(path)
        if not rule.word:
            raise place.error(rule.found(value), rule.expected, rule.cure)
        if not is_silenced(silence, rule.word, path[1]):
            yield place.note(f"{'; '.join(filter(None, (rule.found(value), rule.cure)))} ({rule.word})")


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
        for reference in service.get(section, []):
            if reference["source"] not in model.get(section, {}):
                raise _undefined(section, reference["source"], model, place)
    for network in service.get("networks", {}):
        if network != "default" and network not in model.get("networks", {}):
            raise _undefined("networks", network, model, place)


def _undefined(section: str, key: str, model: Model, place: Place) -> ComposeError:
    known = ", ".join(sorted(model.get(section, {}))) or "none"
    cure = f"define it there, with external: true if it exists already, or add the file that does (there: {known})"
    return (place / section).error(f"{section[:-1]} {key!r} is not in the top-level {section}", "", cure)


def _check_mounts(service: Model, model: Model, place: Place) -> t.Iterator[str]:
    options = {"npipe": "bind"}
    for mount in service.get("volumes", []):
        kind, source, target = mount["type"], mount.get("source", ""), mount.get("target", "")
        at = place / "volumes"
        if kind not in ("volume", "bind", "tmpfs", "npipe", "image", "cluster"):
            raise at.error(f"found type {kind!r}", "volume, bind, tmpfs, npipe or cluster")
        for block in ("bind", "volume", "tmpfs", "image", "cluster"):
            if mount.get(block) is not None and block != options.get(kind, kind):
                raise at.error(f"the {kind} at {target} has options for {block}", "", "remove them or change the type")
        if kind == "tmpfs" and source:
            raise at.error(f"the tmpfs at {target} has source {source!r}", "no source", "remove it, or use type: volume")
        if kind not in ("tmpfs", "volume") and not source:
            raise at.error(f"the {kind} at {target} has no source")
        named = (kind == "volume" and source) or (kind == "cluster" and not source.startswith("group:"))
        if named and source not in model.get("volumes", {}):
            raise _undefined("volumes", source, model, place)
        if kind == "volume" and not source and _DRIVE.match(target):
            yield at.note(f"{target!r} is read as a Windows path; give the volume a name of two letters or more")


def _check_credentials(service: Model, model: Model, place: Place) -> None:
    given = {key: value for key, value in (service.get("credential_spec") or {}).items() if value}
    if len(given) > 1:
        raise (place / "credential_spec").error(f"has {' and '.join(sorted(given))}", "one of config, file and registry")
    config = given.get("config")
    if config and config not in model.get("configs", {}):
        raise _undefined("configs", config, model, place)
