# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership: init, join, leave, lock, roles, over several engines."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest

from . import node
from .conftest import Api

MakeApi = Callable[..., Api]
INIT = {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "10.77.0.1"}


def join(first: Api, role: str = "Worker", **more: t.Any) -> dict[str, t.Any]:
    token = first.ok("GET", "/swarm")["JoinTokens"][role]
    return {"ListenAddr": "0.0.0.0:2377", "RemoteAddrs": ["10.77.0.1:2377"], "JoinToken": token, **more}


def test_init_makes_a_leader(make_api: MakeApi) -> None:
    api = make_api(name="m1")
    assert api.ok("GET", "/info")["Swarm"]["LocalNodeState"] == "inactive"
    assert 'Use "docker swarm init"' in api("GET", "/nodes")[1]["message"]
    node_id = api.ok("POST", "/swarm/init", {**INIT, "DefaultAddrPool": ["10.88.0.0/16"], "SubnetSize": 26, "DataPathPort": 7777})
    found = api.ok("GET", "/swarm")
    assert (found["DefaultAddrPool"], found["SubnetSize"], found["DataPathPort"]) == (["10.88.0.0/16"], 26, 7777)
    (me,) = api.ok("GET", "/nodes")
    assert me["ID"] == node_id and me["ManagerStatus"]["Leader"] is True and me["Status"]["Addr"] == "10.77.0.1"
    assert [n["Name"] for n in api.ok("GET", "/networks")] == ["ingress"]
    assert api("POST", "/swarm/init", INIT)[0] == 503


@pytest.mark.parametrize("role", ["Worker", "Manager"])
def test_join(make_api: MakeApi, role: str) -> None:
    first = make_api(name="m1", addr="10.77.0.1")
    first.ok("POST", "/swarm/init", INIT)
    second = make_api(name="n2", addr="10.77.0.2", peers=[first.fake])
    second.ok("POST", "/swarm/join", join(first, role, Availability="drain"))
    joined = first.ok("GET", "/nodes/n2")
    assert (joined["Spec"]["Role"], joined["Spec"]["Availability"]) == (role.lower(), "drain")
    info = second.ok("GET", "/info")["Swarm"]
    assert (info["LocalNodeState"], info["ControlAvailable"]) == ("active", role == "Manager")
    assert info["NodeID"] == joined["ID"]
    assert info["RemoteManagers"][0]["Addr"] == "10.77.0.1:2377"
    assert second("GET", "/nodes")[0] == (200 if role == "Manager" else 503)
    assert "already part of a swarm" in second("POST", "/swarm/join", join(first))[1]["message"]


@pytest.mark.parametrize(
    ("change", "text"),
    [({"JoinToken": "SWMTKN-1-x-y"}, "invalid join token"), ({"RemoteAddrs": ["10.77.0.9:2377"]}, "connection refused")],
)
def test_join_is_refused(make_api: MakeApi, change: t.Any, text: str) -> None:
    first = make_api(name="m1", addr="10.77.0.1")
    first.ok("POST", "/swarm/init", INIT)
    second = make_api(name="n2", addr="10.77.0.2", peers=[first.fake])
    status, answer = second("POST", "/swarm/join", {**join(first), **change})
    assert status >= 400 and text in answer["message"]
    assert second.ok("GET", "/info")["Swarm"]["LocalNodeState"] == "inactive"


def test_leave_and_remove(make_api: MakeApi) -> None:
    first = make_api(name="m1", addr="10.77.0.1")
    first.ok("POST", "/swarm/init", INIT)
    second = make_api(name="n2", addr="10.77.0.2", peers=[first.fake])
    second.ok("POST", "/swarm/join", join(first))
    second.ok("POST", "/swarm/leave")
    assert second("POST", "/swarm/leave")[0] == 503
    assert first.ok("GET", "/nodes/n2")["Status"]["State"] == "down"
    first.ok("DELETE", "/nodes/n2")
    assert len(first.ok("GET", "/nodes")) == 1


def set_role(api: Api, name: str, role: str) -> tuple[int, t.Any]:
    found = api.ok("GET", f"/nodes/{name}")
    return api("POST", f"/nodes/{name}/update", {**found["Spec"], "Role": role}, version=found["Version"]["Index"])


def test_promote_and_demote(make_api: MakeApi) -> None:
    api = make_api(nodes=[node("m1", role="manager", leader=True), node("m2", role="manager"), node("w1")])
    assert set_role(api, "w1", "manager")[0] == 200
    assert api.ok("GET", "/nodes/w1")["ManagerStatus"]["Reachability"] == "reachable"
    assert set_role(api, "w1", "worker")[0] == 200
    assert "ManagerStatus" not in api.ok("GET", "/nodes/w1")
    api.fake.node("m2")["ManagerStatus"]["Reachability"] = "unreachable"
    assert "would result in a loss of quorum" in set_role(api, "m1", "worker")[1]["message"]


def test_the_last_manager_stays(make_api: MakeApi) -> None:
    api = make_api(nodes=[node("m1", role="manager"), node("w1")])
    status, answer = set_role(api, "m1", "worker")
    assert (status, "attempting to demote the last manager" in answer["message"]) == (400, True)


def test_the_leader_moves_when_it_is_demoted(make_api: MakeApi) -> None:
    api = make_api(nodes=[node(f"m{i}", role="manager", leader=i == 1) for i in (1, 2, 3)], name="m3")
    assert set_role(api, "m1", "worker")[0] == 200
    leaders = [n["Description"]["Hostname"] for n in api.ok("GET", "/nodes") if n.get("ManagerStatus", {}).get("Leader")]
    assert leaders == ["m2"]


@pytest.mark.parametrize(
    "spec", [{"Role": "boss"}, {"Availability": "maybe"}, {"Role": "worker", "Availability": "active", "Labels": {"a": True}}]
)
def test_bad_node_specs(make_api: MakeApi, spec: t.Any) -> None:
    api = make_api(nodes=[node("m1", role="manager"), node("w1")])
    index = api.ok("GET", "/nodes/w1")["Version"]["Index"]
    assert api("POST", "/nodes/w1/update", {"Role": "worker", "Availability": "active", **spec}, version=index)[0] == 400


def test_tokens_rotate_one_by_one(make_api: MakeApi) -> None:
    api = make_api(nodes=[node("m1", role="manager")])
    old = api.ok("GET", "/swarm")
    api.ok("POST", "/swarm/update", old["Spec"], version=old["Version"]["Index"], rotateWorkerToken="true")
    new = api.ok("GET", "/swarm")
    assert new["JoinTokens"]["Worker"] != old["JoinTokens"]["Worker"]
    assert new["JoinTokens"]["Manager"] == old["JoinTokens"]["Manager"]
    assert new["JoinTokens"]["Worker"].split("-")[2] == old["JoinTokens"]["Worker"].split("-")[2]


def test_lock_and_unlock(make_api: MakeApi) -> None:
    api = make_api(nodes=[node("m1", role="manager")])
    assert api.ok("GET", "/swarm/unlockkey") == {"UnlockKey": ""}
    found = api.ok("GET", "/swarm")
    spec = {**found["Spec"], "EncryptionConfig": {"AutoLockManagers": True}}
    api.ok("POST", "/swarm/update", spec, version=found["Version"]["Index"])
    key = api.ok("GET", "/swarm/unlockkey")["UnlockKey"]
    assert key.startswith("SWMKEY-1-")
    api.fake.host.state = "locked"  # what a restart of the engine does
    assert api.ok("GET", "/info")["Swarm"]["LocalNodeState"] == "locked"
    assert api("POST", "/swarm/unlock", {"UnlockKey": "SWMKEY-1-wrong"})[0] == 401
    api.ok("POST", "/swarm/unlock", {"UnlockKey": key})
    assert len(api.ok("GET", "/nodes")) == 1
