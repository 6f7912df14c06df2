# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service of the model as the engine wants it: what it refers to by the names in the swarm, and its fields by their table. Pure."""

from __future__ import annotations

import typing as t

from ...errors import PlanError
from ..service.fields import make_mount, make_reference, make_spec
from ..service.naming import IMAGE_LABEL, Names, require_name
from ..service.spec import Json, ServiceSpec, filled

_BUILT_IN_NETWORKS = ("default", "bridge", "host", "none")
_DEFAULT: dict[str, Json] = {"default": {}}
_READ_BY_ALL = 0o444
# What a policy without these keys is sent with.
_POLICY: Json = {"max_failure_ratio": 0, "order": "", "parallelism": 1}


def make_service(key: str, service: Json, model: Json, names: Names) -> Json:
    """The ServiceSpec of one service of the model. Secrets and configs are referred to by name; their IDs are for the applier to add."""
    deploy: Json = service.get("deploy", {})
    name = names.scoped(key)
    require_name("service", key, name)
    configs = _references(key, "config", service.get("configs", []), model.get("configs", {}), names)
    secrets = _references(key, "secret", service.get("secrets", []), model.get("secrets", {}), names)
    credentials = _credentials(key, service.get("credential_spec") or {}, model, names)
    if credentials and credentials["Config"]:
        configs.append({"ConfigName": credentials["Config"], "Runtime": {}})
    settled: Json = {
        **service,
        "configs": sorted(configs, key=_reference_order("Config")),
        "credential_spec": credentials,
        "deploy": {
            **deploy,
            "labels": {**names.labels(deploy), IMAGE_LABEL: service["image"]},
            "restart_policy": deploy["restart_policy"] if "restart_policy" in deploy else _restart_policy(key, service.get("restart", "")),
            **{policy: {**_POLICY, **deploy[policy]} for policy in ("update_config", "rollback_config") if policy in deploy},
        },
        "labels": names.labels(service),
        "networks": _networks(key, service.get("networks") or _DEFAULT, model.get("networks", {}), names),
        "secrets": sorted(secrets, key=_reference_order("Secret")),
        "volumes": [_mount(key, mount, model.get("volumes", {}), names) for mount in service.get("volumes", [])],
    }
    if service.get("healthcheck", {}).get("disable"):
        settled["healthcheck"] = {"test": ["NONE"]}
    spec = ServiceSpec(make_spec(settled))
    dropped = [each for each in spec.container.get("CapabilityDrop", ()) if each not in spec.container.get("CapabilityAdd", ())]
    privileges = {"CredentialSpec": credentials, "NoNewPrivileges": False, "SELinuxContext": None}
    return spec.changed(container={"CapabilityDrop": dropped or None, "Privileges": privileges}, Name=name, Mode=_mode(key, deploy)).body


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


def _restart_policy(service: str, given: str) -> Json | None:
    """What the ``restart`` of a service says by the words of ``deploy.restart_policy``."""
    name, colon, count = given.partition(":")
    if name in ("", "no"):
        return None
    if name in ("always", "unless-stopped"):
        return {"condition": "any"}
    if name != "on-failure" or (colon and not count.isdecimal()):
        raise PlanError(f"service {service}: restart {given!r} is none of no, always, unless-stopped, on-failure, on-failure:3")
    return {"condition": "on-failure", "max_attempts": int(count or 0)}


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


def _credentials(service: str, given: Json, model: Json, names: Names) -> Json | None:
    if not any(given.values()):
        return None
    config = _real_name(service, "config", given["config"], model.get("configs", {}), names) if given.get("config") else ""
    return {"Config": config, "File": given.get("file", ""), "Registry": given.get("registry", "")}


def _references(service: str, kind: str, given: t.Sequence[Json], objects: t.Mapping[str, Json], names: Names) -> list[Json]:
    targets: set[str] = set()
    references = []
    for item in given:
        target = item.get("target") or item["source"]
        if target in targets:
            raise PlanError(f"service {service}: two {kind}s have the target {target!r}; give one of them another target")
        targets.add(target)
        name = _real_name(service, kind, item["source"], objects, names)
        references.append(make_reference(kind, name, item, int(item.get("mode", _READ_BY_ALL))))
    return references


def _real_name(service: str, kind: str, key: str, objects: t.Mapping[str, Json], names: Names) -> str:
    if key not in objects:
        raise PlanError(f"service {service}: undefined {kind} {key!r}; add it to the {kind}s at the top level")
    return names.of_data(key, objects[key])


def _reference_order(kind: str) -> t.Callable[[Json], tuple[str, str]]:
    return lambda reference: (reference[f"{kind}Name"], reference.get("File", {}).get("Name", ""))


_BLOCKS = ("bind", "volume", "tmpfs", "image", "cluster")
_OPTIONS_OF = {
    "bind": "bind",
    "npipe": "bind",
    "volume": "volume",
    "tmpfs": "tmpfs",
    "image": "image",
    "cluster": "cluster",
}


def _mount(service: str, mount: Json, volumes: t.Mapping[str, Json], names: Names) -> Json:
    """``volumes`` are those at the top level of the stack. Raises PlanError for what contradicts itself."""
    kind = mount["type"]
    if kind not in _OPTIONS_OF:
        raise PlanError(f"service {service}: volume type {kind!r} is none of {', '.join(sorted(_OPTIONS_OF))}")
    for block in _BLOCKS:
        if mount.get(block) is not None and block != _OPTIONS_OF[kind]:
            raise PlanError(f"service {service}: options for {block} on a volume of type {kind}; remove them or change the type")
    source = mount.get("source", "")
    if kind == "tmpfs" and source:
        raise PlanError(f"service {service}: a tmpfs has source {source!r}; a tmpfs has none, so remove it")
    if kind not in ("tmpfs", "volume") and not source:
        raise PlanError(f"service {service}: a volume of type {kind} for {mount.get('target', '')} has no source")
    body = make_mount(mount)
    if kind == "cluster":
        group = source.startswith("group:")
        body.update(Source=source if group else _named(service, source, volumes, names)[0], ClusterOptions={})
    elif kind == "volume" and source:
        body["Source"], volume = _named(service, source, volumes, names)
        body["VolumeOptions"] = _volume_options(mount.get("volume") or {}, volume, names)
    elif mount.get("bind") is not None:
        body["BindOptions"] = filled(Propagation=mount["bind"].get("propagation"))
    elif mount.get("tmpfs") is not None:
        body["TmpfsOptions"] = filled(SizeBytes=mount["tmpfs"].get("size"), Mode=mount["tmpfs"].get("mode"))
    elif mount.get("image") is not None:
        body["ImageOptions"] = filled(Subpath=mount["image"].get("subpath"))
    return body


def _named(service: str, key: str, volumes: t.Mapping[str, Json], names: Names) -> tuple[str, Json]:
    if key not in volumes:
        raise PlanError(f"service {service}: undefined volume {key!r}; add it to the volumes at the top level")
    return names.of(key, volumes[key]), volumes[key]


def _volume_options(given: Json, volume: Json, names: Names) -> Json:
    options = filled(NoCopy=given.get("nocopy"), Subpath=given.get("subpath"))
    if not volume.get("external"):
        options["Labels"] = names.labels(volume)
        if volume.get("driver") or volume.get("driver_opts"):
            options["DriverConfig"] = filled(Name=volume.get("driver"), Options=volume.get("driver_opts"))
    return options
