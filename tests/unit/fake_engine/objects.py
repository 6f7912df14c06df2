# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/secrets and /configs: the same but for the size and for who may read the data."""

from __future__ import annotations

import base64
import binascii
import re
import typing as t

from .errors import ApiError, Json, rpc
from .filters import decode_filters, find_one, matches_labels, matches_prefix
from .server import Request, Response
from .state import Cluster, make_id

LIMITS = {"secret": 500 * 1024, "config": 1000 * 1024}
_NAME = re.compile(r"[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?")


class Objects:
    """``kind`` is secret or config."""

    def __init__(self, cluster: Cluster, kind: str) -> None:
        self._cluster, self._kind = cluster, kind
        self._all = cluster.secrets if kind == "secret" else cluster.configs

    def find(self, word: str) -> Json:
        missing = ApiError(404, f"{self._kind} {word} not found")
        return t.cast(Json, find_one(self._all, word, lambda item: item["Spec"]["Name"], missing))

    def list(self, request: Request) -> Response:
        filters = decode_filters(request.raw_query.get("filters"), ("name", "names", "id", "label"))
        return Response(
            [
                self._show(item)
                for item in self._all.values()
                if matches_prefix(item["Spec"]["Name"], filters.get("name", []))
                and (not filters.get("names") or item["Spec"]["Name"] in filters["names"])
                and matches_prefix(item["ID"], filters.get("id", []))
                and matches_labels(item["Spec"]["Labels"], filters.get("label", []))
            ]
        )

    def inspect(self, request: Request, word: str) -> Response:
        return Response(self._show(self.find(word)))

    def create(self, request: Request) -> Response:
        body = request.body or {}
        name, data = body.get("Name", ""), body.get("Data") or ""
        if not name or len(name) > 64 or not _NAME.fullmatch(name):
            text = "[a-zA-Z0-9-_.], with alphanumeric [a-zA-Z0-9] characters at start and end"
            raise rpc("InvalidArgument", f"invalid name, only 64 {text}")
        size, limit = len(self._decode(data)), LIMITS[self._kind]
        if not (body.get("Driver") and not size) and not 0 < size < limit:
            raise rpc("InvalidArgument", f"{self._kind} data must be larger than 0 and less than {limit} bytes")
        if any(item["Spec"]["Name"] == name for item in self._all.values()):
            raise rpc("AlreadyExists", f"{self._kind} {name} already exists")
        spec = {"Name": name, "Labels": body.get("Labels") or {}}
        spec.update({key: body[key] for key in ("Driver", "Templating") if body.get(key)})
        item: Json = self._cluster.touch({"ID": make_id(self._kind, name, self._cluster.index), "Spec": spec})
        self._cluster.data[item["ID"]] = data
        self._all[item["ID"]] = item
        return Response({"ID": item["ID"]}, 201)

    def update(self, request: Request, word: str) -> Response:
        item, body = self.find(word), request.body or {}
        self._cluster.check_version(item, request.raw_query)
        same_data = body.get("Data") in (None, "") or self._decode(body["Data"]) == self._decode(self._cluster.data[item["ID"]])
        if body.get("Name") != item["Spec"]["Name"] or not same_data:
            raise rpc("InvalidArgument", "only updates to Labels are allowed")
        item["Spec"] = {**item["Spec"], "Labels": body.get("Labels") or {}}
        self._cluster.touch(item)
        return Response()

    def delete(self, request: Request, word: str) -> Response:
        item = self.find(word)
        key = self._kind.capitalize()
        users = [
            service["Spec"]["Name"]
            for service in self._cluster.services.values()
            for ref in service["Spec"]["TaskTemplate"]["ContainerSpec"].get(f"{key}s", [])
            if ref[f"{key}ID"] == item["ID"]
        ]
        if users:
            word = "service" if len(users) == 1 else "services"
            text = f"{self._kind} '{item['Spec']['Name']}' is in use by the following {word}: {', '.join(users)}"
            raise rpc("InvalidArgument", text)
        del self._all[item["ID"]], self._cluster.data[item["ID"]]
        return Response(status=204)

    def _show(self, item: Json) -> Json:
        if self._kind == "secret":
            return item
        return {**item, "Spec": {**item["Spec"], "Data": self._cluster.data[item["ID"]]}}

    def _decode(self, data: str) -> bytes:
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            raise ApiError(400, "invalid JSON: illegal base64 data at input byte 0") from None
