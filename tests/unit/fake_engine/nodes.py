# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/nodes."""

from __future__ import annotations

import typing as t

from .builders import manager_status
from .errors import ApiError, Json, rpc
from .filters import decode_filters, find_one, matches_any, matches_labels, matches_prefix
from .server import Request, Response
from .state import Cluster


class Nodes:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def find(self, word: str) -> Json:
        missing = ApiError(404, f"node {word} not found")
        return t.cast(Json, find_one(self._cluster.nodes, word, lambda item: item["Description"]["Hostname"], missing))

    def list(self, request: Request) -> Response:
        accepted = ("id", "name", "label", "node.label", "role", "membership")
        filters = decode_filters(request.raw_query.get("filters"), accepted)
        return Response(
            [
                item
                for item in self._cluster.nodes.values()
                if matches_prefix(item["ID"], filters.get("id", []))
                and matches_prefix(item["Description"]["Hostname"], filters.get("name", []))
                and matches_labels(item["Description"]["Engine"]["Labels"], filters.get("label", []))
                and matches_labels(item["Spec"]["Labels"], filters.get("node.label", []))
                and matches_any(item["Spec"]["Role"], filters.get("role", []))
                and matches_any("accepted", filters.get("membership", []))
            ]
        )

    def inspect(self, request: Request, word: str) -> Response:
        return Response(self.find(word))

    def update(self, request: Request, word: str) -> Response:
        item, body = self.find(word), request.body or {}
        role, availability = body.get("Role", ""), body.get("Availability", "")
        if role not in ("worker", "manager"):
            raise ApiError(400, f'invalid Role: "{role}"')
        if availability not in ("active", "pause", "drain"):
            raise ApiError(400, f'invalid Availability: "{availability}"')
        for key, value in (body.get("Labels") or {}).items():
            if not isinstance(value, str):
                kind = "bool" if isinstance(value, bool) else "number"
                raise ApiError(
                    400,
                    f"invalid JSON: json: cannot unmarshal {kind} into Go struct field NodeSpec.Labels of type string ({key})",
                )
        if role == "worker" and item["Spec"]["Role"] == "manager":
            self._check_demotion(item)
        self._cluster.check_version(item, request.raw_query)
        item["Spec"] = {
            **{k: body[k] for k in ("Name",) if body.get(k)},
            "Labels": body.get("Labels") or {},
            "Role": role,
            "Availability": availability,
        }
        self._set_role(item, role)
        self._cluster.touch(item)
        return Response()

    def delete(self, request: Request, word: str) -> Response:
        item = self.find(word)
        if item["Spec"]["Role"] == "manager":
            text = "is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal"
            raise rpc("FailedPrecondition", f"node {item['ID']} {text}")
        if item["Status"]["State"] == "ready" and not request.flag("force"):
            raise rpc("FailedPrecondition", f"node {item['ID']} is not down and can't be removed")
        del self._cluster.nodes[item["ID"]]
        return Response()

    def _check_demotion(self, item: Json) -> None:
        managers = [node for node in self._cluster.nodes.values() if node["Spec"]["Role"] == "manager"]
        if len(managers) == 1:
            raise rpc("FailedPrecondition", "attempting to demote the last manager of the swarm")
        left = [node for node in managers if node["ID"] != item["ID"]]
        reachable = sum(node.get("ManagerStatus", {}).get("Reachability") == "reachable" for node in left)
        if reachable < len(left) // 2 + 1:
            text = "can't remove member from the raft: this would result in a loss of quorum"
            raise rpc("FailedPrecondition", text)

    def _set_role(self, item: Json, role: str) -> None:
        status = item.get("ManagerStatus")
        if role == "manager" and status is None:
            item["ManagerStatus"] = manager_status(item["Status"]["Addr"])
        elif role == "worker" and status is not None:
            del item["ManagerStatus"]
            others = [node["ManagerStatus"] for node in self._cluster.nodes.values() if "ManagerStatus" in node]
            if status.get("Leader"):
                others[0]["Leader"] = True
