# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes of a service as the Engine API takes them. Pure."""

from __future__ import annotations

import typing as t

from ..plan import PlanError
from .canonical import Json
from .naming import Names, filled

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
            raise PlanError(
                f"service {service}: options for {block} on a volume of type {kind}; remove them or change the type"
            )
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
