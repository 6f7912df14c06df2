# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules swarm and swarm_info against the fake engine."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io import engine as engine_util
from ansible_collections.flotilla.swarm.plugins.module_utils._io.member import Member
from ansible_collections.flotilla.swarm.plugins.modules import swarm, swarm_info
from fake_engine import FakeEngine, node
from hypothesis import given, settings
from hypothesis import strategies as st
from module_runner import CONFIRMED, run_module_main
from node_certificate import EXPIRES, PEM, SUBJECT

MakeFake = t.Callable[..., FakeEngine]
Result = dict[str, t.Any]
OUTSIDE: list[Result] = [{"item": name, "state": "inactive"} for name in ("m1", "m2", "m3")]
ROUTES = [{"network": "10.88.0.0/24", "via": "eth0"}]
NOWHERE = "unix:///nonexistent/docker.sock"


def tell(fake: FakeEngine, name: str = "", **args: t.Any) -> Result:
    """What the role's loop over swarm_info registers for one host."""
    return {"item": name or fake.host.name, **run_module_main(swarm_info.main, {"docker_host": fake.docker_host, **args})}


def make(fake: FakeEngine, managers: t.Sequence[Result], role: str = "manager", check: bool = False, **args: t.Any) -> Result:
    name = args.pop("host", fake.host.name)
    given = {"docker_host": fake.docker_host, "host": name, "role": role, "managers": list(managers), **args}
    return run_module_main(swarm.main, given, check=check)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(Member, "routes", lambda _member: ROUTES)


@pytest.fixture
def cluster(fake_engine: MakeFake) -> FakeEngine:
    return fake_engine(
        nodes=[node("m1", role="manager", leader=True), node("m2", role="manager"), node("w1", labels={"a": "1"}, state="down")]
    )


# swarm_info


def test_info_of_a_manager(cluster: FakeEngine) -> None:
    told = tell(cluster)
    assert cluster.calls() == ["GET /info", "GET /nodes"]
    assert (told["state"], told["role"], told["acting"], told["problem"]) == ("active", "manager", True, "")
    assert told["cluster_id"] == cluster.cluster.swarm["ID"]
    assert told["quorum"] == {"managers": 2, "reachable": 2, "needed": 2, "margin": 0}
    assert [(each["hostname"], each["leader"]) for each in told["managers"]] == [("m1", True), ("m2", False)]
    assert [(each["hostname"], each["state"], each["labels"]) for each in told["nodes"]][2] == ("w1", "down", {"a": "1"})
    assert told["settings"]["node_cert_expiry"] == "90d"
    assert "SWMTKN" not in json.dumps(told)


def test_info_names_who_is_down_and_the_ghosts(fake_engine: MakeFake) -> None:
    nodes = [
        node("m1", role="manager", leader=True, addr="10.0.0.1"),
        node("w1", addr="10.0.0.2"),
        node("w1", addr="10.0.0.2", state="down", node_id="ghost"),
        node("w1", addr="10.0.0.9", state="down", node_id="other"),
        node("w2", state="down"),
    ]
    told = tell(fake_engine(nodes=nodes))
    assert (told["down"], told["ghosts"]) == (["w1", "w1", "w2"], ["ghost"])


def test_info_of_the_authority(cluster: FakeEngine) -> None:
    cluster.cluster.swarm.update(TLSInfo={"TrustRoot": PEM}, RootRotationInProgress=True)
    cluster.node("m1")["Description"]["TLSInfo"] = dict(cluster.cluster.swarm["TLSInfo"])
    assert tell(cluster)["authority"] == {"expires": EXPIRES, "rotating": True, "outdated": ["m2 (ready)", "w1 (down)"]}


PARTS = [
    ("Spec",), ("Description",), ("Status",), ("Version",), ("ManagerStatus",), ("Spec", "Role"), ("Spec", "Labels"),
    ("Spec", "Availability"), ("Description", "Hostname"), ("Description", "Engine"), ("Description", "Engine", "EngineVersion"),
    ("Description", "TLSInfo"), ("Description", "Resources"), ("Status", "Addr"), ("Status", "State"),
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PARTS), st.booleans()), min_size=1, max_size=4))
def test_info_never_fails_because_of_a_node(odd: list[tuple[tuple[str, ...], bool]]) -> None:
    """Any part of an entry may be missing, or null."""
    nodes = [node("m1", role="manager", leader=True), node("w1")]
    entry = json.loads(json.dumps(nodes[1]))
    for path, is_null in odd:
        parent = entry
        for name in path[:-1]:
            parent = parent.get(name) or {}
        parent.pop(path[-1], None)
        parent.update({path[-1]: None} if is_null else {})
    original = engine_util.Engine.get

    def get(self: engine_util.Engine, path: str, *args: t.Any, **more: t.Any) -> t.Any:
        return [nodes[0], entry] if path == "/nodes" else original(self, path, *args, **more)

    with FakeEngine(nodes=nodes) as fake, pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_util.Engine, "get", get)
        told = run_module_main(swarm_info.main, {"docker_host": fake.docker_host})
    assert (told["exit_code"], told["problem"], len(told["nodes"]), told["quorum"]["margin"]) == (0, "", 2, 0)


def test_info_asks_once_where_nodes_are_not_wanted(cluster: FakeEngine) -> None:
    told = tell(cluster, nodes=False)
    assert cluster.calls() == ["GET /info"]
    assert (told["acting"], told["nodes"], told["quorum"]) == (True, [], {})


def test_tokens_by_request_only(cluster: FakeEngine) -> None:
    tokens = tell(cluster, tokens=True)["tokens"]
    assert tokens["manager"] == cluster.cluster.swarm["JoinTokens"]["Manager"] != tokens["worker"]


def test_info_elsewhere(fake_engine: MakeFake, cluster: FakeEngine) -> None:
    outside = tell(fake_engine(name="x"), tokens=True)
    assert (outside["state"], outside["cluster_id"], outside["acting"]) == ("inactive", "", False)
    nodes = [node("m1", role="manager", leader=True), node("w1")]
    worker = tell(fake_engine(nodes=nodes, name="w1"), tokens=True)
    assert (worker["state"], worker["role"], worker["nodes"], "tokens" in worker) == ("active", "worker", [], False)
    cluster.host.state = "locked"
    locked = tell(cluster)
    assert (locked["state"], locked["acting"]) == ("locked", False)
    assert locked["problem"]


def test_info_without_a_leader(cluster: FakeEngine) -> None:
    cluster.lose_leader()
    told = tell(cluster)
    assert (told["state"], told["acting"], "leader" in told["problem"]) == ("active", False, True)


def test_info_without_an_engine_or_the_sdk(monkeypatch: pytest.MonkeyPatch, bare_host: str) -> None:
    told = run_module_main(swarm_info.main, {"docker_host": bare_host})
    assert (told["state"], told["exit_code"]) == ("no engine", 0)
    assert "connecting to the engine" in told["problem"]
    monkeypatch.setattr(engine_util, "SDK_PROBLEM", "No module named 'docker'")
    told = run_module_main(swarm_info.main, {"docker_host": bare_host})
    assert (told["state"], "python3-docker" in told["problem"]) == ("no engine", True)


def test_a_workers_swarm_is_read_from_its_certificate(fake_engine: MakeFake, tmp_path: t.Any) -> None:
    folder = tmp_path / "swarm" / "certificates"
    folder.mkdir(parents=True)
    (folder / "swarm-node.crt").write_text(PEM)
    nodes = [node("m1", role="manager", leader=True), node("w1")]
    worker = fake_engine(nodes=nodes, name="w1", info={"DockerRootDir": str(tmp_path)})
    told = tell(worker)
    assert (told["cluster_id"], told["certificate_expires"]) == (SUBJECT["cluster_id"], EXPIRES)


# swarm


def test_the_first_manager_creates_the_swarm(fake_engine: MakeFake) -> None:
    fake = fake_engine(name="m1")
    managers = [tell(fake)]
    wanted: Result = {"task_history_limit": 3, "node_cert_expiry": "60d", "labels": {"owner": "ops"}}
    args: Result = {"settings": wanted, "default_addr_pool": ["10.30.0.0/16"], "subnet_size": 25, "data_path_port": 4790}
    fake.forget()
    check = make(fake, managers, check=True, **args)
    assert (check["changed"], check["action"], fake.writes) == (True, "initialise", [])
    assert "+ swarm    m1  initialise" in check["diff"]["prepared"]
    real = make(fake, managers, **args)
    assert (real["changed"], real["state"], real["acting"]) == (True, "active", True)
    assert real["plan"] == check["plan"]
    assert real["cluster_id"] == fake.cluster.swarm["ID"]
    assert real["ansible_facts"] == {"flotilla_node_id": real["node_id"], "flotilla_routes": ROUTES}
    spec = fake.cluster.swarm["Spec"]
    assert (spec["Orchestration"], spec["CAConfig"]["NodeCertExpiry"]) == ({"TaskHistoryRetentionLimit": 3}, 5184 * 10**12)
    assert spec["Labels"] == {"owner": "ops"}
    fake.forget()
    again = make(fake, [tell(fake)], **args)
    assert (again["changed"], again["action"], again["warnings"], fake.writes) == (False, "nothing", [], [])
    assert fake.calls() == ["GET /info", "GET /nodes", "GET /info"], "one request of swarm itself"


def test_a_pool_that_a_host_has_a_route_into_is_refused(fake_engine: MakeFake) -> None:
    fake = fake_engine(name="m1")
    other = {"host": "w1", "state": "inactive", "routes": [{"network": "10.99.7.0/24", "via": "vpn0"}]}
    for pool, told in (("10.88.0.0/16", "m1 has 10.88.0.0/24 (eth0)"), ("10.99.0.0/16", "w1 has 10.99.7.0/24 (vpn0)")):
        result = make(fake, [tell(fake)], others=[other], default_addr_pool=[pool])
        assert (result["exit_code"], fake.writes) == (1, [])
        assert f"default_addr_pool: {told}, which overlaps {pool}" in result["msg"]
    assert make(fake, [tell(fake)], others=[other], default_addr_pool=["10.77.0.0/16"])["changed"]


def test_no_swarm_is_created_where_a_certain_one_is_wanted(fake_engine: MakeFake, cluster: FakeEngine) -> None:
    fake = fake_engine(name="m1")
    refused = make(fake, [tell(fake)], cluster_id="lost")
    assert refused["exit_code"] == 1 and "swarm lost is wanted, and no manager is in it: m1 is" in refused["msg"] and not fake.writes
    theirs = cluster.cluster.swarm["ID"]
    other = make(cluster, [tell(cluster)], cluster_id="lost")
    assert other["exit_code"] == 1 and f"m1 is in swarm {theirs}, but swarm lost is wanted" in other["msg"]
    assert make(cluster, [tell(cluster)], cluster_id=theirs)["action"] == "nothing"


def test_what_may_not_be_done_is_only_told(fake_engine: MakeFake) -> None:
    fake = fake_engine(name="m1")
    told = make(fake, [tell(fake)], allow=[])
    assert (told["action"], told["changed"], fake.writes) == ("initialise", False, [])


def test_a_swarm_that_another_run_has_just_created(fake_engine: MakeFake) -> None:
    fake = fake_engine(name="m1")
    managers = [tell(fake)]
    fake.fail("POST", "/swarm/init", 503, "This node is already part of a swarm. Use docker swarm leave")
    result = make(fake, managers)
    assert (result["exit_code"], "already" in result["msg"]) == (1, False), "it waits for the other run"
    assert make(fake, managers)["changed"]
    again = make(fake, managers)
    assert (again["action"], again["changed"]) == ("nothing", False), "what the managers told before is out of date"


@pytest.mark.parametrize(
    ("managers", "message"),
    [
        ([], "no host is listed as a manager"),
        (
            [{"item": "m1", "state": "inactive"}, {"item": "m2", "unreachable": True}, {"item": "m3", "state": "inactive"}],
            "m2 does not",
        ),
        (
            [{"item": "m1", "state": "inactive"}, {"item": "m2", "state": "inactive"}],
            "use an odd number, or set allow_even_managers",
        ),
    ],
)
def test_no_swarm_is_created_in_doubt(fake_engine: MakeFake, managers: list[Result], message: str) -> None:
    fake = fake_engine(name="m1")
    for check in (True, False):
        result = make(fake, managers, check=check)
        assert (result["exit_code"], result["changed"], result["action"], fake.writes) == (1, False, "refuse", [])
        assert message in result["msg"]


def test_an_even_number_of_managers_when_told(fake_engine: MakeFake) -> None:
    fake = fake_engine(name="m1")
    managers = [{"item": "m1", "state": "inactive"}, {"item": "m2", "state": "inactive"}]
    assert make(fake, managers, allow_even_managers=True)["changed"]


def test_a_member_elsewhere_forbids_a_swarm(fake_engine: MakeFake) -> None:
    fake = fake_engine(name="m1")
    others = [{}, {"host": "old", "state": "active", "role": "manager", "cluster_id": "A"}]
    result = make(fake, [tell(fake)], others=others)
    assert (result["exit_code"], fake.writes) == (1, [])
    assert "old is a manager of swarm A" in result["msg"]


@pytest.mark.parametrize("role", ["manager", "worker"])
def test_joining(fake_engine: MakeFake, cluster: FakeEngine, role: str) -> None:
    fake = fake_engine(name="n1", addr="10.77.0.2", peers=[cluster])
    seen = [tell(cluster), {"item": "m2", "unreachable": True}, {"item": "n1", "state": "inactive"}]
    told = tell(cluster, tokens=True)
    join: Result = {"join_token": told["tokens"][role], "remote_addrs": [each["address"] for each in told["managers"]]}
    assert make(fake, seen, role, allow=[])["action"] == "join"
    check = make(fake, seen, role, check=True, **join)
    assert (check["changed"], fake.writes) == (True, [])
    real = make(fake, seen, role, **join)
    assert (real["changed"], real["plan"], real["state"], real["role"]) == (True, check["plan"], "active", role)
    assert real["node_id"] == cluster.node("n1")["ID"] == real["ansible_facts"]["flotilla_node_id"]
    assert "SWMTKN" not in json.dumps(real)
    assert make(fake, seen, role, **join)["changed"] is False


def test_joining_needs_a_token(fake_engine: MakeFake) -> None:
    fake = fake_engine(name="w1")
    managers = [{"item": "m1", "state": "inactive"}]
    assert make(fake, managers, "worker", check=True)["changed"]
    result = make(fake, managers, "worker")
    assert (result["exit_code"], fake.writes) == (1, [])
    assert "no manager gave a token" in result["msg"] and "m1 creates it" in result["msg"]


@pytest.mark.parametrize(
    "answer", ["Timeout was reached before node joined. The attempt goes on.", "This node is already part of a swarm."]
)
def test_a_join_that_goes_on_in_the_background(fake_engine: MakeFake, cluster: FakeEngine, answer: str) -> None:
    fake = fake_engine(name="w1", addr="10.77.0.3", peers=[cluster])
    told = tell(cluster, tokens=True)
    join: Result = {"join_token": told["tokens"]["worker"], "remote_addrs": [told["managers"][0]["address"]]}
    fake.fail("POST", "/swarm/join", 503, answer)
    result = make(fake, [told], "worker", **join)
    assert (result["exit_code"], "after 0 s w1 is in no swarm" in result["msg"]) == (1, True), "it waits for the end"
    assert make(fake, [told], "worker", **join)["state"] == "active"


def test_a_wrong_token_is_not_shown(fake_engine: MakeFake, cluster: FakeEngine) -> None:
    fake = fake_engine(name="w1", peers=[cluster])
    wrong = "SWMTKN-1-wrong-wrong"
    addrs = [tell(cluster)["managers"][0]["address"]]
    result = make(fake, [tell(cluster)], "worker", join_token=wrong, remote_addrs=addrs)
    assert (result["exit_code"], "invalid join token" in result["msg"]) == (1, True)
    assert wrong not in json.dumps(result)


def test_a_foreign_swarm_is_refused_with_both_ids(fake_engine: MakeFake, cluster: FakeEngine) -> None:
    foreign = fake_engine(nodes=[node("f1", role="manager", leader=True)])
    foreign.cluster.swarm["ID"] = "foreignswarm"
    result = make(foreign, [tell(cluster)], "worker", host="f1")
    assert (result["exit_code"], foreign.writes) == (1, [])
    assert "foreignswarm" in result["msg"] and cluster.cluster.swarm["ID"] in result["msg"]
    assert result["cluster_id"] == "foreignswarm", "for the host that would create a swarm"


def test_roles_change_elsewhere(fake_engine: MakeFake, cluster: FakeEngine) -> None:
    nodes = [node("m1", role="manager", leader=True), node("w1")]
    worker = fake_engine(nodes=nodes, name="w1")
    seen = [tell(cluster, "m1"), {"item": "m3", "state": "inactive"}, {"item": "w1", "state": "active", "role": "worker"}]
    promoted = make(worker, seen, "manager")
    assert (promoted["action"], promoted["changed"], worker.writes) == ("promote", False, [])
    demoted = make(cluster, [{**tell(cluster), "item": "m2"}], "worker", host="m1")
    assert (demoted["action"], demoted["changed"], cluster.writes) == ("demote", False, [])


def test_settings_change_and_nothing_else(cluster: FakeEngine) -> None:
    cluster.cluster.swarm["Spec"].update(Labels={"owner": "ops"}, EncryptionConfig={"AutoLockManagers": True})
    seen = [tell(cluster)]
    args: Result = {"settings": {"task_history_limit": 2}}
    before = json.loads(json.dumps(cluster.cluster.swarm["Spec"]))
    check = make(cluster, seen, check=True, **args)
    assert "~ swarm" in check["diff"]["prepared"] and "task_history_limit: 5 -> 2" in check["diff"]["prepared"]
    assert cluster.writes == []
    cluster.out_of_sequence("/swarm/update")
    assert make(cluster, seen, **args)["changed"]
    before["Orchestration"]["TaskHistoryRetentionLimit"] = 2
    assert cluster.cluster.swarm["Spec"] == before
    assert make(cluster, seen, **args)["changed"] is False


def test_one_manager_keeps_the_settings(cluster: FakeEngine) -> None:
    first = {"item": "m0", "state": "active", "role": "manager", "acting": True, "cluster_id": cluster.cluster.swarm["ID"]}
    result = make(cluster, [first, tell(cluster), {"item": "m3", "state": "inactive"}], settings={"task_history_limit": 2})
    assert (result["action"], result["changed"]) == ("nothing", False)


def test_what_can_not_change_is_a_warning(cluster: FakeEngine) -> None:
    args: Result = {
        "advertise_addr": "192.0.2.7",
        "data_path_port": 4790,
        "default_addr_pool": ["10.99.0.0/16"],
        "subnet_size": 26,
    }
    result = make(cluster, [tell(cluster)], **args)
    assert (result["changed"], len(result["warnings"])) == (False, 4)
    assert any("known as" in warning for warning in result["warnings"])
    assert any("data_path_port is 4790, but the swarm was created with 4789" in warning for warning in result["warnings"])


def test_addresses_are_refused_before_anything(fake_engine: MakeFake) -> None:
    fake = fake_engine(name="m1")
    cases: list[tuple[Result, str]] = [
        ({"advertise_addr": "127.0.0.1"}, "advertise_addr: 127.0.0.1 is a loopback address"),
        ({}, "advertise_addr: no address of this host that 127.0.0.1 could reach was found; it reaches them from 127.0.0.1 only"),
        ({"advertise_addr": "127.0.0.0/8"}, "is a loopback address"),
        ({"advertise_addr": "203.0.113.0/33"}, "is not a network"),
    ]
    for args, message in cases:
        result = make(fake, [tell(fake)], peers=["127.0.0.1"], **args)
        assert (result["exit_code"], fake.writes) == (1, [])
        assert message in result["msg"]


def test_bare_hosts_in_check_mode_only(bare_host: str) -> None:
    given = {"docker_host": bare_host, "host": "m1", "role": "manager"}
    managers = [{"item": name, "state": "no engine", "problem": "no socket"} for name in ("m1", "m2", "m3")]
    check = run_module_main(swarm.main, {**given, "managers": managers, "peers": ["m2"], "advertise_addr": "eth7"}, check=True)
    assert (check["changed"], check["action"]) == (True, "initialise")
    real = run_module_main(swarm.main, {**given, "managers": managers})
    assert (real["exit_code"], "m1 has no engine (connecting" in real["msg"]) == (1, True)


def test_leaving(fake_engine: MakeFake, cluster: FakeEngine) -> None:
    leave: dict[str, t.Any] = {**CONFIRMED, "docker_host": cluster.docker_host, "state": "absent", "host": "m1"}
    refused = run_module_main(swarm.main, leave)
    assert (refused["exit_code"], cluster.writes) == (1, [])
    assert "set force" in refused["msg"]
    check = run_module_main(swarm.main, {**leave, "force": True}, check=True)
    assert (check["changed"], cluster.writes) == (True, [])
    assert run_module_main(swarm.main, {**leave, "force": True})["state"] == "inactive"
    assert run_module_main(swarm.main, {**leave, "force": True})["changed"] is False
    worker = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")], name="w1")
    left = run_module_main(swarm.main, {**CONFIRMED, "docker_host": worker.docker_host, "state": "absent"})
    assert (left["changed"], left["state"]) == (True, "inactive")
    assert run_module_main(swarm.main, {**CONFIRMED, "docker_host": NOWHERE, "state": "absent"})["changed"] is False


def test_required_options() -> None:
    result = run_module_main(swarm.main, {"docker_host": NOWHERE})
    assert "state is present but all of the following are missing" in result["msg"]


def test_tokens_and_keys_are_rotated_by_one_manager(cluster: FakeEngine) -> None:
    cluster.cluster.swarm["Spec"]["EncryptionConfig"] = {"AutoLockManagers": True}
    seen = [tell(cluster), {"item": "m3", "state": "inactive"}, {"item": "m4", "state": "inactive"}]
    tokens = dict(cluster.cluster.swarm["JoinTokens"])
    spec = json.loads(json.dumps(cluster.cluster.swarm["Spec"]))
    args: Result = {"rotate": ["worker_token", "unlock_key"]}
    assert make(cluster, seen, check=True, **args)["changed"] and cluster.writes == []
    rotated = make(cluster, seen, **args)
    assert rotated["diff"]["prepared"].endswith("rotate worker_token, unlock_key\n")
    now = cluster.cluster.swarm["JoinTokens"]
    assert (now["Worker"] != tokens["Worker"], now["Manager"]) == (True, tokens["Manager"])
    assert cluster.cluster.swarm["Spec"] == spec
    key = tell(cluster, unlock_key=True)["unlock_key"]
    assert key.startswith("SWMKEY-1-") and key not in json.dumps(rotated)
    other = {"item": "m0", "state": "active", "role": "manager", "acting": True, "cluster_id": cluster.cluster.swarm["ID"]}
    assert make(cluster, [other, *seen[:2]], **args)["changed"] is False, "another manager comes first"


def test_a_rotation_of_the_authority_names_who_holds_it_up(cluster: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make(cluster, [tell(cluster)], rotate=["ca"], **CONFIRMED)["changed"]
    assert cluster.cluster.swarm["Spec"]["CAConfig"]["ForceRotate"] == 1
    monkeypatch.setattr(swarm, "CA_PATIENCE_SECONDS", 0)
    cluster.cluster.swarm.update(RootRotationInProgress=True)
    cluster.node("w1")["Description"]["TLSInfo"] = {"TrustRoot": "old"}
    result = make(cluster, [tell(cluster)], rotate=["ca"], **CONFIRMED)
    assert (result["exit_code"], "from the new authority: w1 (down)" in result["msg"]) == (1, True)


def test_a_locked_manager_is_unlocked(cluster: FakeEngine) -> None:
    assert make(cluster, [tell(cluster)], settings={"autolock": True})["changed"]
    key = tell(cluster, unlock_key=True)["unlock_key"]
    cluster.host.state = "locked"
    seen = [tell(cluster)]
    refused = make(cluster, seen)
    assert (refused["exit_code"], "m1 is locked" in refused["msg"]) == (1, True)
    wrong = make(cluster, seen, unlock_key="SWMKEY-1-wrong")
    assert (wrong["exit_code"], "invalid key" in wrong["msg"], "SWMKEY-1-wrong" in json.dumps(wrong)) == (1, True, False)
    check = make(cluster, seen, unlock_key=key, check=True)
    assert (check["action"], check["changed"], cluster.host.state) == ("unlock", True, "locked")
    done = make(cluster, seen, unlock_key=key)
    assert (done["action"], done["state"], key in json.dumps(done)) == ("unlock", "active", False)
