# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docker compose runs on one host, told by the labels that it puts on containers, volumes and networks. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..errors import FlotillaError, PlanError
from ..plan import Change, Field, Plan
from .stack.order import order_services

Raw = t.Mapping[str, t.Any]

PROJECT, SERVICE, DEPENDS_ON, ONE_OFF = (f"com.docker.compose.{name}" for name in ("project", "service", "depends_on", "oneoff"))
VOLUME, NETWORK = "com.docker.compose.volume", "com.docker.compose.network"
STOPPED, STARTED = "stopped", "started"

_NAME = re.compile(r"[a-zA-Z0-9][\w.-]*", re.ASCII)
_PIN = re.compile(r"node\.id == [a-z0-9]{25}")


@dataclass(frozen=True)
class Act:
    """What one request does to a container: ``verb`` is stop or start."""

    container_id: str
    verb: str
    query: t.Mapping[str, t.Any]


def describe(containers: t.Sequence[Raw], volumes: t.Sequence[Raw]) -> dict[str, t.Any]:
    """``services`` by name, each with image, the number of running containers and the keys of its named volumes; ``volumes``
    maps keys in the file to names on the host."""
    keys = {volume["Name"]: volume["Labels"][VOLUME] for volume in volumes if VOLUME in (volume.get("Labels") or {})}
    services: dict[str, dict[str, t.Any]] = {}
    for container in containers:
        told = services.setdefault(_service(container), {"image": container.get("Image", ""), "running": 0, "volumes": []})
        told["running"] += container.get("State") == "running"
        mounted = [mount.get("Name") for mount in container.get("Mounts") or [] if mount.get("Type") == "volume"]
        told["volumes"] = sorted({*told["volumes"], *(keys[name] for name in mounted if name in keys)})
    return {"services": dict(sorted(services.items())), "volumes": {key: name for name, key in sorted(keys.items())}}


def plan_project(project: str, containers: t.Sequence[Raw], volumes: t.Sequence[Raw], state: str, stop_timeout: int) -> Plan:
    """Stop what depends on others first, and start it last. Raises PlanError if there is no such project."""
    result = describe(containers, volumes)
    if not containers:
        raise PlanError(f"this host has no containers of a Compose project {project}. `docker compose ls --all` lists them.")
    order = _order(containers)
    if state == STOPPED:
        todo = [each for each in reversed(order) if each.get("State") in ("running", "restarting", "paused")]
    else:
        # what `docker compose run` has run once, such as a migration, must not run again
        mine = [each for each in order if (each.get("Labels") or {}).get(ONE_OFF) != "True"]
        todo = [each for each in mine if state == STARTED and each.get("State") in ("exited", "created")]
    changes = tuple(_change(container, state, stop_timeout) for container in todo)
    return Plan(changes, result=result)


def _change(container: Raw, state: str, stop_timeout: int) -> Change:
    name = (container.get("Names") or [container["Id"]])[0].lstrip("/")
    after = "exited" if state == STOPPED else "running"
    act = Act(container["Id"], "stop", {"t": stop_timeout}) if state == STOPPED else Act(container["Id"], "start", {})
    return Change("container", name, "update", (Field("state", container.get("State"), after),), payload=act)


def _order(containers: t.Sequence[Raw]) -> list[Raw]:
    """Every service after those that it depends on."""
    needs = {_service(each): _dependencies(each) for each in containers}
    names = [step.name for step in order_services(needs, needs)]
    return sorted(containers, key=lambda each: names.index(_service(each)))


def _service(container: Raw) -> str:
    return str((container.get("Labels") or {}).get(SERVICE, ""))


def _dependencies(container: Raw) -> dict[str, str]:
    """Condition by service. The label is such as ``db:service_started:false,cache:service_healthy:false``."""
    text = (container.get("Labels") or {}).get(DEPENDS_ON) or ""
    return {name: rest.partition(":")[0] for name, _colon, rest in (item.partition(":") for item in text.split(",") if item)}


def overlay(described: Raw, networks: t.Sequence[Raw], node_id: str) -> dict[str, t.Any]:
    """A stack file to merge over the project's own: its volumes by the names that they have, the services that mount them on
    the node where the data is, and its networks by other names: an engine takes a network of its own before the swarm's of that name."""
    pinned = {
        name: {"deploy": {"placement": {"constraints": [f"node.id == {node_id}"]}}}
        for name, service in described["services"].items()
        if service["volumes"]
    }
    volumes = {key: {"name": name} for key, name in described["volumes"].items()}
    renamed = {each["Labels"][NETWORK]: {"name": f"{each['Name']}_swarm"} for each in networks if NETWORK in (each.get("Labels") or {})}
    sections = {"services": pinned, "volumes": volumes, "networks": renamed}
    return {name: section for name, section in sections.items() if section}


def read_overlay(told: t.Any, host: str) -> dict[str, t.Any]:
    """The overlay that a host made. Raises FlotillaError where it is more than names and pins.

    It is merged over a file of the controller, where it could name other files, images and networks.
    """
    sections: dict[str, t.Callable[[t.Any], bool]] = {"services": _is_pin, "volumes": _is_renaming, "networks": _is_renaming}
    is_known = isinstance(told, t.Mapping) and set(told) <= set(sections)
    for name, section in told.items() if is_known else ():
        items = section.items() if isinstance(section, t.Mapping) else [("", section)]
        is_known = is_known and all(_is_name(key) and sections[name](item) for key, item in items)
    if not is_known:
        raise FlotillaError(
            f"what {host} tells of the project has an unexpected form",
            "Expected are names of letters, digits, '_', '.' and '-' for services, volumes and networks, and the id of the node.",
        )
    return dict(told)


def _is_name(text: t.Any) -> bool:
    return isinstance(text, str) and bool(_NAME.fullmatch(text))


def _is_renaming(item: t.Any) -> bool:
    return isinstance(item, t.Mapping) and set(item) == {"name"} and _is_name(item["name"])


def _is_pin(item: t.Any) -> bool:
    for key in ("deploy", "placement", "constraints"):
        if not isinstance(item, t.Mapping) or set(item) != {key}:
            return False
        item = item[key]
    return isinstance(item, list) and len(item) == 1 and isinstance(item[0], str) and bool(_PIN.fullmatch(item[0]))
