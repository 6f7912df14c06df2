# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short ways to write what is in a swarm, in the form in which the Engine API shows it."""

from __future__ import annotations

import base64
import typing as t

from .errors import Json
from .state import make_id, make_token

GIB = 1024**3


def node(
    name: str,
    role: str = "worker",
    leader: bool = False,
    labels: t.Mapping[str, str] | None = None,
    availability: str = "active",
    state: str = "ready",
    reachability: str = "reachable",
    addr: str = "",
    cpus: int = 4,
    memory: int = 8 * GIB,
    generic: t.Mapping[str, int | t.Sequence[str]] | None = None,
    engine_labels: t.Mapping[str, str] | None = None,
    engine_version: str = "26.1.5",
    arch: str = "x86_64",
    node_id: str = "",
) -> Json:
    """A node; ``generic`` such as ``{"gpu": ["GPU-1", "GPU-2"], "slots": 4}``. ``addr`` is made up from the name if empty."""
    resources: Json = {"NanoCPUs": cpus * 10**9, "MemoryBytes": memory}
    units = [item for kind, value in (generic or {}).items() for item in _generic(kind, value)]
    if units:
        resources["GenericResources"] = units
    node_id = node_id or make_id("node", name)
    number = int(node_id[:6], 36)
    addr = addr or f"10.77.{number % 250}.{number // 250 % 250 + 1}"
    item: Json = {
        "ID": node_id,
        "Spec": {"Labels": dict(labels or {}), "Role": role, "Availability": availability},
        "Description": {
            "Hostname": name,
            "Platform": {"Architecture": arch, "OS": "linux"},
            "Resources": resources,
            "Engine": {
                "EngineVersion": engine_version,
                "Labels": dict(engine_labels or {}),
                "Plugins": [{"Type": "Network", "Name": "overlay"}, {"Type": "Volume", "Name": "local"}],
            },
            "TLSInfo": TLS_INFO,
        },
        "Status": {"State": state, "Addr": addr},
    }
    if state == "down":
        item["Status"]["Message"] = "heartbeat failure"
    if role == "manager":
        item["ManagerStatus"] = manager_status(addr, leader, reachability)
    return item


def manager_status(addr: str, leader: bool = False, reachability: str = "reachable") -> Json:
    status: Json = {"Reachability": reachability, "Addr": f"{addr}:2377"}
    return {"Leader": True, **status} if leader else status


def _generic(kind: str, value: int | t.Sequence[str]) -> list[Json]:
    if isinstance(value, int):
        return [{"DiscreteResourceSpec": {"Kind": kind, "Value": value}}]
    return [{"NamedResourceSpec": {"Kind": kind, "Value": unit}} for unit in value]


def service(
    name: str,
    image: str = "nginx:1",
    replicas: int | None = 1,
    mode: str = "replicated",
    labels: t.Mapping[str, str] | None = None,
    constraints: t.Sequence[str] = (),
    networks: t.Sequence[str] = (),
    container: t.Mapping[str, t.Any] | None = None,
    template: t.Mapping[str, t.Any] | None = None,
    **spec: t.Any,
) -> Json:
    """A service spec, as ``POST /services/create`` takes it. ``container`` is merged into ContainerSpec, ``template`` into
    TaskTemplate, the rest (``EndpointSpec={...}``) into the spec. ``replicas`` is the number of completions for a job."""
    modes: Json = {
        "replicated": {"Replicated": {"Replicas": replicas}},
        "global": {"Global": {}},
        "replicated-job": {"ReplicatedJob": {"MaxConcurrent": replicas, "TotalCompletions": replicas}},
        "global-job": {"GlobalJob": {}},
    }
    task: Json = {"ContainerSpec": {"Image": image, **(container or {})}}
    if constraints:
        task["Placement"] = {"Constraints": list(constraints)}
    if networks:
        task["Networks"] = [{"Target": target} for target in networks]
    return {
        "Name": name,
        "Labels": dict(labels or {}),
        "TaskTemplate": {**task, **(template or {})},
        "Mode": modes[mode],
        "EndpointSpec": {},
        **spec,
    }


def secret(name: str, data: bytes = b"x", labels: t.Mapping[str, str] | None = None) -> Json:
    """A secret or config spec, as ``POST /secrets/create`` takes it."""
    return {"Name": name, "Labels": dict(labels or {}), "Data": base64.b64encode(data).decode()}


config = secret


def network(name: str, driver: str = "overlay", subnet: str = "", labels: t.Mapping[str, str] | None = None, **more: t.Any) -> Json:
    """The body of ``POST /networks/create``; ``more`` such as ``Attachable=True``, ``Ingress=True``, ``Scope="local"``."""
    body: Json = {"Name": name, "Driver": driver, "Labels": dict(labels or {}), **more}
    if subnet:
        body["IPAM"] = {"Config": [{"Subnet": subnet}]}
    return body


def volume(name: str, driver: str = "local", options: t.Mapping[str, str] | None = None, labels: t.Mapping[str, str] | None = None) -> Json:
    return {"Name": name, "Driver": driver, "DriverOpts": dict(options or {}), "Labels": dict(labels or {})}


def swarm_spec() -> Json:
    """The spec of a new swarm: swarmkit's defaults."""
    return {
        "Name": "default",
        "Labels": {},
        "Orchestration": {"TaskHistoryRetentionLimit": 5},
        "Raft": {
            "SnapshotInterval": 10000,
            "KeepOldSnapshots": 0,
            "LogEntriesForSlowFollowers": 500,
            "ElectionTick": 10,
            "HeartbeatTick": 1,
        },
        "Dispatcher": {"HeartbeatPeriod": 5 * 10**9},
        "CAConfig": {"NodeCertExpiry": 2160 * 3600 * 10**9},
        "TaskDefaults": {},
        "EncryptionConfig": {"AutoLockManagers": False},
    }


def swarm(cluster_id: str = "", pools: t.Sequence[str] = ("10.0.0.0/8",), subnet_size: int = 24, port: int = 4789) -> Json:
    cluster_id = cluster_id or make_id("swarm")
    return {
        "ID": cluster_id,
        "Spec": swarm_spec(),
        "TLSInfo": TLS_INFO,
        "RootRotationInProgress": False,
        "DefaultAddrPool": list(pools),
        "SubnetSize": subnet_size,
        "DataPathPort": port,
        "JoinTokens": {"Worker": make_token(cluster_id), "Manager": make_token(cluster_id)},
    }


TLS_INFO: Json = {
    "TrustRoot": "-----BEGIN CERTIFICATE-----\nZmFrZQ==\n-----END CERTIFICATE-----\n",
    "CertIssuerSubject": "MBMxETAPBgNVBAMTCHN3YXJtLWNh",
    "CertIssuerPublicKey": "ZmFrZSBwdWJsaWMga2V5",
}
