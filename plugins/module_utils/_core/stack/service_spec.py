# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service of a stack as the Engine API takes it. Pure."""

from __future__ import annotations

import re
import typing as t

from ...errors import PlanError
from ..service.canonical import Json
from ..service.naming import IMAGE_LABEL, Names, filled
from .container import make_container

_NAME = re.compile(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*")
_LONGEST = 63
_BUILT_IN_NETWORKS = ("default", "bridge", "host", "none")
_DEFAULT: dict[str, Json] = {"default": {}}


def make_service(key: str, service: Json, model: Json, names: Names) -> Json:
    """The ServiceSpec of one service of the model."""
    deploy: Json = service.get("deploy", {})
    name = names.scoped(key)
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise PlanError(
            f"service {key}: {name!r} is no name for a service",
            "Expected letters, digits, '-' and '_', beginning and ending "
            f"with a letter or digit, at most {_LONGEST} in all. Rename the service or the stack.",
        )
    task: Json = {
        "ContainerSpec": make_container(key, service, model, names),
        "ForceUpdate": 0,
        "Networks": _networks(key, service.get("networks") or _DEFAULT, model.get("networks", {}), names),
        "Placement": _placement(deploy.get("placement", {})),
        "Resources": _resources(deploy.get("resources", {})),
    }
    if "logging" in service:
        task["LogDriver"] = filled(Name=service["logging"].get("driver"), Options=service["logging"].get("options"))
    restart = _restart_policy(key, service, deploy)
    if restart is not None:
        task["RestartPolicy"] = restart
    body: Json = {
        "Name": name,
        "Labels": {**names.labels(deploy), IMAGE_LABEL: service["image"]},
        "TaskTemplate": task,
        "Mode": _mode(key, deploy),
        "EndpointSpec": filled(Mode=deploy.get("endpoint_mode", "").lower(), Ports=[_port(port) for port in service.get("ports", [])]),
    }
    for name, field in (("update_config", "UpdateConfig"), ("rollback_config", "RollbackConfig")):
        if name in deploy:
            body[field] = _update_config(deploy[name])
    return body


def used_networks(service: Json) -> t.Iterable[str]:
    """The keys of the networks that a service is attached to."""
    return service.get("networks") or _DEFAULT


def _networks(service: str, given: t.Mapping[str, Json], networks: t.Mapping[str, Json], names: Names) -> list[Json]:
    attachments = []
    for key, options in given.items():
        if key not in networks and key != "default":
            raise PlanError(f"service {service}: undefined network {key!r}; add it to the networks at the top level")
        target = names.of(key, networks.get(key, {}))
        own = target not in _BUILT_IN_NETWORKS and not target.startswith("container:")
        aliases = [*options.get("aliases", []), *([service] if own else [])]
        attachments.append(filled(Target=target, Aliases=aliases, DriverOpts=options.get("driver_opts")))
    return sorted(attachments, key=lambda item: str(item["Target"]))


def _placement(given: Json) -> Json:
    preferences = [{"Spread": {"SpreadDescriptor": item.get("spread", "")}} for item in given.get("preferences", [])]
    return filled(
        Constraints=given.get("constraints"),
        Preferences=preferences,
        MaxReplicas=int(given.get("max_replicas_per_node", 0)),
    )


def _resources(given: Json) -> Json:
    resources = {}
    for side, field in (("limits", "Limits"), ("reservations", "Reservations")):
        if side in given:
            generic = [item["discrete_resource_spec"] for item in given[side].get("generic_resources", [])]
            resources[field] = filled(
                NanoCPUs=given[side].get("cpus"),
                MemoryBytes=given[side].get("memory"),
                Pids=given[side].get("pids"),
                GenericResources=[{"DiscreteResourceSpec": filled(Kind=i.get("kind"), Value=i.get("value"))} for i in generic],
            )
    return resources


def _restart_policy(service: str, given: Json, deploy: Json) -> Json | None:
    policy = deploy.get("restart_policy")
    if policy is not None:
        body = filled(Condition=policy.get("condition"))
        for name, field in (("delay", "Delay"), ("max_attempts", "MaxAttempts"), ("window", "Window")):
            if name in policy:
                body[field] = policy[name]
        return body
    name, colon, count = given.get("restart", "").partition(":")
    if name in ("", "no"):
        return None
    if name in ("always", "unless-stopped"):
        return {"Condition": "any"}
    if name != "on-failure" or (colon and not count.isdecimal()):
        raise PlanError(f"service {service}: restart {given['restart']!r} is none of no, always, unless-stopped, on-failure, on-failure:3")
    return {"Condition": "on-failure", "MaxAttempts": int(count or 0)}


def _mode(service: str, deploy: Json) -> Json:
    mode = deploy.get("mode") or "replicated"
    count = {"Replicas": deploy["replicas"]} if "replicas" in deploy else {}
    if mode == "replicated":
        return {"Replicated": count}
    if mode == "replicated-job":
        number = deploy.get("replicas")
        return {"ReplicatedJob": {} if number is None else {"MaxConcurrent": number, "TotalCompletions": number}}
    if mode not in ("global", "global-job"):
        raise PlanError(f"service {service}: deploy.mode {mode!r} is none of replicated, global, replicated-job, global-job")
    if count:
        raise PlanError(f"service {service}: deploy.replicas with mode {mode}; remove replicas, or use mode replicated")
    return {"Global": {}} if mode == "global" else {"GlobalJob": {}}


def _update_config(given: Json) -> Json:
    return {
        **filled(Delay=given.get("delay"), FailureAction=given.get("failure_action"), Monitor=given.get("monitor")),
        "MaxFailureRatio": given.get("max_failure_ratio", 0),
        "Order": given.get("order", ""),
        "Parallelism": given.get("parallelism", 1),
    }


def _port(given: Json) -> Json:
    return filled(
        Protocol=given.get("protocol"),
        PublishMode=given.get("mode"),
        PublishedPort=given.get("published"),
        TargetPort=given.get("target"),
    )
