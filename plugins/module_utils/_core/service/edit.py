# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put into a service and taken out of it by name: mounts, ports, networks, secrets and configs. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ...errors import PlanError
from ...plan import Field
from .constraints import parse_constraint
from .diff import hidden_label, hidden_variables
from .fields import BY_WORD, READ_BY_ALL, make_mount, make_port, make_reference
from .naming import IMAGE_LABEL, as_text
from .spec import Json, ServiceSpec

_PORT = re.compile(r"(\d{1,5})(?:/(tcp|udp|sctp))?")


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
        view = ServiceSpec(spec)
        parts: dict[str, list[Given]] = {}
        if self.mounts or self.mounts_absent:
            new = {mount["target"]: _mount(mount) for mount in self.mounts}
            parts["volumes"] = _replaced(view.mounts, new, self.mounts_absent, lambda mount: mount["Target"])
        if self.secrets or self.secrets_absent:
            parts["secrets"] = _references("Secret", view.secrets, self.secrets, self.secrets_absent)
        if self.configs or self.configs_absent:
            parts["configs"] = _references("Config", view.configs, self.configs, self.configs_absent)
        if self.networks or self.networks_absent:
            new = {target: {"Target": target} for target in self.networks.values() if target not in view.targets}
            parts["networks"] = _replaced(view.networks, new, self.networks_absent.values(), lambda item: item["Target"])
        if self.ports or self.ports_absent:
            ports = [make_port(port) for port in self.ports]
            # One port of the container may be published several times, so that they can't go by it.
            left_out = {*map(_port_key, ports), *map(_read_port, self.ports_absent)}
            parts["ports"] = [*(port for port in view.ports if _port_key(port) not in left_out), *ports]
        for word, items in parts.items():
            spec = BY_WORD[word].put(spec, items)
        return spec


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
        raise PlanError(f"mounts: target {target!r} is not absolute", "Expected a path in the container, such as /data.")
    if kind == "tmpfs" and source:
        raise PlanError(f"mounts: {target} is a tmpfs, which has no source; found {source!r}.")
    if kind == "bind" and not source.startswith("/"):
        raise PlanError(f"mounts: {target} is a bind mount of {source!r}, expected an absolute path of the nodes.")
    return make_mount(given)


def _read_port(text: str) -> tuple[int, str]:
    found = _PORT.fullmatch(text.strip())
    if not found:
        raise PlanError(f"ports_absent: found {text!r}, expected a port of the container such as 80 or 53/udp.")
    return int(found[1]), found[2] or "tcp"


def _references(kind: str, present: t.Sequence[Given], given: t.Sequence[Given], absent: t.Sequence[str]) -> list[Given]:
    """By the path in the container; what is absent goes by the name of the secret or config, or by that path."""
    name_key = f"{kind}Name"
    made = [make_reference(kind, item["source"], item, _mode(kind, item["mode"])) for item in given]
    new = {_path(item, name_key): item for item in made}
    kept = [item for item in present if item[name_key] not in absent and _path(item, name_key) not in absent]
    return _replaced(kept, new, (), lambda item: _path(item, name_key))


def _path(item: Given, name_key: str) -> str:
    return str((item.get("File") or {}).get("Name") or item[name_key])


def _mode(kind: str, text: str) -> int:
    if not text:
        return READ_BY_ALL
    # YAML reads 0440 without quotes as the number 288.
    if not re.fullmatch(r"0[0-7]{3}", text):
        raise PlanError(f"{kind.lower()}s: found mode {text!r}, expected one such as '0440', in quotes.")
    return int(text, 8)


_ONE_AT_A_TIME: Json = {"Parallelism": 1}  # what the engine does for a service without a config, but not for one without the key


@dataclass(frozen=True)
class Edit:
    """What changes. In ``environment`` and ``labels`` None removes; in limits and reservations 0 does.

    ``secret_variables`` are names in ``environment`` whose values are never shown from now on; a label of the service remembers them.
    ``limits`` and ``reservations`` have cpus, memory (bytes) and pids, the configs the words of a stack file.
    """

    image: str = ""
    environment: Given = field(default_factory=dict, repr=False)
    secret_variables: t.Collection[str] = ()
    labels: Given = field(default_factory=dict)
    limits: Given = field(default_factory=dict)
    reservations: Given = field(default_factory=dict)
    constraints: t.Sequence[str] = ()
    constraints_absent: t.Sequence[str] = ()
    update_config: Given = field(default_factory=dict)
    rollback_config: Given = field(default_factory=dict)
    parts: Parts = field(default_factory=Parts)

    def apply(self, spec: Json) -> Json:
        """A new spec. Its image is the one that was asked for, without a digest. Raises PlanError for what is not a constraint."""
        view = ServiceSpec(spec)
        labels = _merge(view.labels, self.labels)
        if self.secret_variables:
            labels.update(hidden_label({*self.secret_variables, *hidden_variables(spec)}))
        if self.image and IMAGE_LABEL in labels:  # so that the next plan of the stack shows the operator's image as drift
            labels[IMAGE_LABEL] = self.image
        values: dict[str, t.Any] = {"labels": labels}
        if self.image:
            values["image"] = self.image
        if self.environment:
            values["environment"] = _edit_environment(view.environment, self.environment)
        if self.constraints or self.constraints_absent:
            values["placement.constraints"] = _edit_constraints(view.constraints, self.constraints, self.constraints_absent)
        for section, given in (
            ("resources.limits", self.limits),
            ("resources.reservations", self.reservations),
            ("update_config", self.update_config),
            ("rollback_config", self.rollback_config),
        ):
            known = {f"{section}.{word}": value for word, value in given.items() if value is not None}
            values.update({word: BY_WORD[word].read(value) for word, value in known.items()})
        for key, given in (("UpdateConfig", self.update_config), ("RollbackConfig", self.rollback_config)):
            if given and spec.get(key) is None:
                spec = {**spec, key: _ONE_AT_A_TIME}
        for word, value in values.items():
            spec = BY_WORD[word].put(spec, value)
        return self.parts.apply(spec)


def given_variables(environment: Given, secret_environment: Given) -> list[Field]:
    """The variables of one run as a plan shows them; one without a value is removed from what was there."""
    given = [(environment, False), (secret_environment, True)]
    named = [(name, value, secret) for variables, secret in given for name, value in variables.items() if value is not None]
    return [Field(f"environment.{name}", None, as_text(value), secret) for name, value, secret in named]


def _merge(present: Given, given: Given) -> Json:
    merged = {**present, **{name: as_text(value) for name, value in given.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def _edit_environment(present: t.Sequence[str], given: Given) -> list[str]:
    kept = [item for item in present if item.partition("=")[0] not in given]
    return [*kept, *(f"{name}={as_text(value)}" for name, value in given.items() if value is not None)]


def _edit_constraints(present: t.Sequence[str], added: t.Sequence[str], removed: t.Sequence[str]) -> list[str]:
    for text in (*added, *removed):
        if parse_constraint(text) is None:
            raise PlanError(f"{text!r} is not a constraint", "Expected a text such as node.labels.gpu == true.")
    gone = [parse_constraint(text) for text in removed]
    kept = [text for text in present if parse_constraint(text) not in gone]
    known = [parse_constraint(text) for text in kept]
    return [*kept, *(text for text in added if parse_constraint(text) not in known)]
