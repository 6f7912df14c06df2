# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inverse of the table of fields: from a service of the Engine API to what a stack file gives, in normal form. Pure.

It has a file of its own because modules that write services do not send it to their hosts.
"""

from __future__ import annotations

import typing as t

from .fields import BY_WORD, FIELDS, READ_BY_ALL, Convert, ServiceField, value_at, without_empty
from .spec import Json, Raw, ServiceSpec, filled

REFERENCES = ("configs", "credential_spec", "networks", "secrets", "volumes")
"""Words of fields that refer to other objects, whose names in a stack file are for ``stack/reconstruct.py`` to find."""
_POLICIES = {"update_config": "UpdateConfig", "rollback_config": "RollbackConfig"}
_POLICY_KEYS = [(word,) for word in _POLICIES]


def given_of(spec: Raw) -> Json:
    """What ``make_spec`` makes this of, by the keys of a stack file, without ``REFERENCES``.

    A field that is as the engine has it by default is left out.
    """
    view, given = ServiceSpec(spec), Json()
    for field in FIELDS:
        value = value_at(spec, field.path)
        if field.word not in REFERENCES and _says_something(field, value) and not (view.is_job and field.key[1:2] in _POLICY_KEYS):
            _put(given, field.key, _GIVEN.get(field.word, _as_it_is)(value))
    for word, name in _POLICIES.items():
        if view.at_once(name) != 1 and not view.is_job:
            _put(given, BY_WORD[f"{word}.parallelism"].key, view.at_once(name))
    return given


def reference_of(kind: str, item: Raw, source: str) -> Json:
    """The inverse of ``make_reference``, for the key that the secret or config has in the file."""
    file = item["File"]
    given = filled(source=source, target=file["Name"], uid=file.get("UID"), gid=file.get("GID"))
    defaults = {"target": source, "uid": "0", "gid": "0"}
    mode = file.get("Mode") or 0
    return {**{key: value for key, value in given.items() if defaults.get(key) != value}, **({} if mode == READ_BY_ALL else {"mode": mode})}


def mount_of(mount: Raw, source: str) -> Json:
    """The inverse of ``make_mount`` with the options of every type, for the key that its volume has in the file."""
    bind, volume = mount.get("BindOptions") or {}, mount.get("VolumeOptions") or {}
    tmpfs, image = mount.get("TmpfsOptions") or {}, mount.get("ImageOptions") or {}
    consistency = mount.get("Consistency")
    return {
        "type": mount.get("Type") or "bind",
        **filled(
            source=source,
            target=mount.get("Target"),
            read_only=mount.get("ReadOnly"),
            consistency=None if consistency == "default" else consistency,
            bind=filled(propagation=bind.get("Propagation")),
            volume=filled(nocopy=volume.get("NoCopy"), subpath=volume.get("Subpath")),
            tmpfs=filled(size=tmpfs.get("SizeBytes"), mode=tmpfs.get("Mode")),
            image=filled(subpath=image.get("Subpath")),
        ),
    }


def mode_of(spec: Raw) -> Json:
    """The mode and its count, as ``deploy`` has them."""
    view = ServiceSpec(spec)
    count = view.counts.get("replicas", view.counts.get("max_concurrent"))
    mode = {} if view.mode == "replicated" else {"mode": view.mode}
    return {**mode, **({} if count is None else {"replicas": count})}


def _says_something(field: ServiceField, value: t.Any) -> bool:
    if value == "" or not field.is_given(value):
        return False
    return field.default is None or field.show(value) != field.default


def _put(given: Json, key: tuple[str, ...], value: t.Any) -> None:
    for name in key[:-1]:
        given = given.setdefault(name, {})
    given[key[-1]] = value


def _as_it_is(value: t.Any) -> t.Any:
    return value


def _read_environment(items: t.Sequence[str]) -> dict[str, str | None]:
    pairs = (item.partition("=") for item in items)
    return {name: value if equals else None for name, equals, value in pairs}


def _read_ulimits(items: t.Sequence[Raw]) -> Json:
    return {item["Name"]: {"soft": item.get("Soft") or 0, "hard": item.get("Hard") or 0} for item in items}


def _read_ports(items: t.Sequence[Raw]) -> list[Json]:
    return [
        filled(
            target=port.get("TargetPort"),
            published=port.get("PublishedPort"),
            protocol=port.get("Protocol") or "tcp",
            mode=port.get("PublishMode") or "ingress",
        )
        for port in items
    ]


def _read_preferences(items: t.Sequence[Raw]) -> list[Json]:
    return [{"spread": (item.get("Spread") or {}).get("SpreadDescriptor", "")} for item in items]


def _read_generic(items: t.Sequence[Raw]) -> list[Json]:
    specs = (item["DiscreteResourceSpec"] for item in items if item.get("DiscreteResourceSpec"))
    return [{"discrete_resource_spec": {"kind": spec.get("Kind", ""), "value": spec.get("Value") or 0}} for spec in specs]


_GIVEN: dict[str, Convert] = {
    "environment": _read_environment,
    "placement.preferences": _read_preferences,
    "ports": _read_ports,
    "resources.limits.generic_resources": _read_generic,
    "resources.reservations.generic_resources": _read_generic,
    "security_opt.selinux": without_empty,
    "ulimits": _read_ulimits,
}
