# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks, volumes, secrets and configs at the top level, in normal form."""

from __future__ import annotations

import base64
import typing as t

from .context import Context
from .environment import read_pairs
from .errors import Place
from .scalars import go_text

Object = dict[str, t.Any]
_LARGEST = {"secrets": 500 * 1024 - 1, "configs": 1000 * 1024 - 1}


def read_objects(section: str, raw: t.Mapping[str, t.Any], place: Place, context: Context) -> dict[str, Object]:
    """One top-level section, as one file has it."""
    return {key: _read_object(section, value or {}, place / key, context) for key, value in raw.items()}


def _read_object(section: str, raw: Object, place: Place, context: Context) -> Object:
    if "external" in raw and raw["external"] is not False:
        return _read_external(section, raw, place)
    result = {name: raw[name] for name in ("name", "driver", "internal", "attachable", "template_driver") if raw.get(name)}
    result.update({name: raw[name] for name in ("enable_ipv6", "external") if name in raw})
    if raw.get("labels"):
        result["labels"] = {name: text or "" for name, text in read_pairs(raw["labels"]).items()}
    if raw.get("driver_opts"):
        result["driver_opts"] = _options(raw["driver_opts"])
    if "ipam" in raw:
        result["ipam"] = _read_ipam(raw["ipam"])
    if section in ("secrets", "configs"):
        result.update(_read_data(section, raw, place, context))
    return result


def settle_external(objects: dict[str, Object]) -> None:
    """Give an external object nothing but ``external: true`` and the ``name`` that it bears in the swarm."""
    for key, item in objects.items():
        if item.pop("external", False):
            objects[key] = {"external": True, "name": item.get("name") or key}


def _read_external(section: str, raw: Object, place: Place) -> Object:
    external = raw["external"]
    nested = external.get("name") if isinstance(external, dict) else None
    if nested and raw.get("name"):
        raise place.error("has both name and external.name", "one name", f"write external: true and name: {nested}")
    if section == "volumes":
        for other in ("driver", "driver_opts", "labels"):
            if raw.get(other):
                raise (place / other).error(f"an external volume with {other}", "", f"remove external or {other}")
    name = nested or raw.get("name")
    return {"external": True, "name": name} if name else {"external": True}


def _read_data(section: str, raw: Object, place: Place, context: Context) -> Object:
    """``content``: what the secret or config holds, in base64. A secret with a driver of its own holds nothing."""
    sources = [name for name in ("file", "content", "environment", "driver") if raw.get(name) is not None]
    one = section[:-1]
    if len(sources) != 1:
        given = " and ".join(sources) or "no source"
        raise place.error(f"this {one} has {given}", "one of file, content, environment or external: true")
    if "driver" in sources:
        return {}
    if "file" in sources:
        data = context.read_file(raw["file"], place / "file")
    elif "content" in sources:
        data = raw["content"].encode()
    elif raw["environment"] in context.env:
        data = context.env[raw["environment"]].encode()
    else:
        name = raw["environment"]
        cure = "give it in env or in a file of env_files"
        raise (place / "environment").missing(name, f"the variable {name} is not set", cure)
    if not 0 < len(data) <= _LARGEST[section]:
        raise place.error(f"this {one} holds {len(data)} bytes", f"1 to {_LARGEST[section]}, the limit of the engine")
    return {"content": base64.b64encode(data).decode()}


def _read_ipam(raw: Object) -> Object:
    ipam: Object = {"driver": raw["driver"]} if raw.get("driver") else {}
    if raw.get("config"):
        ipam["config"] = [{key: value for key, value in item.items() if not key.startswith("x-")} for item in raw["config"]]
    if raw.get("options"):
        ipam["options"] = _options(raw["options"])
    return ipam


def _options(value: t.Mapping[str, t.Any]) -> dict[str, str]:
    return {key: "" if item is None else go_text(item) for key, item in value.items()}
