# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/networks: those of the swarm and those of the host."""

from __future__ import annotations

import ipaddress
import typing as t

from .errors import ApiError, Json, rpc
from .filters import decode_filters, find_one, matches_any, matches_labels
from .placement import is_alive
from .server import Request, Response
from .state import Cluster, Host, make_id

_FILTERS = ("name", "id", "driver", "label", "scope", "type", "dangling")
_PREDEFINED = ("bridge", "host", "none")


class Networks:
    """``cluster`` is None on a host that is no manager: only local networks are seen."""

    def __init__(self, host: Host, cluster: Cluster | None) -> None:
        self._host, self._cluster = host, cluster

    def list(self, request: Request) -> Response:
        filters = decode_filters(request.raw_query.get("filters"), _FILTERS)
        names, ids = filters.get("name", []), filters.get("id", [])
        return Response(
            [
                self._shown(item)
                for item in self._all().values()
                if (not names or any(part in item["Name"] for part in names))
                and (not ids or any(part in item["Id"] for part in ids))
                and matches_any(item["Driver"], filters.get("driver", []))
                and matches_any(item["Scope"], filters.get("scope", []))
                and matches_labels(item["Labels"], filters.get("label", []))
                and matches_any("builtin" if item["Name"] in _PREDEFINED else "custom", filters.get("type", []))
            ]
        )

    def inspect(self, request: Request, word: str) -> Response:
        status: Json = {"Status": {"IPAM": {"Subnets": {}}}} if self._host.has_api(52) else {}
        return Response({**self._shown(self._find(word)), **status, **({"Services": {}} if request.flag("verbose") else {})})

    def _shown(self, item: Json) -> Json:
        return {**item, "EnableIPv4": True} if self._host.has_api(48) else item

    def create(self, request: Request) -> Response:
        body = request.body or {}
        name, driver = body.get("Name", ""), body.get("Driver") or "bridge"
        swarm_scoped = driver == "overlay" if not body.get("Scope") else body["Scope"] == "swarm"
        if swarm_scoped and self._cluster is None:
            raise ApiError(503, "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state.")
        if any(item["Name"] == name for item in self._all().values()):
            raise ApiError(409, f"network with name {name} already exists")
        if body.get("Ingress"):
            for item in self._all().values():
                if item["Ingress"]:
                    raise rpc("AlreadyExists", f"ingress network ({item['Id']}) is already present")
        key = make_id("network", name, self._cluster.index if self._cluster else len(self._host.local_networks))
        store = t.cast(Cluster, self._cluster).networks if swarm_scoped else self._host.local_networks
        store[key] = {
            "Name": name,
            "Id": key,
            "Created": self._cluster.stamp() if self._cluster else "2026-01-01T00:00:00.000000000Z",
            "Scope": "swarm" if swarm_scoped else "local",
            "Driver": driver,
            "EnableIPv6": bool(body.get("EnableIPv6")),
            "IPAM": self._ipam(body.get("IPAM") or {}, store),
            "Internal": bool(body.get("Internal")),
            "Attachable": bool(body.get("Attachable")),
            "Ingress": bool(body.get("Ingress")),
            "ConfigFrom": {"Network": ""},
            "ConfigOnly": bool(body.get("ConfigOnly")),
            "Containers": None,
            "Options": {
                **({"com.docker.network.driver.overlay.vxlanid_list": str(4096 + len(store))} if swarm_scoped else {}),
                **(body.get("Options") or {}),
            },
            "Labels": body.get("Labels") or {},
        }
        if self._cluster:
            self._cluster.index += 1
        return Response({"Id": key, "Warning": ""}, 201)

    def delete(self, request: Request, word: str) -> Response:
        item = self._find(word)
        if item["Name"] in _PREDEFINED:
            raise ApiError(403, f"{item['Name']} is a pre-defined network and cannot be removed")
        if item["Scope"] == "swarm":
            self._check_unused(t.cast(Cluster, self._cluster), item)
            del t.cast(Cluster, self._cluster).networks[item["Id"]]
        else:
            if item.get("Containers"):
                raise ApiError(403, f"error while removing network: network {item['Name']} id {item['Id']} has active endpoints")
            del self._host.local_networks[item["Id"]]
        return Response(status=204)

    def disconnect(self, request: Request, word: str) -> Response:
        item, name = self._find(word), (request.body or {}).get("Container", "")
        ends = item.get("Containers") or {}
        mine = [key for key, end in ends.items() if name in (key, end.get("Name"))]
        if not mine:
            raise ApiError(404, f"No such container: {name}")
        del ends[mine[0]]
        return Response()

    def _check_unused(self, cluster: Cluster, item: Json) -> None:
        for service in cluster.services.values():
            attached = [network["Target"] for network in service["Spec"]["TaskTemplate"].get("Networks", [])]
            published = any(port["PublishMode"] == "ingress" for port in service["Endpoint"].get("Ports", []))
            if item["Ingress"] and published:
                text = f"ingress network cannot be removed because service {service['ID']} depends on it"
                raise rpc("FailedPrecondition", text)
            if item["Id"] in attached:
                raise rpc("FailedPrecondition", f"network {item['Id']} is in use by service {service['ID']}")
        for task in cluster.tasks.values():
            attached = [network["Target"] for network in task["Spec"].get("Networks", [])]
            if item["Id"] in attached and is_alive(task):
                raise rpc("FailedPrecondition", f"network {item['Id']} is in use by task {task['ID']}")

    def _ipam(self, body: Json, store: t.Mapping[str, Json]) -> Json:
        configs = body.get("Config") or []
        if not configs:
            pool: Json = self._cluster.swarm if self._cluster else {"DefaultAddrPool": ["172.16.0.0/12"], "SubnetSize": 24}
            used = {config["Subnet"] for item in store.values() for config in item["IPAM"]["Config"]}
            subnets = ipaddress.ip_network(pool["DefaultAddrPool"][0]).subnets(new_prefix=pool["SubnetSize"])
            configs = [{"Subnet": next(str(subnet) for subnet in subnets if str(subnet) not in used)}]
        filled = []
        for config in configs:
            try:
                subnet = ipaddress.ip_network(config["Subnet"], strict=False)
            except (ValueError, KeyError):
                raise rpc("InvalidArgument", f"ipam configuration: invalid subnet {config.get('Subnet', '')}") from None
            filled.append({"Subnet": config["Subnet"], "Gateway": config.get("Gateway") or str(subnet.network_address + 1)})
        return {"Driver": body.get("Driver") or "default", "Options": body.get("Options"), "Config": filled}

    def _all(self) -> dict[str, Json]:
        return {**self._host.local_networks, **(self._cluster.networks if self._cluster else {})}

    def _find(self, word: str) -> Json:
        return t.cast(Json, find_one(self._all(), word, lambda item: item["Name"], ApiError(404, f"network {word} not found")))
