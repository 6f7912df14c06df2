# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One form for a service spec, whoever wrote it: with the engine's defaults, without order where order means nothing. Pure.

The keys are the words of a stack file, because the form is what a plan shows.
"""

from __future__ import annotations

import json
import re
import typing as t
from functools import cache

from ...errors import PlanError
from ...redact import UNSET
from .spec import Json as Json
from .spec import Raw, ServiceSpec

SECOND_NS = 10**9
MONITOR_NS = 5 * SECOND_NS

_UPDATE = {
    "Parallelism": 1,
    "Delay": 0,
    "FailureAction": "pause",
    "Monitor": MONITOR_NS,
    "MaxFailureRatio": 0,
    "Order": "stop-first",
}
_RESTART = {"Condition": "any", "Delay": 5 * SECOND_NS, "MaxAttempts": 0, "Window": 0}
_EMPTY: t.Any = (None, {}, [], 0)
_UNORDERED = ("Hosts", "CapabilityAdd", "CapabilityDrop", "Ulimits", "Groups")
_SPACED_OPERATOR = re.compile(r"\s*(==|!=)\s*")


def canonical_service(spec: t.Mapping[str, t.Any], network_names: t.Mapping[str, str]) -> Json:
    """The comparable form of a service spec; ``network_names`` turns the IDs of networks into names."""
    task = spec.get("TaskTemplate") or {}
    container = dict(task.get("ContainerSpec") or {})
    placement = dict(task.get("Placement") or {})
    placement.pop("Platforms", None)
    mode = service_mode(spec)
    form: Json = {
        **ServiceSpec(spec).counts,
        "mode": mode,
        "labels": spec.get("Labels") or {},
        "update_config": {} if mode.endswith("-job") else _update_config(spec.get("UpdateConfig")),
        "rollback_config": {} if mode.endswith("-job") else _update_config(spec.get("RollbackConfig")),
        **_endpoint(spec.get("EndpointSpec") or {}),
        "image": container.pop("Image", ""),
        "environment": split_environment(container.pop("Env", None)),
        "container_labels": container.pop("Labels", None) or {},
        "entrypoint": container.pop("Command", None),
        "command": container.pop("Args", None),
        "volumes": {mount.get("Target", ""): _mount(mount) for mount in container.pop("Mounts", None) or []},
        "secrets": _references(container.pop("Secrets", None), "SecretName"),
        "configs": _references(container.pop("Configs", None), "ConfigName"),
        "stop_grace_period": _seconds(_given(container.pop("StopGracePeriod", None), 10 * SECOND_NS)),
        "init": container.pop("Init", None),
        "container": _container(container),
        "networks": _networks(task.get("Networks") or spec.get("Networks") or [], network_names),
        "resources": _resources(task.get("Resources") or {}),
        "restart_policy": _with_seconds(_filled(_RESTART, task.get("RestartPolicy")), ("Delay", "Window")),
        "logging": _logging(task.get("LogDriver") or {}),
        "placement": _placement(placement),
    }
    # False and 0 mean "not set" everywhere but where a default differs from them; those places were filled in above.
    keep = ("update_config", "rollback_config", "restart_policy", "replicas", "init", "max_concurrent", "total_completions")
    # A label without a value is there all the same.
    whole = (*keep, "labels", "container_labels")
    settled = ((key, value if key in whole else without_empty(value)) for key, value in form.items())
    return {key: value for key, value in settled if value is not None and (key in keep or value not in ({}, [], ""))}


def service_mode(spec: Raw) -> str:
    """replicated, global, replicated-job or global-job."""
    return ServiceSpec(spec).mode


def desired_count(spec: Raw) -> int:
    """How many tasks a replicated service has, or how many must complete for a job."""
    return ServiceSpec(spec).desired


def without_empty(value: t.Any) -> t.Any:
    """The value without members that are null, false, zero or empty, at any depth."""
    if isinstance(value, dict):
        cleaned = {key: without_empty(item) for key, item in value.items()}
        # A text is no number and no collection: most members need one comparison alone.
        return {key: item for key, item in cleaned.items() if (item != "" if isinstance(item, str) else item not in _EMPTY)}
    if isinstance(value, (list, tuple)):
        return [without_empty(item) for item in value]
    return value


def split_environment(items: t.Sequence[str] | None) -> dict[str, str]:
    """``["A=1", "B"]`` as ``{"A": "=1", "B": "(unset)"}``: a bare name removes what the image sets."""
    pairs = (item.partition("=") for item in items or [])
    return {name: f"={value}" if equals else UNSET for name, equals, value in pairs}


def _given(value: t.Any, default: t.Any) -> t.Any:
    return default if value is None else value


def _filled(defaults: Json, given: t.Mapping[str, t.Any] | None) -> Json:
    present = {key: value for key, value in (given or {}).items() if value is not None and value != ""}
    return {**defaults, **present}


def _update_config(given: t.Mapping[str, t.Any] | None) -> Json:
    config = _filled(_UPDATE, given)
    if given is not None:
        config["Parallelism"] = given.get("Parallelism") or 0  # left out of what the engine shows when it is 0: all at once
    config["Monitor"] = config["Monitor"] or MONITOR_NS
    return _with_seconds(config, ("Delay", "Monitor"))


def _with_seconds(values: Json, keys: t.Sequence[str]) -> Json:
    return {_snake(key): _seconds(value) if key in keys else value for key, value in values.items()}


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / SECOND_NS:g}s"


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _endpoint(endpoint: t.Mapping[str, t.Any]) -> Json:
    ports = {
        (
            port.get("PublishedPort") or 0,
            port.get("TargetPort") or 0,
            (port.get("Protocol") or "tcp").lower(),
            "host" if port.get("PublishMode") == "host" else "ingress",
        )
        for port in endpoint.get("Ports") or []
    }
    shown = [
        f"{published}:{target}/{protocol} {mode}" if published else f"{target}/{protocol} {mode}"
        for published, target, protocol, mode in sorted(ports)
    ]
    return {"endpoint_mode": endpoint.get("Mode") or "vip", "ports": shown}


def _mount(mount: t.Mapping[str, t.Any]) -> Json:
    form = {_snake(key): value for key, value in mount.items() if key != "Target"}
    form["type"] = mount.get("Type") or "bind"
    if form.get("consistency") == "default":
        del form["consistency"]
    return form


def _references(items: t.Sequence[t.Mapping[str, t.Any]] | None, name_key: str) -> Json:
    """By the path in the container: the name of the secret or config, its owner and mode."""
    form: Json = {}
    for item in items or []:
        file = item.get("File")
        path = file["Name"] if file else f"(runtime) {item[name_key]}"
        form[path] = {
            "name": item[name_key],
            **({"uid": file.get("UID"), "gid": file.get("GID"), "mode": f"{file.get('Mode') or 0:04o}"} if file else {}),
        }
    return form


def _container(container: Json) -> Json:
    container["Isolation"] = container.get("Isolation") or "default"
    dns = container.get("DNSConfig") or {}
    form = {_snake(key): value for key, value in container.items() if key != "DNSConfig"}
    form["dns"] = {_snake(key): value for key, value in dns.items()}
    for key in map(_snake, _UNORDERED):
        if form.get(key):
            form[key] = _sorted(form[key])
    return form


def _networks(items: t.Sequence[t.Mapping[str, t.Any]], names: t.Mapping[str, str]) -> Json:
    """By name. ``attached`` keeps an attachment without aliases from looking like none."""
    return {
        names.get(item["Target"], item["Target"]): {
            "attached": True,
            "aliases": sorted(set(item.get("Aliases") or [])),
            "driver_opts": item.get("DriverOpts") or {},
        }
        for item in items
    }


def _logging(driver: t.Mapping[str, t.Any]) -> Json:
    return {"driver": driver.get("Name"), "options": driver.get("Options")}


def _resources(resources: t.Mapping[str, t.Any]) -> Json:
    form = {_snake(key): dict(value or {}) for key, value in resources.items()}
    generic = form.get("reservations", {}).get("GenericResources")
    if generic:
        form["reservations"]["GenericResources"] = _sorted(generic)
    return form


def _placement(placement: Json) -> Json:
    form = {_snake(key): value for key, value in placement.items()}
    form["constraints"] = sorted({_SPACED_OPERATOR.sub(r" \1 ", text.strip()) for text in placement.get("Constraints") or []})
    form["preferences"] = [(item.get("Spread") or {}).get("SpreadDescriptor", "") for item in placement.get("Preferences") or []]
    return form


def _sorted(items: t.Iterable[t.Any]) -> list[t.Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def parse_seconds(text: str, option: str = "") -> float:
    """Seconds out of ``90``, ``10m`` or ``1h30m``. Raises PlanError, with the name of the option, for anything else."""
    if re.fullmatch(r"\d+(\.\d+)?", text.strip()):
        return float(text)
    if not re.fullmatch(r"(\d+(\.\d+)?(h|ms|m|s))+", text.strip()):
        raise PlanError(f"{f'{option}: ' if option else ''}found {text!r}, expected seconds or a duration such as 90, 10m or 1h30m.")
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(h|ms|m|s)", text))
