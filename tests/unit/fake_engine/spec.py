# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine makes of a service spec: its normalisation, its defaults, its refusals."""

from __future__ import annotations

import re
import typing as t

from .errors import Json, rpc

SECOND_NS = 10**9
_NAME = re.compile(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*")
_CONSTRAINT = re.compile(r"\s*([a-z_][a-z0-9\-_.]+)\s*(==|!=)\s*(\S.*?)\s*", re.IGNORECASE)
_UPDATE_DEFAULTS = {
    "Parallelism": 1,
    "FailureAction": "pause",
    "Monitor": 5 * SECOND_NS,
    "MaxFailureRatio": 0,
    "Order": "stop-first",
}


def normalise(spec: Json, network_id: t.Callable[[str], str]) -> Json:
    """A spec as the engine stores and shows it. ``network_id`` turns the name of a network into its ID."""
    task = spec.get("TaskTemplate") or {}
    template: Json = {"ContainerSpec": _container(task.get("ContainerSpec") or {})}
    if task.get("Resources") is not None:
        template["Resources"] = {key: _drop_empty(value or {}) for key, value in task["Resources"].items() if value is not None}
    if task.get("RestartPolicy") is not None:
        template["RestartPolicy"] = {"Condition": "any", "MaxAttempts": 0, **_drop_empty(task["RestartPolicy"])}
    if task.get("Placement") is not None:
        template["Placement"] = _drop_empty(task["Placement"])
    if task.get("LogDriver") is not None:
        template["LogDriver"] = _drop_empty(task["LogDriver"])
    if task.get("Networks"):
        template["Networks"] = [{**_drop_empty(n), "Target": network_id(n["Target"])} for n in task["Networks"]]
    template["ForceUpdate"] = task.get("ForceUpdate") or 0
    template["Runtime"] = task.get("Runtime") or "container"
    result: Json = {
        "Name": spec.get("Name", ""),
        "Labels": spec.get("Labels") or {},
        "TaskTemplate": template,
        "Mode": _mode(spec.get("Mode") or {}),
    }
    for key in ("UpdateConfig", "RollbackConfig"):
        if spec.get(key) is not None:
            result[key] = _update_config(spec[key])
    if spec.get("EndpointSpec") is not None:
        result["EndpointSpec"] = _endpoint(spec["EndpointSpec"])
    return result


def _drop_empty(value: t.Mapping[str, t.Any]) -> Json:
    return {key: item for key, item in value.items() if item not in (None, "", 0, False, [], {})}


def _container(raw: Json) -> Json:
    spec = _drop_empty(raw)
    for key in ("Init", "StopGracePeriod", "DNSConfig"):  # pointers: an empty value is kept
        if raw.get(key) is not None:
            spec[key] = raw[key]
    spec["Isolation"] = spec.get("Isolation", "default")
    if raw.get("Privileges") is not None:
        empty = {"CredentialSpec": None, "SELinuxContext": None, "NoNewPrivileges": False}
        spec["Privileges"] = {**empty, **raw["Privileges"]}
    if spec.get("Mounts"):
        spec["Mounts"] = [_mount(mount) for mount in spec["Mounts"]]
    if spec.get("Healthcheck"):
        spec["Healthcheck"] = _drop_empty(spec["Healthcheck"])
    return spec


def _mount(raw: Json) -> Json:
    mount = _drop_empty({**raw, "Consistency": None})
    for key in ("VolumeOptions", "TmpfsOptions"):
        if raw.get(key) is not None:
            mount[key] = _drop_empty(raw[key])
    if not (raw.get("BindOptions") or {}).get("Propagation"):
        mount.pop("BindOptions", None)
    return mount


def _mode(mode: Json) -> Json:
    if mode.get("Global") is not None:
        return {"Global": {}}
    if mode.get("GlobalJob") is not None:
        return {"GlobalJob": {}}
    if mode.get("ReplicatedJob") is not None:
        job = mode["ReplicatedJob"]
        at_once = 1 if job.get("MaxConcurrent") is None else job["MaxConcurrent"]
        total = at_once if job.get("TotalCompletions") is None else job["TotalCompletions"]
        return {"ReplicatedJob": {"MaxConcurrent": at_once, "TotalCompletions": total}}
    replicas = (mode.get("Replicated") or {}).get("Replicas")
    return {"Replicated": {"Replicas": 1 if replicas is None else replicas}}


def _update_config(raw: Json) -> Json:
    given = _drop_empty({key: raw.get(key) for key in ("Delay", "Monitor", "MaxFailureRatio", "FailureAction", "Order")})
    return {
        "Parallelism": raw.get("Parallelism") or 0,
        "FailureAction": "pause",
        "MaxFailureRatio": 0,
        "Order": "stop-first",
        **given,
    }


def _endpoint(raw: Json) -> Json:
    endpoint: Json = {"Mode": raw.get("Mode") or "vip"}
    if raw.get("Ports"):
        endpoint["Ports"] = [{**_drop_empty(port), **_port_words(port)} for port in raw["Ports"]]
    return endpoint


def _port_words(port: Json) -> Json:
    mode = port.get("PublishMode")
    return {"Protocol": (port.get("Protocol") or "tcp").lower(), "PublishMode": mode if mode == "host" else "ingress"}


def insert_defaults(spec: Json) -> Json:
    """What ``insertDefaults=true`` adds to a stored spec."""
    template = spec["TaskTemplate"]
    container = {"StopGracePeriod": 10 * SECOND_NS, "DNSConfig": {}, **template["ContainerSpec"]}
    filled = {
        **template,
        "ContainerSpec": container,
        "Resources": {"Limits": {}, "Reservations": {}, **template.get("Resources", {})},
        "RestartPolicy": {"Condition": "any", "Delay": 5 * SECOND_NS, "MaxAttempts": 0, **template.get("RestartPolicy", {})},
        "Placement": template.get("Placement", {}),
    }
    configs = {key: {**_UPDATE_DEFAULTS, **spec.get(key, {})} for key in ("UpdateConfig", "RollbackConfig")}
    return {**spec, "TaskTemplate": filled, **configs}


def validate(spec: Json) -> None:
    """Refuse what swarmkit refuses, in its words, of what the tests need. ``spec`` is normalised."""
    name, template = spec["Name"], spec["TaskTemplate"]
    container = template["ContainerSpec"]
    if not name or not _NAME.fullmatch(name) or len(name) > 63:
        text = "63 characters or fewer" if len(name) > 63 else "valid as a DNS name component"
        raise rpc("InvalidArgument", f"name must be {text}")
    if not container.get("Image"):
        raise rpc("InvalidArgument", "ContainerSpec: image reference must be provided")
    targets = [mount.get("Target") for mount in container.get("Mounts", [])]
    for target in targets:
        if targets.count(target) > 1:
            raise rpc("InvalidArgument", f"ContainerSpec: duplicate mount point: {target}")
    for text in template.get("Placement", {}).get("Constraints", []):
        parse_constraint(text)
    job = "ReplicatedJob" in spec["Mode"] or "GlobalJob" in spec["Mode"]
    if job and "UpdateConfig" in spec:
        raise rpc("InvalidArgument", "Jobs may not have an update config")
    _validate_resources(template.get("Resources", {}))
    _validate_endpoint(spec.get("EndpointSpec", {}))


def parse_constraint(text: str) -> tuple[str, str, str]:
    found = _CONSTRAINT.fullmatch(text)
    if not found:
        operator = "==" in text or "!=" in text
        raise rpc("Unknown", f"key '{text}' is invalid" if operator else "constraint expected one operator from ==, !=")
    return found[1], found[2], found[3]


def _validate_resources(resources: Json) -> None:
    for part in resources.values():
        cpus, memory = part.get("NanoCPUs", 0), part.get("MemoryBytes", 0)
        if cpus and cpus < 10**6:
            raise rpc("InvalidArgument", f"invalid cpu value {cpus / 1e9:g}: Must be at least 0.001")
        if memory and memory < 4 * 1024**2:
            raise rpc("InvalidArgument", f"invalid memory value {memory}: Must be at least 4MiB")


def _validate_endpoint(endpoint: Json) -> None:
    seen = set()
    for port in endpoint.get("Ports", []):
        if endpoint["Mode"] == "dnsrr" and port["PublishMode"] == "ingress":
            raise rpc("InvalidArgument", "EndpointSpec: port published with ingress mode can't be used with dnsrr mode")
        key = (port.get("PublishedPort", 0), port["Protocol"])
        if key[0] and key in seen:
            raise rpc("InvalidArgument", "EndpointSpec: duplicate published ports provided")
        seen.add(key)
