# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.diff import Names, diff_service, update_cost
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change

Json = dict[str, t.Any]
NAMES = Names({"id1": "net"}, {"s": "sid"}, {"c": "cid"})


def spec(container: Json | None = None, task: Json | None = None, **more: t.Any) -> Json:
    return {
        "Name": "app_web",
        "Labels": {},
        "TaskTemplate": {"ContainerSpec": {"Image": "web:1", **(container or {})}, "ForceUpdate": 0, **(task or {})},
        "Mode": {"Replicated": {"Replicas": 1}},
        **more,
    }


def running(given: Json) -> Json:
    return {"ID": "x", "Version": {"Index": 7}, "Spec": given}


SECOND = 10**9

# What the engine shows, and what a client sends for the same.
EQUAL: list[tuple[Json, Json]] = [
    (spec(), spec(Mode={"Replicated": {}})),
    (spec(), spec(Mode={})),
    (spec(), spec(UpdateConfig={"Parallelism": 1, "FailureAction": "pause", "Monitor": 5 * SECOND, "Order": "stop-first"})),
    (spec(RollbackConfig={"Parallelism": 1, "MaxFailureRatio": 0}), spec()),
    (spec(EndpointSpec={"Mode": "vip"}), spec(EndpointSpec={})),
    (
        spec(EndpointSpec={"Mode": "vip", "Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishMode": "ingress"}]}),
        spec(EndpointSpec={"Ports": [{"TargetPort": 80, "PublishedPort": 0, "Protocol": "", "PublishMode": ""}]}),
    ),
    (spec({"Isolation": "default", "StopGracePeriod": 10 * SECOND, "DNSConfig": {}}), spec()),
    (
        spec({"Privileges": {"CredentialSpec": None, "SELinuxContext": None, "NoNewPrivileges": False}}),
        spec({"TTY": False, "ReadOnly": False, "Hosts": [], "OomScoreAdj": 0}),
    ),
    (spec({"Env": ["A=1", "B"]}), spec({"Env": ["B", "A=1"]})),
    (spec({"CapabilityAdd": ["CAP_A", "CAP_B"]}), spec({"CapabilityAdd": ["CAP_B", "CAP_A"]})),
    (
        spec({"Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b"}]}),
        spec({"Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": False, "BindOptions": {}}]}),
    ),
    (
        spec(task={"RestartPolicy": {"Condition": "any", "MaxAttempts": 0}}),
        spec(task={"RestartPolicy": {"Condition": "", "Delay": None, "MaxAttempts": None}}),
    ),
    (spec(task={"RestartPolicy": {"Condition": "any", "Delay": 5 * SECOND}}), spec()),
    (
        spec(task={"Networks": [{"Target": "id1", "Aliases": ["a", "b"]}], "Runtime": "container"}),
        spec(task={"Networks": [{"Target": "net", "Aliases": ["b", "a"]}]}),
    ),
    (
        spec(task={"Placement": {"Constraints": ["a == b", "c != d"], "Platforms": [{"OS": "linux"}]}}),
        spec(task={"Placement": {"Constraints": ["c!=d", "a==b"]}}),
    ),
    (spec(task={"Resources": {"Limits": {}, "Reservations": {}}}), spec(task={"Resources": {}})),
    (
        spec({"Secrets": [{"SecretID": "sid", "SecretName": "s", "File": {"Name": "f", "UID": "0", "GID": "0", "Mode": 292}}]}),
        spec({"Secrets": [{"SecretName": "s", "File": {"Name": "f", "UID": "0", "GID": "0", "Mode": 292}}]}),
    ),
    (spec({"Privileges": {"CredentialSpec": {"Config": "cid"}}}), spec({"Privileges": {"CredentialSpec": {"Config": "c"}}})),
    (spec(task={"ForceUpdate": 3}), spec()),
    (spec(Mode={"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}), spec(Mode={"ReplicatedJob": {}})),
    (
        spec(Mode={"ReplicatedJob": {"MaxConcurrent": 3, "TotalCompletions": 3}}),
        spec(Mode={"ReplicatedJob": {"MaxConcurrent": 3, "TotalCompletions": None}}),
    ),
]


@pytest.mark.parametrize(("shown", "sent"), EQUAL)
def test_what_means_the_same_is_equal(shown: Json, sent: Json) -> None:
    diff = diff_service(running(shown), sent, NAMES)
    assert (diff.fields, diff.restarts, diff.mode_changes) == ((), False, False)


# The wanted spec, the fields that differ from the plain one, and whether tasks restart.
DIFFERENT: list[tuple[Json, list[str], bool]] = [
    (spec({"Image": "web:2"}), ["image"], True),
    (spec({"Env": ["A="]}), ["environment.A"], True),
    (spec({"Init": False}), ["init"], True),
    (spec({"Args": ["x"]}), ["command"], True),
    (spec({"StopGracePeriod": 0}), ["stop_grace_period"], True),
    (spec({"TTY": True}), ["tty"], True),
    (spec({"OomScoreAdj": -500}), ["oom_score_adj"], True),
    (spec({"Labels": {"a": "b"}}), ["container_labels.a"], True),
    (spec(task={"Networks": [{"Target": "net"}]}), ["networks.net"], True),
    (spec(task={"RestartPolicy": {"Condition": "any", "Delay": 0}}), ["restart_policy.delay"], True),
    (spec(task={"LogDriver": {"Name": "", "Options": {"a": "b"}}}), ["logging.options.a"], True),
    (spec(task={"Resources": {"Limits": {"MemoryBytes": 1}}}), ["resources.limits.memory"], True),
    (spec(EndpointSpec={"Mode": "dnsrr"}), ["endpoint_mode"], True),
    (spec(EndpointSpec={"Ports": [{"TargetPort": 80, "Protocol": "udp"}]}), ["ports"], True),
    (spec(Labels={"a": "b"}), ["labels.a"], False),
    (spec(Mode={"Replicated": {"Replicas": 0}}), ["replicas"], False),
    (spec(UpdateConfig={"Parallelism": 0}), ["update_config.parallelism"], False),
    (spec(RollbackConfig={"Order": "start-first"}), ["rollback_config.order", "rollback_config.parallelism"], False),
    (spec(task={"Placement": {"Constraints": ["a == b"]}}), ["placement.constraints"], False),
]


@pytest.mark.parametrize(("wanted", "paths", "restarts"), DIFFERENT)
def test_what_differs_is_named_and_weighed(wanted: Json, paths: list[str], restarts: bool) -> None:
    diff = diff_service(running(spec()), wanted, NAMES)
    assert ([field.path for field in diff.fields], diff.restarts) == (paths, restarts)


def test_another_mode_is_told() -> None:
    assert diff_service(running(spec()), spec(Mode={"Global": {}}), NAMES).mode_changes


def test_an_update_keeps_the_counter_of_forced_updates() -> None:
    diff = diff_service(running(spec(task={"ForceUpdate": 4})), spec({"Image": "web:2"}), NAMES)
    assert diff.body["TaskTemplate"]["ForceUpdate"] == 4


def test_a_secret_that_was_made_anew_under_its_name_is_a_difference() -> None:
    file = {"Name": "f", "UID": "0", "GID": "0", "Mode": 292}
    shown = spec({"Secrets": [{"SecretID": "old", "SecretName": "s", "File": file}]})
    diff = diff_service(running(shown), spec({"Secrets": [{"SecretName": "s", "File": file}]}), NAMES)
    assert [field.path for field in diff.fields] == ["secrets.s.id"] and diff.restarts


SECRETS: list[Json] = [
    spec({"Env": ["DB_PASSWORD=hunter2"]}),
    spec({"Env": ["BROKER=amqp://user:hunter2@rabbit:5672"]}),
    spec({"Env": ["API_KEY=hunter2", "PLAIN=1"]}),
    spec(Labels={"auth.token": "hunter2"}),
    spec(Labels={"traefik.basicauth.users": "admin:$apr1$hunter2$x"}),
    spec({"Args": ["serve", "--password=hunter2"]}),
    spec({"Args": ["serve", "--url=postgres://u:hunter2@db/x"]}),
    spec({"Healthcheck": {"Test": ["CMD", "curl", "http://u:hunter2@localhost"]}}),
    spec(task={"LogDriver": {"Name": "splunk", "Options": {"splunk-url": "https://u:hunter2@x"}}}),
]


@pytest.mark.parametrize("wanted", SECRETS)
def test_no_value_that_may_be_secret_is_in_a_field(wanted: Json) -> None:
    for fields in (diff_service(running(spec()), wanted, NAMES).fields, diff_service(running(wanted), spec(), NAMES).fields):
        assert fields and "hunter2" not in repr(Change("service", "web", "update", fields).as_result())


@pytest.mark.parametrize(
    ("config", "tasks", "cost"),
    [
        (None, 3, "restarts 3 tasks, one at a time"),
        ({"Parallelism": 0}, 3, "restarts 3 tasks, all at once"),
        ({"Parallelism": 2}, 3, "restarts 3 tasks, 2 at a time"),
        ({"Parallelism": 5}, 3, "restarts 3 tasks, all at once"),
        (None, 1, "restarts 1 task"),
        (None, 0, "nothing"),
    ],
)
def test_the_cost_says_how_many_and_how_fast(config: Json | None, tasks: int, cost: str) -> None:
    assert update_cost(spec(UpdateConfig=config), tasks, restarts=True) == cost


def test_a_label_without_a_value_is_a_label() -> None:
    wanted = spec({"Labels": {"b": ""}}, Labels={"a": ""})
    added = diff_service(running(spec()), wanted, NAMES)
    assert [(f.path, f.before, f.after) for f in added.fields] == [("container_labels.b", None, ""), ("labels.a", None, "")]
    assert diff_service(running(wanted), wanted, NAMES).fields == ()
    assert len(diff_service(running(wanted), spec(), NAMES).fields) == 2
