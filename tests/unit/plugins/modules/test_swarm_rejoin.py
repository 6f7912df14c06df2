# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module swarm against the fake engine: hosts that come back, and the bridge that is made before one joins."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.member import Member
from ansible_collections.flotilla.swarm.plugins.modules import swarm, swarm_info
from fake_engine import FakeEngine, network, node
from module_runner import run_module_main
from node_certificate import PEM, SUBJECT

MakeFake = t.Callable[..., FakeEngine]
Result = dict[str, t.Any]


def tell(fake: FakeEngine, **args: t.Any) -> Result:
    return {"item": fake.host.name, **run_module_main(swarm_info.main, {"docker_host": fake.docker_host, **args})}


def make(fake: FakeEngine, check: bool = False, **args: t.Any) -> Result:
    given = {"docker_host": fake.docker_host, "host": fake.host.name, **args}
    return run_module_main(swarm.main, given, check=check)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm, "PATIENCE_SECONDS", 0)
    routes = [{"network": "172.31.0.0/16", "via": "eth1"}, {"network": "172.18.0.0/16", "via": "docker_gwbridge"}]
    monkeypatch.setattr(Member, "routes", lambda _member: routes)


def forget(fake_engine: MakeFake, tmp_path: t.Any, state: str) -> tuple[FakeEngine, Result]:
    """A worker that its swarm has removed behind its back, and what a manager of that swarm tells."""
    folder = tmp_path / "swarm" / "certificates"
    folder.mkdir(parents=True)
    (folder / "swarm-node.crt").write_text(PEM)
    manager = fake_engine(nodes=[node("m1", role="manager", leader=True, addr="10.0.0.1")])
    manager.cluster.swarm["ID"] = SUBJECT["cluster_id"]
    worker = fake_engine(name="w1", nodes=[node("m1", role="manager"), node("w1")], peers=[manager], info={"DockerRootDir": str(tmp_path)})
    worker.host.state = state
    return worker, tell(manager, tokens=True)


@pytest.mark.parametrize("state", ["active", "pending"])
def test_a_host_that_was_removed_behind_its_back_joins_anew(fake_engine: MakeFake, tmp_path: t.Any, state: str) -> None:
    worker, told = forget(fake_engine, tmp_path, state)
    members = [each["node_id"] for each in told["nodes"]]
    old = tell(worker)["node_id"]
    given: Result = {"role": "worker", "managers": [told], "members": members}
    decided = make(worker, allow=[], **given)
    assert (decided["action"], decided["changed"], decided["node_id"]) == ("rejoin", False, old)
    token: Result = {"join_token": told["tokens"]["worker"], "remote_addrs": ["10.0.0.1:2377"]}
    stale = make(worker, allow=["join"], rejoin="another", **given, **token)
    assert stale["exit_code"] == 1 and f"node {old} now, no longer another" in stale["msg"] and worker.writes == []
    listed = make(worker, allow=["join"], rejoin=old, **{**given, "members": [*members, old]}, **token)
    assert worker.writes == [] and listed["changed"] is False
    check = make(worker, allow=["join"], rejoin=old, check=True, **given)
    real = make(worker, allow=["join"], rejoin=old, **given, **token)
    assert [change["reason"] for change in real["plan"]] == [
        f"leave {SUBJECT['cluster_id']}, whose managers no longer list node {old}",
        "join",
    ]
    assert real["plan"] == check["plan"] and real["exit_code"] == 0
    assert real["node_id"] not in ("", old) and real["ansible_facts"]["flotilla_node_id"] == real["node_id"]


def bridge(subnet: str, **more: t.Any) -> Result:
    return network("docker_gwbridge", "bridge", subnet, Options={"com.docker.network.bridge.name": "docker_gwbridge"}, **more)


def fresh(fake_engine: MakeFake, *networks: Result) -> tuple[FakeEngine, Result]:
    """A host in no swarm, and the options that let it create one."""
    fake = fake_engine(name="m1", networks=networks)
    fake.forget()
    return fake, {"role": "manager", "managers": [tell(fake)], "gwbridge": {"subnet": "172.30.0.0/16", "mtu": 1400}}


def test_the_bridge_is_made_before_the_host_joins(fake_engine: MakeFake) -> None:
    fake, given = fresh(fake_engine)
    assert make(fake, allow=[], **given)["plan"] == []
    check = make(fake, check=True, **given)
    assert fake.writes == []
    real = make(fake, **given)
    assert real["plan"] == check["plan"] and real["exit_code"] == 0
    assert [(change["kind"], change["name"], change["action"]) for change in real["plan"]] == [
        ("network", "docker_gwbridge of m1", "create"),
        ("swarm", "m1", "create"),
    ]
    assert [request.path for request in fake.writes] == ["/networks/create", "/swarm/init"]
    (made,) = [each for each in fake.host.local_networks.values() if each["Name"] == "docker_gwbridge"]
    assert (made["Driver"], made["IPAM"]["Config"][0]["Subnet"]) == ("bridge", "172.30.0.0/16")
    assert made["Options"] == {
        "com.docker.network.bridge.name": "docker_gwbridge",
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.driver.mtu": "1400",
    }
    again = make(fake, **{**given, "managers": [tell(fake)]})
    assert (again["changed"], again["warnings"]) == (False, [])


def test_one_that_a_former_swarm_left_is_made_anew_unless_it_is_used(fake_engine: MakeFake) -> None:
    fake, given = fresh(fake_engine, bridge("172.18.0.0/16"))
    (there,) = [each for each in fake.host.local_networks.values() if each["Name"] == "docker_gwbridge"]
    there["Containers"] = {"abc": {"Name": "lonely"}, "ingress-sbox": {"Name": "gateway_ingress-sbox"}}
    used = make(fake, **given)
    assert used["exit_code"] == 1 and "while containers use it: lonely" in used["msg"] and fake.writes == []
    del there["Containers"]["abc"]
    real = make(fake, **given)
    assert (real["plan"][0]["action"], [field["path"] for field in real["plan"][0]["fields"]]) == ("replace", ["mtu", "subnet"])
    key = there["Id"]
    assert [request.call for request in fake.writes] == [
        f"POST /networks/{key}/disconnect",
        f"DELETE /networks/{key}",
        "POST /networks/create",
        "POST /swarm/init",
    ]


@pytest.mark.parametrize(
    ("subnet", "message"),
    [
        ("9.9.9.0/24", "docker_gwbridge: 9.9.9.0/24 is a public range"),
        ("172.31.5.0/24", "m1 has 172.31.0.0/16 (eth1), which overlaps 172.31.5.0/24"),
        ("172.30.0.1/16", "docker_gwbridge: '172.30.0.1/16' is not a subnet"),
    ],
)
def test_subnets_of_others_are_refused(fake_engine: MakeFake, subnet: str, message: str) -> None:
    fake, given = fresh(fake_engine)
    refused = make(fake, **{**given, "gwbridge": {"subnet": subnet}})
    assert (refused["exit_code"], message in refused["msg"], fake.writes) == (1, True, []), refused["msg"]


def test_the_range_of_the_bridge_itself_is_free(fake_engine: MakeFake) -> None:
    fake, given = fresh(fake_engine, bridge("172.18.0.0/16"))
    assert make(fake, **{**given, "gwbridge": {"subnet": "172.18.0.0/24"}})["exit_code"] == 0


def test_what_differs_on_a_member_is_told(fake_engine: MakeFake) -> None:
    fake = fake_engine(name="m1", nodes=[node("m1", role="manager", leader=True)], networks=[bridge("172.18.0.0/16", Scope="local")])
    given: Result = {"role": "manager", "managers": [tell(fake)], "allow_even_managers": True}
    told = make(fake, **given, gwbridge={"subnet": "172.30.0.0/16"})
    assert told["changed"] is False
    assert told["warnings"] == [
        "m1 has docker_gwbridge with subnet 172.18.0.0/16, wanted subnet 172.30.0.0/16; it can change only while the host is in no swarm: "
        "leave and join again"
    ]
    assert make(fake, **given, gwbridge={"subnet": "172.18.0.0/16"})["warnings"] == []
    fake.forget()
    make(fake, **given)
    assert fake.calls("GET /networks.*") == []
