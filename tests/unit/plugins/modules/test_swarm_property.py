# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any sequence of operations on one swarm: what nobody named stays as it was, in its settings, its nodes and its services."""

from __future__ import annotations

import copy
import itertools
import json
import typing as t

from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.modules import network, nodes, stack, swarm, swarm_info
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_clock import Clock
from fake_engine import FakeEngine, node, service
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from module_runner import run_module_main

Json = dict[str, t.Any]
NODES = ("m1", "m2", "m3", "w1", "w2")
DAY_NS = 24 * 3600 * 10**9
# By the user's name: the part and key of the engine's specification, values, and what the engine gets of a value.
SETTINGS: dict[str, tuple[str, str, st.SearchStrategy[t.Any], t.Callable[[t.Any], t.Any]]] = {
    "task_history_limit": ("Orchestration", "TaskHistoryRetentionLimit", st.integers(1, 9), int),
    "snapshot_interval": ("Raft", "SnapshotInterval", st.integers(1000, 9000), int),
    "keep_old_snapshots": ("Raft", "KeepOldSnapshots", st.integers(1, 4), int),
    "log_entries_for_slow_followers": ("Raft", "LogEntriesForSlowFollowers", st.integers(100, 900), int),
    "election_tick": ("Raft", "ElectionTick", st.integers(10, 13), int),
    "heartbeat_tick": ("Raft", "HeartbeatTick", st.integers(1, 3), int),
    "dispatcher_heartbeat": ("Dispatcher", "HeartbeatPeriod", st.sampled_from(["5s", "7s"]), lambda text: int(text[:-1]) * 10**9),
    "node_cert_expiry": ("CAConfig", "NodeCertExpiry", st.sampled_from(["30d", "90d"]), lambda text: int(text[:-1]) * DAY_NS),
    "autolock": ("EncryptionConfig", "AutoLockManagers", st.booleans(), bool),
}
LABELS = st.dictionaries(st.sampled_from("abc"), st.one_of(st.none(), st.text("xy", max_size=2)), min_size=1)


def labelled(before: t.Mapping[str, str], named: t.Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**before, **named}.items() if value is not None}


class AnySequence(RuleBasedStateMachine):
    """``expected`` is changed by hand as each rule names it, and must then be what the engine has."""

    def __init__(self) -> None:
        super().__init__()
        stranger = service("stranger", Labels={"owner": "somebody"})
        managers = [node(name, role="manager", leader=name == "m1") for name in NODES[:3]]
        self.fake = FakeEngine(nodes=[*managers, node("w1", labels={"kept": "1"}), node("w2")], services=[stranger])
        spec = self.fake.cluster.swarm["Spec"]
        spec["Labels"] = {"owner": "ops"}
        spec["Raft"].update(SnapshotInterval=5000, KeepOldSnapshots=2)
        spec["CAConfig"]["ExternalCAs"] = [{"Protocol": "cfssl", "URL": "https://ca.example.org"}]
        self.images = itertools.count(1)
        self.expected = self.state()

    def teardown(self) -> None:
        self.fake.close()

    def state(self) -> Json:
        cluster = self.fake.cluster
        return copy.deepcopy(
            {
                "swarm": cluster.swarm["Spec"],
                "nodes": {name: self.fake.node(name)["Spec"] for name in NODES},
                "stranger": self.fake.service("stranger")["Spec"],
                "tokens": cluster.swarm["JoinTokens"],
            }
        )

    def run_swarm(self, check: bool = False, **args: t.Any) -> Json:
        told = {**run_module_main(swarm_info.main, {"docker_host": self.fake.docker_host}), "item": "m1"}
        common: Json = {"docker_host": self.fake.docker_host, "host": "m1", "role": "manager", "managers": [told]}
        done = run_module_main(swarm.main, {**common, **args}, check=check)
        assert done["exit_code"] == 0, done["msg"]
        return done

    def run_nodes(self, **args: t.Any) -> None:
        done = run_module_main(nodes.main, {"docker_host": self.fake.docker_host, "drain_timeout": 0, **args})
        assert done["exit_code"] == 0, done["msg"]

    @rule(data=st.data(), name=st.sampled_from(sorted(SETTINGS)))
    def change_a_setting(self, data: st.DataObject, name: str) -> None:
        part, key, values, as_sent = SETTINGS[name]
        value = data.draw(values)
        planned = self.run_swarm(check=True, settings={name: value})
        assert self.state() == self.expected, "a plan writes nothing"
        done = self.run_swarm(settings={name: value})
        again = self.run_swarm(settings={name: value})
        is_new = (self.expected["swarm"].get(part) or {}).get(key) != as_sent(value)
        assert (planned["plan"], done["changed"], again["changed"]) == (done["plan"], is_new, False)
        self.expected["swarm"].setdefault(part, {})[key] = as_sent(value)

    @rule(labels=LABELS)
    def label_the_swarm(self, labels: dict[str, str | None]) -> None:
        self.run_swarm(settings={"labels": labels})
        self.expected["swarm"]["Labels"] = labelled(self.expected["swarm"]["Labels"], labels)

    @rule(what=st.lists(st.sampled_from(["worker_token", "manager_token", "unlock_key"]), min_size=1, unique=True))
    def rotate(self, what: list[str]) -> None:
        before = dict(self.fake.cluster.swarm["JoinTokens"])
        self.run_swarm(rotate=what)
        after = self.fake.cluster.swarm["JoinTokens"]
        assert {role for role in before if before[role] != after[role]} == {name[:-6].title() for name in what if name.endswith("token")}
        self.expected["tokens"] = dict(after)

    @rule(name=st.sampled_from(NODES), labels=LABELS)
    def label_a_node(self, name: str, labels: dict[str, str | None]) -> None:
        self.run_nodes(labels={name: labels})
        self.expected["nodes"][name]["Labels"] = labelled(self.expected["nodes"][name]["Labels"], labels)

    @rule(name=st.sampled_from(NODES[3:]))
    def drain_and_bring_back(self, name: str) -> None:
        self.run_nodes(availability={name: "drain"}, check_capacity=False)
        assert self.fake.node(name)["Spec"]["Availability"] == "drain"
        self.run_nodes(availability={name: "previous"})

    @rule(name=st.sampled_from(NODES), availability=st.sampled_from(["active", "pause"]))
    def set_availability(self, name: str, availability: str) -> None:
        self.run_nodes(availability={name: availability})
        self.expected["nodes"][name]["Availability"] = availability

    @rule(name=st.sampled_from(["m2", "m3"]))
    def demote_and_promote(self, name: str) -> None:
        self.run_nodes(roles={name: "worker"})
        self.run_nodes(roles={name: "manager"})

    @rule(name=st.sampled_from(["one", "two"]))
    def make_and_remove_a_network(self, name: str) -> None:
        for args in ({"networks": [{"name": name}]}, {"absent": [name]}):
            done = run_module_main(network.main, {"docker_host": self.fake.docker_host, **args})
            assert done["exit_code"] == 0, done["msg"]

    @rule(replicas=st.integers(0, 3))
    def deploy_a_stack(self, replicas: int) -> None:
        text = f"services: {{web: {{image: 'web:{next(self.images)}', deploy: {{replicas: {replicas}}}}}}}\n"
        model = load_stack(content=text, env={}, project_dir="/").model
        args: Json = {"name": "app", "model": json.dumps({"model": model}), "wait": False}
        done = run_module_main(stack.main, {"docker_host": self.fake.docker_host, **args})
        assert done["exit_code"] == 0, done["msg"]

    @invariant()
    def nothing_else_has_changed(self) -> None:
        if hasattr(self, "expected"):
            assert self.state() == self.expected


def test_no_sequence_of_operations_changes_what_nobody_named(monkeypatch: t.Any) -> None:
    monkeypatch.setattr(deployment, "time", Clock())
    run_state_machine_as_test(AnySequence, settings=settings(max_examples=25, stateful_step_count=8, deadline=None))


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(NODES), LABELS, min_size=1), st.integers(0, 3))
def test_exactly_the_nodes_that_differ_are_updated(labels: dict[str, dict[str, str | None]], meanwhile: int) -> None:
    """Each is read again, and nothing else, when something else changed it meanwhile."""
    with FakeEngine(nodes=[node("m1", role="manager", leader=True), *(node(name, labels={"a": "x"}) for name in NODES[1:])]) as fake:
        specs = {name: copy.deepcopy(fake.node(name)["Spec"]) for name in NODES}
        differing = [name for name in NODES if labelled(specs[name]["Labels"], labels.get(name, {})) != specs[name]["Labels"]]
        if meanwhile:
            fake.out_of_sequence(times=meanwhile)
        done = run_module_main(nodes.main, {"docker_host": fake.docker_host, "labels": labels})
        assert done["exit_code"] == 0, done["msg"]
        assert [change["name"] for change in done["plan"]] == sorted(differing)
        retries = meanwhile if differing else 0
        assert sum(request.path.endswith("/update") for request in fake.writes) == len(differing) + retries
        assert len(fake.calls("GET /nodes/.+")) == retries
        assert fake.calls("GET /nodes$") == ["GET /nodes"]
        for name in NODES:
            specs[name]["Labels"] = labelled(specs[name]["Labels"], labels.get(name, {}))
        assert {name: fake.node(name)["Spec"] for name in NODES} == specs
