# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container of a service as the Engine API takes it. Pure."""

from __future__ import annotations

import typing as t

from ...errors import PlanError
from ..service.canonical import Json
from ..service.images import familiar_image
from ..service.naming import Names, filled

_READ_BY_ALL = 0o444


def make_container(key: str, service: Json, model: Json, names: Names) -> Json:
    """The ContainerSpec. Secrets and configs are referred to by name; their IDs are for the applier to add."""
    configs = _references(key, "config", service.get("configs", []), model.get("configs", {}), names)
    secrets = _references(key, "secret", service.get("secrets", []), model.get("secrets", {}), names)
    spec = service.get("credential_spec")
    credentials = None
    if spec and any(spec.values()):
        credentials = {"Config": "", "File": spec.get("file", ""), "Registry": spec.get("registry", "")}
        if spec.get("config"):
            credentials["Config"] = _real_name(key, "config", spec["config"], model.get("configs", {}), names)
            configs.append({"ConfigName": credentials["Config"], "Runtime": {}})
    added, dropped = _capabilities(service.get("cap_add", [])), _capabilities(service.get("cap_drop", []))
    body = filled(
        Args=service.get("command"),
        CapabilityAdd=sorted(added),
        CapabilityDrop=sorted(dropped - added),
        Command=service.get("entrypoint"),
        Configs=sorted(configs, key=_reference_order("Config")),
        DNSConfig=filled(Nameservers=service.get("dns"), Search=service.get("dns_search"), Options=service.get("dns_opt")),
        Dir=service.get("working_dir"),
        Env=sorted(name if value is None else f"{name}={value}" for name, value in service.get("environment", {}).items()),
        Groups=service.get("group_add"),
        Hostname=service.get("hostname"),
        Hosts=service.get("extra_hosts"),
        Image=familiar_image(service["image"]),
        Isolation=service.get("isolation"),
        Mounts=[make_mount(key, mount, model.get("volumes", {}), names) for mount in service.get("volumes", [])],
        OpenStdin=service.get("stdin_open"),
        ReadOnly=service.get("read_only"),
        Secrets=sorted(secrets, key=_reference_order("Secret")),
        StopSignal=service.get("stop_signal"),
        Sysctls=service.get("sysctls"),
        TTY=service.get("tty"),
        Ulimits=[{"Name": name, "Soft": i["soft"], "Hard": i["hard"]} for name, i in sorted(service.get("ulimits", {}).items())],
        User=service.get("user"),
    )
    body["Labels"] = names.labels(service)
    body["Privileges"] = {"CredentialSpec": credentials, "NoNewPrivileges": False, "SELinuxContext": None}
    if "healthcheck" in service:
        body["Healthcheck"] = _healthcheck(service["healthcheck"])
    if "init" in service:
        body["Init"] = service["init"]
    if "stop_grace_period" in service:
        body["StopGracePeriod"] = service["stop_grace_period"]
    return body


def _healthcheck(check: Json) -> Json:
    if check.get("disable"):
        return {"Test": ["NONE"]}
    return filled(
        Test=check.get("test"),
        Interval=check.get("interval"),
        Timeout=check.get("timeout"),
        StartPeriod=check.get("start_period"),
        StartInterval=check.get("start_interval"),
        Retries=check.get("retries"),
    )


def _capabilities(given: t.Sequence[str]) -> set[str]:
    names = {name.strip().upper() for name in given}
    if "ALL" in names:
        return {"ALL"}
    return {name if name.startswith("CAP_") else f"CAP_{name}" for name in names}


def _references(service: str, kind: str, given: t.Sequence[Json], objects: t.Mapping[str, Json], names: Names) -> list[Json]:
    targets: set[str] = set()
    references = []
    for item in given:
        target = item.get("target") or item["source"]
        if target in targets:
            raise PlanError(f"service {service}: two {kind}s have the target {target!r}; give one of them another target")
        targets.add(target)
        file = {
            "Name": target,
            "UID": item.get("uid") or "0",
            "GID": item.get("gid") or "0",
            "Mode": int(item.get("mode", _READ_BY_ALL)),
        }
        references.append({f"{kind.title()}Name": _real_name(service, kind, item["source"], objects, names), "File": file})
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


def make_mount(service: str, mount: Json, volumes: t.Mapping[str, Json], names: Names) -> Json:
    """One mount. ``volumes`` are those at the top level of the stack; raises PlanError for what contradicts itself."""
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
    given = {"ReadOnly": mount.get("read_only"), "Consistency": mount.get("consistency")}
    body = filled(Type=kind, Source=source, Target=mount.get("target"), **given)
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
