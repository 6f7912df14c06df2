# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deploy section of a service, and the Compose keys that say the same elsewhere."""

from __future__ import annotations

import typing as t

from .context import Context
from .environment import read_pairs
from .errors import Place
from .scalars import go_text
from .units import duration_ns, nano_cpus, size_bytes

Section = dict[str, t.Any]
_MODES = ("replicated", "global", "replicated-job", "global-job")
_GPU_DRIVER = "nvidia"


def read_deploy(service: Section, place: Place, context: Context) -> Section:
    """``deploy`` in normal form: labels a mapping, durations, sizes and CPUs as whole numbers, devices as generic resources."""
    raw: Section = service.get("deploy") or {}
    place /= "deploy"
    deploy: Section = {key: raw[key] for key in ("mode", "endpoint_mode", "replicas", "placement") if key in raw}
    mode = deploy.get("mode", "")
    if mode and mode not in _MODES:
        raise (place / "mode").error(f"found {mode!r}", f"one of {', '.join(_MODES)}")
    if "scale" in service and not mode.startswith("global"):
        deploy.setdefault("replicas", service["scale"])
    if "replicas" in deploy:
        if deploy["replicas"] < 0:
            raise (place / "replicas").error(f"found {deploy['replicas']}", "zero or more")
        deploy["replicas"] = int(deploy["replicas"])
    if deploy.get("placement", {}).get("max_replicas_per_node", 0) < 0:
        raise (place / "placement" / "max_replicas_per_node").error("found a negative number", "zero or more")
    if "labels" in raw:
        deploy["labels"] = {key: text or "" for key, text in read_pairs(raw["labels"]).items()}
    for key in ("update_config", "rollback_config", "restart_policy"):
        if key in raw:
            deploy[key] = _read_policy(raw[key], place / key)
    resources = _read_resources(raw.get("resources", {}), place / "resources", context)
    gpus = service.get("gpus")
    if gpus is not None:
        devices = [{"capabilities": ["gpu"], "count": "all"}] if isinstance(gpus, str) else gpus
        reserved = [_read_device({"capabilities": ["gpu"], **item}, place, context) for item in devices]
        resources.setdefault("reservations", {}).setdefault("generic_resources", []).extend(reserved)
    if resources or "resources" in raw:
        deploy["resources"] = resources
    return deploy


def _read_policy(raw: Section, place: Place) -> Section:
    policy = dict(raw)
    for key in ("delay", "monitor", "window"):
        if key in policy:
            policy[key] = duration_ns(policy[key])
    for key in ("parallelism", "max_attempts"):
        if key in policy:
            if policy[key] < 0:
                raise (place / key).error(f"found {policy[key]}", "zero or more")
            policy[key] = int(policy[key])
    return {key: value for key, value in policy.items() if not key.startswith("x-")}


def _read_resources(raw: Section, place: Place, context: Context) -> Section:
    resources: Section = {}
    for side in ("limits", "reservations"):
        if side not in raw:
            continue
        given = raw[side]
        section: Section = {}
        resources[side] = section
        for key, as_text, convert in (("cpus", go_text, nano_cpus), ("memory", str, size_bytes)):
            if key in given and given[key] != "":
                section[key] = _read_amount(as_text(given[key]), convert, place / side / key)
        if "pids" in given:
            section["pids"] = int(given["pids"])
        generic = [
            *(_read_generic(item, place / side / "generic_resources" / i) for i, item in enumerate(given.get("generic_resources", []))),
            *(_read_device(item, place / side / "devices" / i, context) for i, item in enumerate(given.get("devices", []))),
        ]
        if generic:
            section["generic_resources"] = generic
    return resources


def _read_amount(text: str, convert: t.Callable[[str], int], place: Place) -> int:
    try:
        return convert(text)
    except ValueError as expected:  # of a number, which Compose Spec files may have: the schema checks texts alone
        raise place.error(f"found {text}", str(expected)) from None


def _read_generic(raw: Section, place: Place) -> Section:
    spec = raw.get("discrete_resource_spec", {})
    value = spec.get("value", 0)
    if value != int(value):
        raise (place / "discrete_resource_spec" / "value").error(f"found {value}", "a whole number")
    return {"discrete_resource_spec": {"kind": spec.get("kind", ""), "value": int(value)}}


def _read_device(raw: Section, place: Place, context: Context) -> Section:
    """A generic resource for devices that Compose would take from the one host that it knows."""
    capabilities = raw.get("capabilities", [])
    driver = raw.get("driver") or (_GPU_DRIVER if "gpu" in capabilities else "")
    kind = next((context.device_kinds[name] for name in (driver, *capabilities) if name in context.device_kinds), None)
    if kind is None:
        raise place.error(
            f"no generic resource is known for driver {driver or 'none'}, capabilities {', '.join(capabilities) or 'none'}",
            "a driver or capability that device_kinds maps to a kind",
            "add it to device_kinds, or write generic_resources",
        )
    count = raw.get("count", len(raw["device_ids"]) if raw.get("device_ids") else "all")
    if raw.get("device_ids"):
        context.warnings.append(place.note(f"Swarm chooses the devices itself: {count} of {kind} reserved, not those in device_ids"))
    if str(count) in ("all", "-1"):
        context.warnings.append(place.note(f"Swarm cannot reserve all devices of a node: 1 of {kind} reserved; write a count"))
        count = 1
    if not str(count).isdecimal():
        raise (place / "count").error(f"found {count!r}", "a whole number or all")
    return {"discrete_resource_spec": {"kind": kind, "value": int(count)}}
