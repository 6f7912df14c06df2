# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be true of the merged model as a whole: images are named, references lead somewhere."""

from __future__ import annotations

import re
import typing as t

from ...module_utils._core.service.constraints import parse_constraint
from ...module_utils._core.service.images import familiar_image
from .dependencies import break_circles, check_ends, drop_unknown
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
        _check_engine_rules(service, place)
        warnings.extend(drop_unknown(service, model, place))
    for name, service in model["services"].items():
        check_ends(service, model, place_of(("services", name)))
    warnings.extend(break_circles(model["services"], place_of))
    warnings.extend(_lint_objects(model, place_of))
    return warnings


def _lint_objects(model: Model, place_of: t.Callable[[tuple[str, ...]], Place]) -> t.Iterator[str]:
    """Networks and volumes that nobody uses, and are not created; networks that no service can use."""
    services = model["services"].values()
    used = {
        "networks": {key for service in services for key in service.get("networks") or ["default"]},
        "volumes": {mount.get("source") for service in services for mount in service.get("volumes", [])},
    }
    for section, keys in used.items():
        for key in sorted(model.get(section, {}).keys() - keys):
            if not model[section][key].get("external"):
                yield place_of((section, key)).note(f"no service uses this {section[:-1]}, so it is not created")
    for key in sorted(used["networks"] & model.get("networks", {}).keys()):
        if model["networks"][key].get("driver") == "bridge":
            yield place_of(("networks", key, "driver")).note("a bridge ends at its node, and no service can use it; use overlay")


def _check_engine_rules(service: Model, place: Place) -> None:
    """What the engine would refuse in the middle of the deploy."""
    deploy = service.get("deploy", {})
    mode = deploy.get("mode", "")
    if mode.startswith("global") and "replicas" in deploy:
        expected = "mode replicated or replicated-job"
        raise (place / "deploy" / "replicas").error(f"replicas of mode {mode}", expected, "remove replicas")
    condition = deploy.get("restart_policy", {}).get("condition", "")
    if condition not in ("", "none", "on-failure", "any"):
        cure = "condition: any restarts always, and a task that was stopped is not started again"
        raise (place / "deploy" / "restart_policy" / "condition").error(f"found {condition!r}", "none, on-failure or any", cure)
    endpoint = deploy.get("endpoint_mode", "")
    if endpoint.lower() not in ("", "vip", "dnsrr"):
        raise (place / "deploy" / "endpoint_mode").error(f"found {endpoint!r}", "vip or dnsrr", "the engine would take it for vip")
    for text in deploy.get("placement", {}).get("constraints", []):
        constraint = parse_constraint(text)
        if constraint is None or not constraint.value:
            raise (place / "deploy" / "placement" / "constraints").error(f"found {text!r}", "a text such as node.role == manager")
    if mode.endswith("-job"):
        for key in {"update_config", "rollback_config"} & deploy.keys():
            raise (place / "deploy" / key).error(f"a job has no {key}", "", "remove it, or change the mode")
    ingress = [port for port in service.get("ports", []) if port.get("mode", "ingress") != "host"]
    if ingress and endpoint.lower() == "dnsrr":
        raise (place / "ports").error("endpoint_mode dnsrr with a port in ingress mode", "ports with mode: host")
    published = [(port["published"], port.get("protocol", "tcp")) for port in ingress if port.get("published")]
    for number, protocol in published:
        if published.count((number, protocol)) > 1:
            raise (place / "ports").error(f"port {number}/{protocol} is published twice", "each port once")


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
                raise (place / section).error(f"{targets[target]!r} and {source!r} have the same target {target!r}", "one target each")
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
            raise at.error(f"the tmpfs at {target} has source {source!r}", "no source", "remove it, or use type: volume")
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
        raise (place / "credential_spec").error(f"has {' and '.join(sorted(given))}", "one of config, file and registry")
    config = given.get("config")
    if config and config not in model.get("configs", {}):
        raise _undefined("configs", config, model, place)
