# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the model of a stack to the objects of a swarm: networks, secrets, configs and services. Pure.

What services refer to gets its name in the swarm here; their fields are made by the table in ``service/fields.py``.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ...errors import PlanError
from ..service.fields import READ_BY_ALL, make_mount, make_reference, make_spec
from ..service.naming import IMAGE_LABEL, Names, require_name
from ..service.spec import Json, ServiceSpec, filled

_BUILT_IN_NETWORKS = ("default", "bridge", "host", "none")
_DEFAULT: dict[str, Json] = {"default": {}}
# What a policy without these keys is sent with.
_POLICY: Json = {"max_failure_ratio": 0, "order": "", "parallelism": 1}
_OPTIONS_OF = {
    "bind": "bind",
    "npipe": "bind",
    "volume": "volume",
    "tmpfs": "tmpfs",
    "image": "image",
    "cluster": "cluster",
}


@dataclass(frozen=True)
class StackObjects:
    """Bodies for the Engine API, each list sorted by name.

    Everything is referred to by its name in the swarm: networks in ``Target``, secrets and configs in ``SecretName`` and
    ``ConfigName`` without an ID, a config with credentials in ``CredentialSpec.Config``. The IDs are for the applier.
    ``depends_on`` is service -> service it waits for -> condition; ``content_names`` is kind
    (secrets, configs) -> key -> name, of what is named by content.
    """

    networks: list[Json] = field(default_factory=list)
    secrets: list[Json] = field(default_factory=list, repr=False)
    configs: list[Json] = field(default_factory=list, repr=False)
    services: list[Json] = field(default_factory=list)
    depends_on: dict[str, dict[str, str]] = field(default_factory=dict)
    content_names: dict[str, dict[str, str]] = field(default_factory=dict)


def convert(stack: str, model: Json, *, content_names: bool, salt: str = "") -> StackObjects:
    """The objects that a loaded model asks the swarm for. Raises PlanError for a model that contradicts itself.

    With ``content_names`` a secret or config without a name of its own is called ``<stack>_<key>_<hash>`` and labelled
    with its key and the ``salt`` of the hash; otherwise ``<stack>_<key>``, as docker stack deploy does.
    """
    names = Names(stack, content_names, salt)
    services: dict[str, Json] = model.get("services", {})
    used = {key for service in services.values() for key in _used_networks(service)}
    networks = {key: model.get("networks", {}).get(key, {}) for key in used}
    data = {kind: model.get(kind, {}) for kind in ("secrets", "configs")}
    return StackObjects(
        networks=_sorted(_network(key, item, names) for key, item in networks.items() if not item.get("external")),
        secrets=_sorted(_data("secret", key, item, names) for key, item in data["secrets"].items() if not item.get("external")),
        configs=_sorted(_data("config", key, item, names) for key, item in data["configs"].items() if not item.get("external")),
        services=_sorted(_service(key, service, model, names) for key, service in services.items()),
        depends_on={
            names.scoped(key): {names.scoped(other): given["condition"] for other, given in service["depends_on"].items()}
            for key, service in services.items()
            if service.get("depends_on")
        },
        content_names={
            kind: {key: names.of_data(key, item) for key, item in items.items() if names.hashes(item)} for kind, items in data.items()
        },
    )


def _sorted(bodies: t.Iterable[Json]) -> list[Json]:
    return sorted(bodies, key=lambda body: str(body["Name"]))


def _network(key: str, item: Json, names: Names) -> Json:
    ipam, name = item.get("ipam"), names.of(key, item)
    require_name("network", key, name)
    body: Json = {
        "Name": name,
        "Driver": item.get("driver") or "overlay",
        "Scope": "",
        "Internal": item.get("internal", False),
        "Attachable": item.get("attachable", False),
        "Ingress": False,
        "ConfigOnly": False,
        "ConfigFrom": None,
        "IPAM": _ipam(ipam) if ipam else None,
        "Options": item.get("driver_opts"),
        "Labels": names.labels(item),
    }
    if "enable_ipv6" in item:
        body["EnableIPv6"] = item["enable_ipv6"]
    return body


def _ipam(given: Json) -> Json:
    configs = [
        filled(
            Subnet=config.get("subnet"),
            Gateway=config.get("gateway"),
            IPRange=config.get("ip_range"),
            AuxiliaryAddresses=config.get("aux_addresses"),
        )
        for config in given.get("config", [])
    ]
    return {"Driver": given.get("driver", ""), "Config": configs or None, "Options": given.get("options")}


def _data(kind: str, key: str, item: Json, names: Names) -> Json:
    name = names.of_data(key, item)
    require_name(kind, key, name)
    body: Json = {"Name": name, "Labels": names.data_labels(key, item)}
    body.update(filled(Data=item.get("content")))
    if item.get("driver"):
        body["Driver"] = filled(Name=item["driver"], Options=item.get("driver_opts"))
    if item.get("template_driver"):
        body["Templating"] = {"Name": item["template_driver"]}
    return body


def _service(key: str, service: Json, model: Json, names: Names) -> Json:
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
    given = spec.container.get("Privileges") or {}
    privileges = {"CredentialSpec": None, "NoNewPrivileges": False, "SELinuxContext": None, **given}
    return spec.changed(container={"CapabilityDrop": dropped or None, "Privileges": privileges}, Name=name, Mode=_mode(key, deploy)).body


def _used_networks(service: Json) -> t.Iterable[str]:
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
        references.append(make_reference(kind, name, item, int(item.get("mode", READ_BY_ALL))))
    return references


def _real_name(service: str, kind: str, key: str, objects: t.Mapping[str, Json], names: Names) -> str:
    if key not in objects:
        raise PlanError(f"service {service}: undefined {kind} {key!r}; add it to the {kind}s at the top level")
    return names.of_data(key, objects[key])


def _reference_order(kind: str) -> t.Callable[[Json], tuple[str, str]]:
    return lambda reference: (reference[f"{kind}Name"], reference.get("File", {}).get("Name", ""))


def _mount(service: str, mount: Json, volumes: t.Mapping[str, Json], names: Names) -> Json:
    """``volumes`` are those at the top level of the stack. Raises PlanError for what contradicts itself."""
    kind = mount["type"]
    if kind not in _OPTIONS_OF:
        raise PlanError(f"service {service}: volume type {kind!r} is none of {', '.join(sorted(_OPTIONS_OF))}")
    for block in dict.fromkeys(_OPTIONS_OF.values()):
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
