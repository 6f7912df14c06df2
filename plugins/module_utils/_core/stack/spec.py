# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the model of a stack to the objects of a swarm: networks, secrets, configs and services. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..service.naming import Names, require_name
from ..service.spec import Json, filled
from .service_spec import make_service, used_networks


@dataclass(frozen=True)
class StackObjects:
    """Bodies for the Engine API, each list sorted by name.

    Everything is referred to by its name in the swarm: networks in ``Target``, secrets and configs in ``SecretName`` and
    ``ConfigName`` without an ID, a config with credentials in ``CredentialSpec.Config``. The IDs are for the applier.
    ``depends_on`` is service -> service it waits for -> condition; ``external`` and ``content_names`` are by kind
    (networks, secrets, configs), the latter key -> name of what is named by content.
    """

    networks: list[Json] = field(default_factory=list)
    secrets: list[Json] = field(default_factory=list, repr=False)
    configs: list[Json] = field(default_factory=list, repr=False)
    services: list[Json] = field(default_factory=list)
    depends_on: dict[str, dict[str, str]] = field(default_factory=dict)
    external: dict[str, list[str]] = field(default_factory=dict)
    content_names: dict[str, dict[str, str]] = field(default_factory=dict)


def convert(stack: str, model: Json, *, content_names: bool, salt: str = "") -> StackObjects:
    """The objects that a loaded model asks the swarm for. Raises PlanError for a model that contradicts itself.

    With ``content_names`` a secret or config without a name of its own is called ``<stack>_<key>_<hash>`` and labelled
    with its key and the ``salt`` of the hash; otherwise ``<stack>_<key>``, as docker stack deploy does.
    """
    names = Names(stack, content_names, salt)
    services: dict[str, Json] = model.get("services", {})
    used = {key for service in services.values() for key in used_networks(service)}
    networks = {key: model.get("networks", {}).get(key, {}) for key in used}
    data = {kind: model.get(kind, {}) for kind in ("secrets", "configs")}
    return StackObjects(
        networks=_sorted(_network(key, item, names) for key, item in networks.items() if not item.get("external")),
        secrets=_sorted(_data("secret", key, item, names) for key, item in data["secrets"].items() if not item.get("external")),
        configs=_sorted(_data("config", key, item, names) for key, item in data["configs"].items() if not item.get("external")),
        services=_sorted(make_service(key, service, model, names) for key, service in services.items()),
        depends_on={
            names.scoped(key): {names.scoped(other): given["condition"] for other, given in service["depends_on"].items()}
            for key, service in services.items()
            if service.get("depends_on")
        },
        external={
            kind: sorted(item["name"] for item in items.values() if item.get("external"))
            for kind, items in (("networks", networks), *data.items())
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
