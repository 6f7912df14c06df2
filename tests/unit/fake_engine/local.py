# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one engine knows of itself: version, info, volumes, images, containers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .errors import LOCKED, NO_LEADER, ApiError, Json
from .filters import decode_filters, matches_any, matches_labels
from .server import Request, Response, minimum_api
from .state import Cluster, Host, public


class Local:
    def __init__(self, host: Host, cluster: Cluster | None, manager: bool) -> None:
        self._host, self._cluster, self._manager = host, cluster, manager

    def ping(self, request: Request) -> Response:
        return Response(b"OK", content_type="text/plain; charset=utf-8")

    def version(self, request: Request) -> Response:
        api = {"ApiVersion": self._host.api_version, "MinAPIVersion": minimum_api(self._host.api_version)}
        plain = {
            "Version": self._host.engine_version,
            "Os": "linux",
            "Arch": "amd64",
            "KernelVersion": "6.12.0",
            "GoVersion": "go1.22",
        }
        return Response({"Platform": {"Name": ""}, **plain, **api})

    def info(self, request: Request) -> Response:
        plain = {
            "ID": f"id-{self._host.name}",
            "Name": self._host.name,
            "ServerVersion": self._host.engine_version,
            "DockerRootDir": "/var/lib/docker",
            "SystemTime": self._cluster.stamp() if self._cluster else "2026-01-01T00:00:00.000000000Z",
            "OperatingSystem": "Debian GNU/Linux 13 (trixie)",
            "OSType": "linux",
            "Architecture": "x86_64",
            "NCPU": 4,
            "MemTotal": 8 * 1024**3,
            "Driver": "overlay2",
            "Labels": [],
            "Runtimes": {"runc": {"path": "runc"}},
            "DefaultRuntime": "runc",
            "LiveRestoreEnabled": False,
            "GenericResources": None,
            "RegistryConfig": {"InsecureRegistryCIDRs": ["127.0.0.0/8"], "IndexConfigs": {}, "Mirrors": []},
            "Warnings": None,
        }
        newer: Json = {} if self._host.has_api(50) else {"BridgeNfIptables": True, "BridgeNfIp6tables": True}
        newer.update({"FirewallBackend": {"Driver": "iptables"}} if self._host.has_api(49) else {})
        newer.update({"DiscoveredDevices": [], "NRI": {"Info": []}} if self._host.has_api(53) else {})
        return Response({**plain, **newer, "Swarm": self._swarm(), **self._host.info})

    def _swarm(self) -> Json:
        empty = {
            "NodeID": "",
            "NodeAddr": "",
            "LocalNodeState": self._host.state,
            "ControlAvailable": False,
            "Error": "",
            "RemoteManagers": None,
        }
        cluster = self._cluster
        if cluster is None or self._host.state != "active":
            return {**empty, "Error": LOCKED if self._host.state == "locked" else ""}
        managers = [node for node in cluster.nodes.values() if "ManagerStatus" in node]
        remote = [{"NodeID": node["ID"], "Addr": node["ManagerStatus"]["Addr"]} for node in managers]
        found = {**empty, "NodeID": self._host.node_id, "NodeAddr": self._host.addr, "RemoteManagers": remote}
        if not self._manager:
            return found
        if not cluster.has_leader:
            return {**found, "ControlAvailable": True, "Error": NO_LEADER}
        view = {key: value for key, value in cluster.swarm.items() if key != "JoinTokens"}
        return {**found, "ControlAvailable": True, "Nodes": len(cluster.nodes), "Managers": len(managers), "Cluster": view}

    def list_volumes(self, request: Request) -> Response:
        filters = decode_filters(request.raw_query.get("filters"), ("name", "label", "driver", "dangling"))
        found = [
            item
            for item in self._host.volumes.values()
            if (not filters.get("name") or any(part in item["Name"] for part in filters["name"]))
            and matches_labels(item["Labels"], filters.get("label", []))
            and matches_any(item["Driver"], filters.get("driver", []))
        ]
        return Response({"Volumes": found, "Warnings": None})

    def inspect_volume(self, request: Request, name: str) -> Response:
        return Response(self._volume(name))

    def create_volume(self, request: Request) -> Response:
        """As the real engine does, a volume that exists is returned as it is, whatever the options; another driver conflicts."""
        body = request.body or {}
        name, driver = body.get("Name") or hashlib.sha256(b"x").hexdigest(), body.get("Driver") or "local"
        old = self._host.volumes.get(name)
        if old and old["Driver"] != driver:
            text = f"create {name}: found reference to volume '{name}' in driver '{old['Driver']}': volume name must be unique"
            raise ApiError(409, text)
        place = Path(self._host.info.get("DockerRootDir", "/var/lib/docker")) / "volumes" / name / "_data"
        if "DockerRootDir" in self._host.info:  # a directory of the test
            place.mkdir(parents=True, exist_ok=True)
        self._host.volumes.setdefault(
            name,
            {
                "CreatedAt": "2026-01-01T00:00:00Z",
                "Name": name,
                "Driver": driver,
                "Labels": body.get("Labels"),
                "Options": body.get("DriverOpts") or None,
                "Mountpoint": str(place),
                "Scope": "local",
                **({"ClusterVolume": {"Spec": body["ClusterVolumeSpec"]}} if "ClusterVolumeSpec" in body else {}),
            },
        )
        return Response(self._host.volumes[name], 201)

    def delete_volume(self, request: Request, name: str) -> Response:
        self._volume(name)
        users = [c["Id"] for c in self._host.containers if any(m.get("Name") == name for m in c.get("Mounts", []))]
        if users:
            raise ApiError(409, f"remove {name}: volume is in use - [{', '.join(users)}]")
        del self._host.volumes[name]
        return Response(status=204)

    def _volume(self, name: str) -> Json:
        if name not in self._host.volumes:
            raise ApiError(404, f"get {name}: no such volume")
        return self._host.volumes[name]

    def distribution(self, request: Request, name: str) -> Response:
        """The digest in the registry, from ``host.images[name]["digest"]``; an image that is not there is denied."""
        image = self._host.images.get(name) or self._host.images.get(_with_tag(name))
        if not image or not image.get("digest"):
            raise ApiError(401, f"errors:\ndenied: requested access to the resource is denied ({name})")
        platforms = image.get("platforms", [{"architecture": "amd64", "os": "linux"}])
        kind = "application/vnd.docker.distribution.manifest.list.v2+json"
        return Response({"Descriptor": {"mediaType": kind, "digest": image["digest"], "size": 1}, "Platforms": platforms})

    def list_images(self, request: Request) -> Response:
        return Response([self._image(name) for name, image in self._host.images.items() if image.get("local", True)])

    def pull_image(self, request: Request) -> Response:
        """An image whose ``local`` is False comes from the registry; what that does not have is told at the end of the stream."""
        name = request.query["fromImage"]
        repository, _at, digest = name.partition("@")
        for key, image in self._host.images.items():
            if key == _with_tag(name) or (digest and key.rpartition(":")[0] == repository and image.get("digest") == digest):
                image["local"] = True
                return _stream({"status": "Pulling"}, {"status": f"Status: Downloaded newer image for {name}"})
        text = f"manifest for {name} not found: manifest unknown"
        failure: Json = {"errorDetail": {"message": text}}
        return _stream({"status": "Pulling"}, failure if self._host.has_api(53) else {**failure, "error": text})

    def delete_image(self, request: Request, name: str) -> Response:
        key = name if name in self._host.images else _with_tag(name)
        if key not in self._host.images:
            raise ApiError(404, f"No such image: {key}")
        del self._host.images[key]
        return Response([{"Untagged": key}])

    def disk_usage(self, request: Request) -> Response:
        """Of the build cache alone, in the form of the host's version."""
        assert request.raw_query.get("type") == "build-cache"
        if tuple(map(int, self._host.api_version.split("."))) < (1, 52):
            return Response({"BuildCache": self._host.build_cache})
        return Response({"BuildCacheUsage": {"Items": self._host.build_cache if request.flag("verbose") else []}})

    def prune_cache(self, request: Request) -> Response:
        """Without a look at the age, which the engine takes as a duration."""
        (until,) = decode_filters(request.raw_query.get("filters"), ("until",))["until"]
        assert until.endswith("s") and until[:-1].isdigit(), until
        self._host.build_cache = [part for part in self._host.build_cache if part["InUse"]]
        return Response({"CachesDeleted": [], "SpaceReclaimed": 0})

    def inspect_image(self, request: Request, name: str) -> Response:
        image = self._host.images.get(name) or self._host.images.get(_with_tag(name))
        if not image or not image.get("local", True):
            raise ApiError(404, f"No such image: {_with_tag(name)}")
        return Response(self._image(name))

    def _image(self, name: str) -> Json:
        image = self._host.images.get(name) or self._host.images[_with_tag(name)]
        digest = image.get("digest", "")
        plain = {"Id": f"sha256:{hashlib.sha256(name.encode()).hexdigest()}", "RepoTags": [_with_tag(name)], "Size": 1}
        return {
            **plain,
            "Created": image.get("created", 0),
            "RepoDigests": [f"{name.rpartition(':')[0] or name}@{digest}"] if digest else [],
            **({"Config": image["config"]} if "config" in image else {} if self._host.has_api(52) else {"Config": {}}),
            **({} if self._host.has_api(44) else {"VirtualSize": 1}),
            **({} if self._host.has_api(52) else {"Parent": "", "Comment": "", "DockerVersion": "", "Author": ""}),
        }

    def list_containers(self, request: Request) -> Response:
        filters = decode_filters(
            request.raw_query.get("filters"), ("label", "name", "id", "status", "volume", "ancestor", "network", "is-task")
        )
        return Response(
            [
                item
                for item in self._host.containers
                if (request.flag("all") or item.get("State", "running") == "running")
                and matches_labels(item.get("Labels"), filters.get("label", []))
                and matches_any(item.get("State", "running"), filters.get("status", []))
                and (not filters.get("volume") or any(m.get("Name") in filters["volume"] for m in item.get("Mounts", [])))
            ]
        )


def _stream(*messages: Json) -> Response:
    return Response("".join(f"{json.dumps(message)}\r\n" for message in messages).encode())


def logs_of(cluster: Cluster, item: Json, name: str, request: Request) -> Response:
    """Logs multiplexed as the engine sends them, or plain for a TTY. ``tail`` counts lines."""
    text = next((cluster.logs[key] for key in (item["ID"], name) if key in cluster.logs), "")
    lines = text.splitlines(keepends=True)
    tail = request.raw_query.get("tail", "all")
    lines = lines[-int(tail) :] if tail.isdigit() and int(tail) else [] if tail == "0" else lines
    spec = public(item)["Spec"]
    if (spec.get("TaskTemplate") or spec)["ContainerSpec"].get("TTY"):
        return Response("".join(lines).encode(), content_type="application/vnd.docker.raw-stream")
    frames = b"".join(b"\x01\x00\x00\x00" + len(line.encode()).to_bytes(4, "big") + line.encode() for line in lines)
    return Response(frames, content_type="application/vnd.docker.multiplexed-stream")


def detailed_logs_of(cluster: Cluster, service: Json, tasks: list[Json], request: Request) -> Response:
    """Each line with its time (an hour apart, from the first of January on) and the IDs of node, service and task."""
    raw = b""
    for task in tasks:
        lines = cluster.logs.get(task["ID"], "").splitlines()
        for hour, line in list(enumerate(lines))[-int(request.raw_query.get("tail", "1000")) :]:
            ids = {"node": task.get("NodeID", ""), "service": service["ID"], "task": task["ID"]}
            details = ",".join(f"com.docker.swarm.{kind}.id={value}" for kind, value in ids.items())
            text = f"2026-01-01T{hour:02}:00:00.000000001Z {details} {line}\n".encode()
            raw += b"\x01\x00\x00\x00" + len(text).to_bytes(4, "big") + text
    return Response(raw, content_type="application/vnd.docker.multiplexed-stream")


def _with_tag(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"
