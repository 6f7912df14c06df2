# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/services and /tasks."""

from __future__ import annotations

import copy
import typing as t

from .errors import ApiError, Json, rpc
from .filters import decode_filters, find_one, matches_any, matches_labels, matches_prefix
from .rollout import is_dirty
from .server import Request, Response
from .spec import insert_defaults, normalise, validate
from .state import Cluster, make_id, public

_FIRST_FREE_PORT = 30000


class Services:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def find(self, word: str) -> Json:
        missing = ApiError(404, f"service {word} not found")
        return t.cast(Json, find_one(self._cluster.services, word, lambda item: item["Spec"]["Name"], missing))

    def list(self, request: Request) -> Response:
        filters = decode_filters(request.raw_query.get("filters"), ("name", "id", "label", "mode", "runtime"))
        found = [
            item
            for item in self._cluster.services.values()
            if matches_prefix(item["Spec"]["Name"], filters.get("name", []))
            and matches_prefix(item["ID"], filters.get("id", []))
            and matches_labels(item["Spec"]["Labels"], filters.get("label", []))
            and matches_any(_mode_word(item), filters.get("mode", []))
        ]
        if not request.flag("status"):
            return Response([public(item) for item in found])
        tasks: dict[str, list[Json]] = {}
        for task in self._cluster.tasks.values():
            tasks.setdefault(task["ServiceID"], []).append(task)
        return Response([{**public(item), "ServiceStatus": _status(item, tasks.get(item["ID"], []))} for item in found])

    def inspect(self, request: Request, word: str) -> Response:
        item = public(self.find(word))
        if request.flag("insertDefaults"):
            item["Spec"] = insert_defaults(item["Spec"])
        return Response(item)

    def create(self, request: Request) -> Response:
        spec = self._accept(request.body or {})
        for other in self._cluster.services.values():
            if other["Spec"]["Name"] == spec["Name"]:
                text = f"name conflicts with an existing object: service {spec['Name']} already exists"
                raise rpc("AlreadyExists", text)
        item: Json = {"ID": make_id("service", spec["Name"], self._cluster.index), "Spec": spec}
        self._check_ports(spec, item["ID"])
        self._cluster.touch(item)
        item.update(_spec_version=0, _previous_version=0, _ended={})
        if "ReplicatedJob" in spec["Mode"] or "GlobalJob" in spec["Mode"]:
            item["JobStatus"] = {"JobIteration": {"Index": 0}, "LastExecution": self._cluster.stamp()}
        item["Endpoint"] = self._endpoint(item)
        self._cluster.services[item["ID"]] = item
        self._keep_auth(request, item)
        return Response({"ID": item["ID"]}, 201)

    def update(self, request: Request, word: str) -> Response:
        spec = self._accept(request.body or {})
        item = self.find(word)
        self._check_ports(spec, item["ID"])
        if set(spec["Mode"]) != set(item["Spec"]["Mode"]):
            raise rpc("Unimplemented", "service mode change is not allowed")
        if spec["Name"] != item["Spec"]["Name"]:
            raise rpc("Unimplemented", "renaming services is not supported")
        rollback = request.raw_query.get("rollback", "")
        if rollback not in ("", "none", "previous"):
            raise ApiError(500, f"unrecognized rollback option {rollback}")
        if rollback == "previous" and "PreviousSpec" not in item:
            raise rpc("FailedPrecondition", f"service {item['ID']} does not have a previous spec")
        self._cluster.check_version(item, request.raw_query)
        old, old_version = item["Spec"], item["_spec_version"]
        if rollback == "previous":
            item["Spec"], item["_spec_version"] = item["PreviousSpec"], item["_previous_version"]
            started = {"StartedAt": self._cluster.stamp(), "Message": "manually requested rollback"}
            item["UpdateStatus"] = {"State": "rollback_started", **started}
        else:
            item["Spec"], item["_spec_version"] = spec, item["Version"]["Index"]
            item.pop("UpdateStatus", None)
        item["PreviousSpec"], item["_previous_version"], item["_ended"] = old, old_version, {}
        if "JobStatus" in item:
            index = item["JobStatus"]["JobIteration"]["Index"] + 1
            item["JobStatus"] = {"JobIteration": {"Index": index}, "LastExecution": self._cluster.stamp()}
        item["Endpoint"] = self._endpoint(item)
        self._cluster.touch(item)
        self._keep_auth(request, item)
        return Response({"Warnings": None})

    def delete(self, request: Request, word: str) -> Response:
        item = self._cluster.services.pop(self.find(word)["ID"])
        self._cluster.registry_auth.pop(item["ID"], None)
        if "JobStatus" in item and self._cluster.keeps_jobs:
            return Response()
        for task in self._cluster.tasks_of(item["ID"]):
            task["DesiredState"] = "remove"
            self._cluster.touch(task)
        return Response()

    def list_tasks(self, request: Request) -> Response:
        accepted = ("name", "id", "label", "service", "node", "desired-state", "_up-to-date", "runtime")
        filters = decode_filters(request.raw_query.get("filters"), accepted)
        services = {self._id_of(self._cluster.services, word, "Name") for word in filters.get("service", [])}
        nodes = {self._id_of(self._cluster.nodes, word, "Hostname") for word in filters.get("node", [])}
        for word in filters.get("desired-state", []):
            if word not in ("running", "shutdown", "accepted", "ready", "complete", "remove"):
                raise ApiError(400, f"invalid desired state: '{word}'")
        return Response(
            [
                public(task)
                for task in self._cluster.tasks.values()
                if (not services or task["ServiceID"] in services)
                and (not nodes or task.get("NodeID") in nodes)
                and matches_any(task["DesiredState"], filters.get("desired-state", []))
                and matches_prefix(task["ID"], filters.get("id", []))
                and matches_labels(task["_service"][1], filters.get("label", []))
                and matches_prefix(self._task_name(task), filters.get("name", []))
                and (not any(v == "true" for v in filters.get("_up-to-date", [])) or self._is_up_to_date(task))
            ]
        )

    def inspect_task(self, request: Request, word: str) -> Response:
        missing = ApiError(404, f"task {word} not found")
        return Response(public(find_one(self._cluster.tasks, word, self._task_name, missing)))

    def _id_of(self, objects: t.Mapping[str, Json], word: str, key: str) -> str:
        """The ID that a filter's name stands for; an unknown name is taken for an ID, as the engine does."""
        try:
            found = find_one(objects, word, lambda item: item["Spec"].get(key) or item["Description"][key], ApiError(404, "x"))
        except ApiError:
            return word
        return str(found["ID"])

    def _task_name(self, task: Json) -> str:
        return f"{task['_service'][0]}.{task['_slot']}.{task['ID']}"

    def _is_up_to_date(self, task: Json) -> bool:
        service = self._cluster.services.get(task["ServiceID"])
        return bool(service and not is_dirty(service, task, self._cluster.nodes.get(task.get("NodeID", ""))))

    def _accept(self, body: Json) -> Json:
        spec = normalise(copy.deepcopy(body), self._network_id)
        validate(spec)
        container = spec["TaskTemplate"]["ContainerSpec"]
        for kind, objects in (("Secret", self._cluster.secrets), ("Config", self._cluster.configs)):
            refs = container.get(f"{kind}s", [])
            lost = [r[f"{kind}Name"] for r in refs if not _names(objects.get(r.get(f"{kind}ID", "")), r.get(f"{kind}Name", ""))]
            if lost:
                word = kind.lower() if len(lost) == 1 else f"{kind.lower()}s"
                raise rpc("InvalidArgument", f"{word} not found: {', '.join(lost)}")
            files = [ref["File"]["Name"] for ref in refs if ref.get("File")]
            for name in files:
                if files.count(name) > 1:
                    both = " and ".join(f"'{r[f'{kind}Name']}'" for r in refs if (r.get("File") or {}).get("Name") == name)
                    raise rpc("InvalidArgument", f"{kind.lower()} references {both} have a conflicting target: '{name}'")
        return spec

    def _network_id(self, word: str) -> str:
        missing = ApiError(404, f"network {word} not found")
        found = find_one(self._cluster.networks, word, lambda item: item["Name"], missing)
        if found["Scope"] != "swarm":
            text = "Only networks scoped to the swarm can be used, such as those created with the overlay driver."
            raise ApiError(403, f"The network {word} cannot be used with services. {text}")
        if found["Ingress"]:
            raise rpc("InvalidArgument", f'Service cannot be explicitly attached to the ingress network "{found["Name"]}"')
        return str(found["Id"])

    def _check_ports(self, spec: Json, service_id: str) -> None:
        wanted = {_port_key(port): port["PublishMode"] for port in spec.get("EndpointSpec", {}).get("Ports", [])}
        if not wanted:
            return
        if "ingress" in wanted.values() and not any(n["Ingress"] for n in self._cluster.networks.values()):
            raise rpc("FailedPrecondition", "service needs ingress network, but no ingress network is present")
        for other in self._cluster.services.values():
            if other["ID"] == service_id:
                continue
            for port in other["Endpoint"].get("Ports", []):
                key = _port_key(port)
                if not key[0] or key not in wanted or (port["PublishMode"], wanted[key]) == ("host", "host"):
                    continue
                kind = "an ingress port" if port["PublishMode"] == "ingress" else "a host-published port"
                text = f"port '{key[0]}' is already in use by service '{other['Spec']['Name']}' ({other['ID']}) as {kind}"
                raise rpc("InvalidArgument", text)

    def _endpoint(self, item: Json) -> Json:
        """Ports with the numbers that the engine chose, and a virtual IP in each network."""
        spec = item["Spec"].get("EndpointSpec", {"Mode": "vip"})
        endpoint: Json = {"Spec": spec}
        ports = []
        for port in spec.get("Ports", []):
            taken = {p.get("PublishedPort") for s in self._cluster.services.values() for p in s["Endpoint"].get("Ports", [])}
            free = next(number for number in range(_FIRST_FREE_PORT, 32768) if number not in taken)
            ports.append({**port, "PublishedPort": port.get("PublishedPort") or (free if port["PublishMode"] == "ingress" else 0)})
        if ports:
            endpoint["Ports"] = ports
        networks = [network["Target"] for network in item["Spec"]["TaskTemplate"].get("Networks", [])]
        if any(port["PublishMode"] == "ingress" for port in ports):
            networks.insert(0, next(key for key, n in self._cluster.networks.items() if n["Ingress"]))
        if networks and spec["Mode"] == "vip":
            number = len(self._cluster.services) % 250 + 2
            endpoint["VirtualIPs"] = [{"NetworkID": key, "Addr": f"10.0.{i}.{number}/24"} for i, key in enumerate(networks)]
        return endpoint

    def _keep_auth(self, request: Request, item: Json) -> None:
        auth = request.headers.get("X-Registry-Auth", "")
        if auth:
            self._cluster.registry_auth[item["ID"]] = auth


def _names(item: Json | None, name: str) -> bool:
    return bool(item and item["Spec"]["Name"] == name)


def _port_key(port: Json) -> tuple[int, str]:
    return port.get("PublishedPort", 0), port["Protocol"]


def _mode_word(item: Json) -> str:
    mode = str(next(iter(item["Spec"]["Mode"])))
    return {"ReplicatedJob": "replicated-job", "GlobalJob": "global-job"}.get(mode, mode.lower())


def _status(item: Json, tasks: t.Sequence[Json]) -> Json:
    mode = item["Spec"]["Mode"]
    if "JobStatus" in item:
        tasks = [task for task in tasks if task.get("JobIteration") == item["JobStatus"]["JobIteration"]]
    states = [task["Status"]["State"] for task in tasks]
    if "Replicated" in mode:
        desired = mode["Replicated"]["Replicas"]
    elif "ReplicatedJob" in mode:
        desired = mode["ReplicatedJob"]["MaxConcurrent"]
    elif "Global" in mode:
        desired = sum(task["DesiredState"] == "running" for task in tasks)
    else:
        desired = sum(task["DesiredState"] == "complete" and task["Status"]["State"] != "complete" for task in tasks)
    done = states.count("complete") if "JobStatus" in item else 0
    return {"RunningTasks": states.count("running"), "DesiredTasks": desired, "CompletedTasks": done}
