# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/swarm: this host's membership, and the settings of the swarm."""

from __future__ import annotations

import typing as t

from . import builders
from .errors import ALREADY_IN_SWARM, LOCKED, NOT_PART, ApiError, Json, rpc
from .server import Request, Response
from .state import Cluster, Host, make_id, make_token

_DEFAULT_PORT = 2377


class Swarm:
    """``cluster`` is None while the host is in no swarm; ``find_peer`` turns an address into the swarm that answers there."""

    def __init__(self, host: Host, find_peer: t.Callable[[str], Cluster | None]) -> None:
        self._host, self._find_peer = host, find_peer
        self.cluster: Cluster | None = None

    def create(self, body: Json) -> Cluster:
        """A new swarm with this host as its leader."""
        cluster = Cluster()
        pools = body.get("DefaultAddrPool") or ["10.0.0.0/8"]
        cluster.swarm = builders.swarm(
            make_id("swarm", self._host.name, id(cluster)),
            pools=pools,
            subnet_size=body.get("SubnetSize") or 24,
            port=body.get("DataPathPort") or 4789,
        )
        spec = {key: value for key, value in (body.get("Spec") or {}).items() if value}
        cluster.swarm["Spec"].update(spec)
        cluster.touch(cluster.swarm)
        self._add_ingress(cluster, pools[0])
        self._set_lock(cluster)
        self._enter(cluster, "manager", body, leader=True)
        return cluster

    def inspect(self, request: Request) -> Response:
        return Response(self.need().swarm)

    def init(self, request: Request) -> Response:
        body = request.body or {}
        if self._host.state != "inactive" and not body.get("ForceNewCluster"):
            raise ApiError(503, ALREADY_IN_SWARM)
        if not body.get("ListenAddr"):
            raise ApiError(400, 'invalid ListenAddr "": invalid empty address')
        if self.cluster and body.get("ForceNewCluster"):
            self._force_new(self.cluster)
        else:
            self.create(body)
        return Response(self._host.node_id)

    def join(self, request: Request) -> Response:
        body = request.body or {}
        if self._host.state != "inactive":
            raise ApiError(503, ALREADY_IN_SWARM)
        if not body.get("RemoteAddrs"):
            raise ApiError(400, "at least 1 RemoteAddr is required to join")
        found = next((c for c in map(self._find_peer, body["RemoteAddrs"]) if c), None)
        if found is None:
            text = f"transport: Error while dialing: dial tcp {body['RemoteAddrs'][0]}: connect: connection refused"
            raise rpc("Unavailable", f'connection error: desc = "{text}"')
        tokens = found.swarm["JoinTokens"]
        role = {tokens["Manager"]: "manager", tokens["Worker"]: "worker"}.get(body.get("JoinToken", ""))
        if role is None:
            raise ApiError(400, "invalid join token")
        self._enter(found, role, body)
        return Response()

    def leave(self, request: Request) -> Response:
        if self._host.state == "inactive" or self.cluster is None:
            raise ApiError(503, NOT_PART)
        node = self.cluster.nodes.get(self._host.node_id)
        if node and node["Spec"]["Role"] == "manager" and not request.flag("force"):
            raise ApiError(503, self._leave_warning(self.cluster))
        if node:
            node["Status"] = {"State": "down", "Message": "node left", "Addr": node["Status"]["Addr"]}
            if "ManagerStatus" in node:
                node["ManagerStatus"]["Reachability"] = "unreachable"
            self.cluster.touch(node)
        self.cluster, self._host.state, self._host.node_id = None, "inactive", ""
        return Response()

    def update(self, request: Request) -> Response:
        cluster, body = self.need(), request.body or {}
        if body.get("Name", "") not in ("", "default"):
            raise ApiError(400, 'swarm spec must be named "default"')
        cluster.check_version(cluster.swarm, request.raw_query)
        cluster.swarm["Spec"] = {
            **builders.swarm_spec(),
            **{k: v for k, v in body.items() if v},
            "Labels": body.get("Labels") or {},
        }
        for role in ("Worker", "Manager"):
            if request.flag(f"rotate{role}Token"):
                cluster.swarm["JoinTokens"][role] = make_token(cluster.swarm["ID"])
        if request.flag("rotateManagerUnlockKey"):
            cluster.unlock_key = ""
        self._set_lock(cluster)
        cluster.touch(cluster.swarm)
        return Response()

    def unlock(self, request: Request) -> Response:
        if self._host.state != "locked":
            raise ApiError(409, "swarm is not locked") if self._host.state == "active" else ApiError(503, NOT_PART)
        if (request.body or {}).get("UnlockKey") != t.cast(Cluster, self.cluster).unlock_key:
            raise ApiError(401, "swarm could not be unlocked: invalid key provided")
        self._host.state = "active"
        return Response()

    def unlock_key(self, request: Request) -> Response:
        return Response({"UnlockKey": self.need().unlock_key})

    def need(self) -> Cluster:
        """The swarm; asked for only after the host was found to be a manager."""
        if self._host.state == "locked":
            raise ApiError(503, LOCKED)
        if self.cluster is None:
            raise ApiError(503, NOT_PART)
        return self.cluster

    def attach(self, cluster: Cluster, node_id: str) -> None:
        """Make this host one of the nodes that a swarm already has."""
        self.cluster, self._host.node_id, self._host.state = cluster, node_id, "active"
        self._host.addr = cluster.nodes[node_id]["Status"]["Addr"]

    def _enter(self, cluster: Cluster, role: str, body: Json, leader: bool = False) -> None:
        addr = (body.get("AdvertiseAddr") or self._host.addr).rpartition(":")[0] or body.get("AdvertiseAddr") or self._host.addr
        node_id = make_id("node", self._host.name, cluster.swarm["ID"], cluster.index)
        node = builders.node(
            self._host.name,
            role,
            leader=leader,
            addr=addr,
            node_id=node_id,
            availability=body.get("Availability") or "active",
            engine_version=self._host.engine_version,
        )
        cluster.nodes[node_id] = cluster.touch(node)
        self.attach(cluster, node_id)

    def _force_new(self, cluster: Cluster) -> None:
        for key, node in cluster.nodes.items():
            if key == self._host.node_id:
                node["ManagerStatus"] = builders.manager_status(node["Status"]["Addr"], leader=True)
            elif node["Spec"]["Role"] == "manager":
                node["Status"] = {"State": "down", "Addr": node["Status"]["Addr"]}
                node["ManagerStatus"] = builders.manager_status(node["Status"]["Addr"], reachability="unreachable")
        cluster.has_leader = True

    def _add_ingress(self, cluster: Cluster, pool: str) -> None:
        body = builders.network("ingress", subnet=f"{pool.split('/')[0]}/24", Ingress=True, Scope="swarm")
        key = make_id("network", "ingress", cluster.swarm["ID"])
        subnet = body.pop("IPAM")["Config"][0]["Subnet"]
        ipam = {"Driver": "default", "Options": None, "Config": [{"Subnet": subnet, "Gateway": subnet.replace(".0/24", ".1")}]}
        plain = {"Attachable": False, "Internal": False, "EnableIPv6": False, "ConfigOnly": False}
        cluster.networks[key] = {**body, **plain, "Id": key, "IPAM": ipam, "Created": cluster.stamp(), "Options": {}}

    def _set_lock(self, cluster: Cluster) -> None:
        if not cluster.swarm["Spec"].get("EncryptionConfig", {}).get("AutoLockManagers"):
            cluster.unlock_key = ""
        elif not cluster.unlock_key:
            cluster.unlock_key = f"SWMKEY-1-{make_token('key').rpartition('-')[2]}"

    def _leave_warning(self, cluster: Cluster) -> str:
        managers = [node for node in cluster.nodes.values() if node["Spec"]["Role"] == "manager"]
        text = "You are attempting to leave the swarm on a node that is participating as a manager. "
        if len(managers) == 1:
            return f"{text}Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message. "
        if len(managers) - 1 < len(managers) // 2 + 1:
            lost = "Without a Raft quorum your swarm will be inaccessible."
            text += f"Removing this node leaves {len(managers) - 1} managers out of {len(managers)}. {lost} "
        return (
            f"{text}The only way to restore a swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. "
            "Use `--force` to suppress this message."
        )
