# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container of a service as the Engine API takes it. Pure."""

from __future__ import annotations

import typing as t

from ..plan import PlanError
from .canonical import Json
from .mounts import make_mount
from .naming import Names, filled
from .reference import familiar_image

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
        DNSConfig=filled(
            Nameservers=service.get("dns"), Search=service.get("dns_search"), Options=service.get("dns_opt")
        ),
        Dir=service.get("working_dir"),
        Env=[
            name if value is None else f"{name}={value}"
            for name, value in sorted(service.get("environment", {}).items())
        ],
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
        Ulimits=[
            {"Name": name, "Soft": i["soft"], "Hard": i["hard"]}
            for name, i in sorted(service.get("ulimits", {}).items())
        ],
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


def _references(
    service: str, kind: str, given: t.Sequence[Json], objects: t.Mapping[str, Json], names: Names
) -> list[Json]:
    targets: set[str] = set()
    references = []
    for item in given:
        target = item.get("target") or item["source"]
        if target in targets:
            raise PlanError(
                f"service {service}: two {kind}s have the target {target!r}; give one of them another target"
            )
        targets.add(target)
        file = {
            "Name": target,
            "UID": item.get("uid") or "0",
            "GID": item.get("gid") or "0",
            "Mode": int(item.get("mode", _READ_BY_ALL)),
        }
        references.append(
            {f"{kind.title()}Name": _real_name(service, kind, item["source"], objects, names), "File": file}
        )
    return references


def _real_name(service: str, kind: str, key: str, objects: t.Mapping[str, Json], names: Names) -> str:
    if key not in objects:
        raise PlanError(f"service {service}: undefined {kind} {key!r}; add it to the {kind}s at the top level")
    return names.of_data(key, objects[key])


def _reference_order(kind: str) -> t.Callable[[Json], tuple[str, str]]:
    return lambda reference: (reference[f"{kind}Name"], reference.get("File", {}).get("Name", ""))
