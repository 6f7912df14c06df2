# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put into a service and taken out of it by name: mounts, ports, networks, secrets and configs. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..plan import PlanError
from .canonical import Json
from .naming import filled

_PORT = re.compile(r"(\d{1,5})(?:/(tcp|udp|sctp))?")
_READ_BY_ALL = 0o444

Given = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Parts:
    """``mounts`` go by their path in the container, ``ports`` by port and protocol there, ``secrets`` and ``configs`` by theirs: what is
    there under the same is replaced. ``networks`` and those absent are IDs by name; the other absent ones are texts."""

    mounts: t.Sequence[Given] = ()
    mounts_absent: t.Sequence[str] = ()
    ports: t.Sequence[Given] = ()
    ports_absent: t.Sequence[str] = ()
    networks: t.Mapping[str, str] = field(default_factory=dict)
    networks_absent: t.Mapping[str, str] = field(default_factory=dict)
    secrets: t.Sequence[Given] = ()
    secrets_absent: t.Sequence[str] = ()
    configs: t.Sequence[Given] = ()
    configs_absent: t.Sequence[str] = ()

    def apply(self, spec: Json) -> Json:
        """A new spec. Raises PlanError for what contradicts itself."""
        template = dict(spec["TaskTemplate"])
        container = dict(template["ContainerSpec"])
        edited = {**spec, "TaskTemplate": template}
        if self.mounts or self.mounts_absent:
            new = {mount["target"]: _mount(mount) for mount in self.mounts}
            container["Mounts"] = _replaced(container.get("Mounts"), new, self.mounts_absent, lambda mount: mount["Target"])
        for kind, given, absent in (("Secret", self.secrets, self.secrets_absent), ("Config", self.configs, self.configs_absent)):
            if given or absent:
                container[f"{kind}s"] = _references(kind, container.get(f"{kind}s") or [], given, absent)
        template["ContainerSpec"] = container
        if self.networks or self.networks_absent:
            added = {target: {"Target": target} for target in self.networks.values()}
            there = [item["Target"] for item in template.get("Networks") or []]
            new = {target: item for target, item in added.items() if target not in there}
            template["Networks"] = _replaced(template.get("Networks"), new, self.networks_absent.values(), lambda item: item["Target"])
        if self.ports or self.ports_absent:
            endpoint = dict(spec.get("EndpointSpec") or {})
            ports = [_port(port) for port in self.ports]
            # One port of the container may be published several times, so that they can't go by it.
            left_out = {*map(_port_key, ports), *map(_read_port, self.ports_absent)}
            endpoint["Ports"] = [*(port for port in endpoint.get("Ports") or [] if _port_key(port) not in left_out), *ports]
            edited["EndpointSpec"] = endpoint
        return edited


def _port_key(port: Given) -> tuple[int, str]:
    return port["TargetPort"], port.get("Protocol") or "tcp"


def _replaced(
    present: t.Sequence[Given] | None, new: t.Mapping[t.Any, Given], gone: t.Iterable[t.Any], key: t.Callable[[Given], t.Any]
) -> list[Given]:
    """The list without what is gone, with what is new in the place of what it replaces, or at the end."""
    left_out = set(gone) - set(new)
    kept = {key(item): item for item in present or [] if key(item) not in left_out}
    return list({**kept, **new}.values())


def _mount(given: Given) -> Json:
    kind, source, target = given["type"], given["source"] or "", given["target"]
    if not target.startswith("/"):
        raise PlanError(f"mounts: target {target!r} is not absolute. Expected a path in the container, such as /data. Nothing was changed.")
    if kind == "tmpfs" and source:
        raise PlanError(f"mounts: {target} is a tmpfs, which has no source; found {source!r}. Nothing was changed.")
    if kind == "bind" and not source.startswith("/"):
        raise PlanError(f"mounts: {target} is a bind mount of {source!r}, expected an absolute path of the nodes. Nothing was changed.")
    return filled(Type=kind, Source=source, Target=target, ReadOnly=given["read_only"])


def _port(given: Given) -> Json:
    return filled(TargetPort=given["target"], PublishedPort=given["published"], Protocol=given["protocol"], PublishMode=given["mode"])


def _read_port(text: str) -> tuple[int, str]:
    found = _PORT.fullmatch(text.strip())
    if not found:
        raise PlanError(f"ports_absent: found {text!r}, expected a port of the container such as 80 or 53/udp. Nothing was changed.")
    return int(found[1]), found[2] or "tcp"


def _references(kind: str, present: t.Sequence[Given], given: t.Sequence[Given], absent: t.Sequence[str]) -> list[Given]:
    """By the path in the container; what is absent goes by the name of the secret or config, or by that path."""
    name_key = f"{kind}Name"
    new = {}
    for item in given:
        target = item["target"] or item["source"]
        file = {"Name": target, "UID": item["uid"], "GID": item["gid"], "Mode": _mode(kind, item["mode"])}
        new[target] = {name_key: item["source"], "File": file}
    kept = [item for item in present if item[name_key] not in absent and _path(item, name_key) not in absent]
    return _replaced(kept, new, (), lambda item: _path(item, name_key))


def _path(item: Given, name_key: str) -> str:
    return str((item.get("File") or {}).get("Name") or item[name_key])


def _mode(kind: str, text: str) -> int:
    if not text:
        return _READ_BY_ALL
    # YAML reads 0440 without quotes as the number 288.
    if not re.fullmatch(r"0[0-7]{3}", text):
        raise PlanError(f"{kind.lower()}s: found mode {text!r}, expected one such as '0440', in quotes. Nothing was changed.")
    return int(text, 8)
