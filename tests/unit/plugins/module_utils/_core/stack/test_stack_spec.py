# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a model to the bodies that the engine gets."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import StackObjects, convert
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError

NAMESPACE = {"com.docker.stack.namespace": "stk"}
SECOND = 10**9
Json = dict[str, t.Any]


def made(model: Json, content_names: bool = False) -> StackObjects:
    return convert("stk", model, content_names=content_names)


def service(top: Json | None = None, **keys: t.Any) -> Json:
    return made({"services": {"a": {"image": "img", **keys}}, **(top or {})}).services[0]


def container(top: Json | None = None, **keys: t.Any) -> Json:
    body: Json = service(top, **keys)["TaskTemplate"]["ContainerSpec"]
    return body


def test_the_least_service() -> None:
    assert made({"services": {"a": {"image": "img"}}}) == StackObjects(
        networks=[
            {
                "Name": "stk_default", "Driver": "overlay", "Scope": "", "Internal": False, "Attachable": False, "Ingress": False,
                "ConfigOnly": False, "ConfigFrom": None, "IPAM": None, "Options": None, "Labels": NAMESPACE,
            }
        ],
        services=[
            {
                "Name": "stk_a",
                "Labels": {**NAMESPACE, "com.docker.stack.image": "img"},
                "Mode": {"Replicated": {}},
                "EndpointSpec": {},
                "TaskTemplate": {
                    "ContainerSpec": {
                        "Image": "img:latest",
                        "Labels": NAMESPACE,
                        "Privileges": {"CredentialSpec": None, "NoNewPrivileges": False, "SELinuxContext": None},
                    },
                    "ForceUpdate": 0,
                    "Networks": [{"Target": "stk_default", "Aliases": ["a"]}],
                    "Placement": {},
                    "Resources": {},
                },
            }
        ],
        content_names={"secrets": {}, "configs": {}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("command", ["a", "b"], "Args", ["a", "b"]),
        ("entrypoint", ["e"], "Command", ["e"]),
        ("environment", {"B": "", "A": "1", "C": None}, "Env", ["A=1", "B=", "C"]),
        ("working_dir", "/w", "Dir", "/w"),
        ("tty", True, "TTY", True),
        ("stdin_open", True, "OpenStdin", True),
        ("read_only", True, "ReadOnly", True),
        ("oom_score_adj", -500, "OomScoreAdj", -500),
        ("init", False, "Init", False),
        ("stop_grace_period", 90 * SECOND, "StopGracePeriod", 90 * SECOND),
        ("sysctls", {"a": "1"}, "Sysctls", {"a": "1"}),
        ("dns", ["8.8.8.8"], "DNSConfig", {"Nameservers": ["8.8.8.8"]}),
        ("dns_search", ["x"], "DNSConfig", {"Search": ["x"]}),
        ("extra_hosts", ["1.1.1.1 h"], "Hosts", ["1.1.1.1 h"]),
        ("group_add", ["5"], "Groups", ["5"]),
        ("cap_add", ["net_admin", "CAP_CHOWN", "NET_ADMIN"], "CapabilityAdd", ["CAP_CHOWN", "CAP_NET_ADMIN"]),
        ("cap_drop", ["ALL", "mknod"], "CapabilityDrop", ["ALL"]),
        (
            "ulimits",
            {"n": {"soft": 1, "hard": 2}, "c": {"soft": 0, "hard": -1}},
            "Ulimits",
            [{"Name": "c", "Soft": 0, "Hard": -1}, {"Name": "n", "Soft": 1, "Hard": 2}],
        ),
        ("healthcheck", {"disable": True}, "Healthcheck", {"Test": ["NONE"]}),
        (
            "healthcheck",
            {"test": ["CMD", "x"], "interval": SECOND, "retries": 0},
            "Healthcheck",
            {"Test": ["CMD", "x"], "Interval": SECOND},
        ),
        (
            "healthcheck",
            {"start_interval": 5, "start_period": 6, "timeout": 7, "retries": 8},
            "Healthcheck",
            {"StartInterval": 5, "StartPeriod": 6, "Timeout": 7, "Retries": 8},
        ),
        (
            "credential_spec",
            {"file": "x"},
            "Privileges",
            {
                "CredentialSpec": {"Config": "", "File": "x", "Registry": ""},
                "NoNewPrivileges": False,
                "SELinuxContext": None,
            },
        ),
    ],
)
def test_container_fields(key: str, value: t.Any, field: str, expected: t.Any) -> None:
    assert container(**{key: value})[field] == expected


def test_a_capability_both_added_and_dropped_is_added() -> None:
    body = container(cap_add=["NET_ADMIN"], cap_drop=["CAP_NET_ADMIN", "chown"])
    assert (body["CapabilityAdd"], body["CapabilityDrop"]) == (["CAP_NET_ADMIN"], ["CAP_CHOWN"])


@pytest.mark.parametrize(
    ("deploy", "mode"),
    [
        ({}, {"Replicated": {}}),
        ({"replicas": 0}, {"Replicated": {"Replicas": 0}}),
        ({"mode": "replicated", "replicas": 3}, {"Replicated": {"Replicas": 3}}),
        ({"mode": "global"}, {"Global": {}}),
        ({"mode": "replicated-job"}, {"ReplicatedJob": {}}),
        ({"mode": "replicated-job", "replicas": 3}, {"ReplicatedJob": {"MaxConcurrent": 3, "TotalCompletions": 3}}),
        ({"mode": "global-job"}, {"GlobalJob": {}}),
    ],
)
def test_modes(deploy: Json, mode: Json) -> None:
    assert service(deploy=deploy)["Mode"] == mode


@pytest.mark.parametrize(
    ("keys", "policy"),
    [
        ({}, None),
        ({"restart": "no"}, None),
        ({"restart": "always"}, {"Condition": "any"}),
        ({"restart": "unless-stopped"}, {"Condition": "any"}),
        ({"restart": "on-failure:3"}, {"Condition": "on-failure", "MaxAttempts": 3}),
        ({"restart": "always", "deploy": {"restart_policy": {"condition": "none"}}}, {"Condition": "none"}),
        ({"deploy": {"restart_policy": {}}}, {}),
        (
            {"deploy": {"restart_policy": {"delay": 0, "max_attempts": 0, "window": 5}}},
            {"Delay": 0, "MaxAttempts": 0, "Window": 5},
        ),
    ],
)
def test_restart_policies(keys: Json, policy: Json | None) -> None:
    assert service(**keys)["TaskTemplate"].get("RestartPolicy") == policy


@pytest.mark.parametrize(
    ("given", "config"),
    [
        ({}, {"Parallelism": 1, "MaxFailureRatio": 0, "Order": ""}),
        ({"parallelism": 0}, {"Parallelism": 0, "MaxFailureRatio": 0, "Order": ""}),
        (
            {
                "parallelism": 2,
                "delay": 5,
                "monitor": 6,
                "failure_action": "rollback",
                "max_failure_ratio": 0.25,
                "order": "start-first",
            },
            {
                "Parallelism": 2,
                "Delay": 5,
                "Monitor": 6,
                "FailureAction": "rollback",
                "MaxFailureRatio": 0.25,
                "Order": "start-first",
            },
        ),
    ],
)
def test_update_configs(given: Json, config: Json) -> None:
    body = service(deploy={"update_config": given, "rollback_config": given})
    assert body["UpdateConfig"] == body["RollbackConfig"] == config


def test_resources_and_placement() -> None:
    generic = [
        {"discrete_resource_spec": {"kind": "gpu", "value": 2}},
        {"discrete_resource_spec": {"kind": "ssd", "value": 0}},
    ]
    task = service(
        deploy={
            "resources": {
                "limits": {"cpus": 5, "memory": 6, "pids": 7},
                "reservations": {"generic_resources": generic},
            },
            "placement": {
                "constraints": ["a == b"],
                "preferences": [{"spread": "node.id"}],
                "max_replicas_per_node": 1,
            },
        }
    )["TaskTemplate"]
    assert task["Resources"] == {
        "Limits": {"NanoCPUs": 5, "MemoryBytes": 6, "Pids": 7},
        "Reservations": {
            "GenericResources": [
                {"DiscreteResourceSpec": {"Kind": "gpu", "Value": 2}},
                {"DiscreteResourceSpec": {"Kind": "ssd"}},
            ]
        },
    }
    preferences = [{"Spread": {"SpreadDescriptor": "node.id"}}]
    assert task["Placement"] == {"Constraints": ["a == b"], "Preferences": preferences, "MaxReplicas": 1}


def test_labels_of_the_stack_win() -> None:
    body = service(
        deploy={"labels": {"a": "b", "com.docker.stack.image": "x", "com.docker.stack.namespace": "x"}},
        labels={"c": "d"},
    )
    assert body["Labels"] == {**NAMESPACE, "a": "b", "com.docker.stack.image": "img"}
    assert body["TaskTemplate"]["ContainerSpec"]["Labels"] == {**NAMESPACE, "c": "d"}


def test_networks() -> None:
    model = {
        "services": {
            "a": {
                "image": "i",
                "networks": {"front": {"aliases": ["w"]}, "ext": {}, "back": {"driver_opts": {"x": "y"}}, "host": {}},
            }
        },
        "networks": {
            "front": {
                "driver_opts": {"encrypted": ""},
                "ipam": {"driver": "default", "config": [{"subnet": "10.9.0.0/24"}]},
            },
            "back": {"name": "custom", "internal": True, "attachable": True, "labels": {"l": "m"}},
            "ext": {"external": True, "name": "shared"},
            "host": {"external": True, "name": "host"},
            "unused": {},
        },
    }
    found = made(model)
    assert found.services[0]["TaskTemplate"]["Networks"] == [
        {"Target": "custom", "Aliases": ["a"], "DriverOpts": {"x": "y"}},
        {"Target": "host"},
        {"Target": "shared", "Aliases": ["a"]},
        {"Target": "stk_front", "Aliases": ["w", "a"]},
    ]
    assert [(network["Name"], network["Internal"], network["Attachable"]) for network in found.networks] == [
        ("custom", True, True), ("stk_front", False, False),
    ]  # fmt: skip
    assert found.networks[1]["IPAM"] == {"Driver": "default", "Config": [{"Subnet": "10.9.0.0/24"}], "Options": None}
    assert found.networks[1]["Options"] == {"encrypted": ""}


@pytest.mark.parametrize(
    ("mount", "body"),
    [
        ({"type": "volume", "target": "/a"}, {"Type": "volume", "Target": "/a"}),
        (
            {"type": "volume", "source": "v", "target": "/a", "read_only": True, "volume": {"nocopy": True}},
            {
                "Type": "volume",
                "Source": "stk_v",
                "Target": "/a",
                "ReadOnly": True,
                "VolumeOptions": {"NoCopy": True, "Labels": NAMESPACE},
            },
        ),
        (
            {"type": "volume", "source": "named", "target": "/a"},
            {
                "Type": "volume",
                "Source": "n",
                "Target": "/a",
                "VolumeOptions": {
                    "Labels": {**NAMESPACE, "l": "m"},
                    "DriverConfig": {"Name": "d", "Options": {"o": "p"}},
                },
            },
        ),
        (
            {"type": "volume", "source": "ext", "target": "/a"},
            {"Type": "volume", "Source": "x", "Target": "/a", "VolumeOptions": {}},
        ),
        ({"type": "bind", "source": "/s", "target": "/a"}, {"Type": "bind", "Source": "/s", "Target": "/a"}),
        (
            {
                "type": "bind",
                "source": "/s",
                "target": "/a",
                "bind": {"propagation": "rslave"},
                "consistency": "cached",
            },
            {
                "Type": "bind",
                "Source": "/s",
                "Target": "/a",
                "Consistency": "cached",
                "BindOptions": {"Propagation": "rslave"},
            },
        ),
        (
            {"type": "tmpfs", "target": "/a", "tmpfs": {"size": 5}},
            {"Type": "tmpfs", "Target": "/a", "TmpfsOptions": {"SizeBytes": 5}},
        ),
        (
            {"type": "cluster", "source": "v", "target": "/a"},
            {"Type": "cluster", "Source": "stk_v", "Target": "/a", "ClusterOptions": {}},
        ),
        (
            {"type": "cluster", "source": "group:g", "target": "/a"},
            {"Type": "cluster", "Source": "group:g", "Target": "/a", "ClusterOptions": {}},
        ),
        ({"type": "npipe", "source": "p", "target": "/a"}, {"Type": "npipe", "Source": "p", "Target": "/a"}),
        (
            {"type": "image", "source": "i", "target": "/a", "image": {"subpath": "s"}},
            {"Type": "image", "Source": "i", "Target": "/a", "ImageOptions": {"Subpath": "s"}},
        ),
    ],
)
def test_mounts(mount: Json, body: Json) -> None:
    volumes = {
        "v": {},
        "named": {"name": "n", "driver": "d", "driver_opts": {"o": "p"}, "labels": {"l": "m"}},
        "ext": {"external": True, "name": "x"},
    }
    assert container({"volumes": volumes}, volumes=[mount])["Mounts"] == [body]


DATA: Json = {
    "secrets": {"s": {"content": "aGk="}, "e": {"external": True, "name": "real"}},
    "configs": {"c": {"content": "aGk=", "name": "own"}},
}


def test_references_carry_names_and_no_ids() -> None:
    body = container(
        DATA,
        secrets=[{"source": "s"}, {"source": "e", "target": "/t", "uid": "1", "gid": "2", "mode": 0o400}],
        configs=[{"source": "c", "target": "/c"}],
    )
    assert body["Secrets"] == [
        {"SecretName": "real", "File": {"Name": "/t", "UID": "1", "GID": "2", "Mode": 256}},
        {"SecretName": "stk_s", "File": {"Name": "s", "UID": "0", "GID": "0", "Mode": 292}},
    ]
    assert body["Configs"] == [{"ConfigName": "own", "File": {"Name": "/c", "UID": "0", "GID": "0", "Mode": 292}}]


def test_credentials_from_a_config() -> None:
    body = container(DATA, credential_spec={"config": "c"})
    assert body["Privileges"]["CredentialSpec"] == {"Config": "own", "File": "", "Registry": ""}
    assert body["Configs"] == [{"ConfigName": "own", "Runtime": {}}]


def test_secrets_and_configs() -> None:
    top = {
        "secrets": {**DATA["secrets"], "d": {"driver": "v", "driver_opts": {"a": "b"}, "template_driver": "golang"}},
        "configs": DATA["configs"],
    }
    found = made({"services": {}, **top})
    assert found.secrets == [
        {
            "Name": "stk_d",
            "Labels": NAMESPACE,
            "Driver": {"Name": "v", "Options": {"a": "b"}},
            "Templating": {"Name": "golang"},
        },
        {"Name": "stk_s", "Labels": NAMESPACE, "Data": "aGk="},
    ]
    assert found.configs == [{"Name": "own", "Labels": NAMESPACE, "Data": "aGk="}]


def test_content_names() -> None:
    def name_of(content: str, key: str = "s", stack: str = "stk") -> str:
        found = convert(stack, {"services": {}, "secrets": {key: {"content": content}}}, content_names=True)
        assert found.secrets[0]["Labels"]["io.flotilla.swarm.key"] == key
        assert found.content_names["secrets"] == {key: found.secrets[0]["Name"]}
        return str(found.secrets[0]["Name"])

    name = name_of("aGk=")
    assert name.startswith("stk_s_")
    assert len(name) == len("stk_s_") + 12
    assert name == name_of("aGk=")
    others = [name_of("aGo="), name_of("aGk=", stack="other"), name_of("aGk=", key="t")]
    assert len({name[-12:], *(other[-12:] for other in others)}) == 4
    assert len(name_of("aGk=", key="k" * 80)) == 64


def test_content_names_leave_own_names_and_external_ones_alone() -> None:
    service = {"image": "i", "secrets": [{"source": "s"}, {"source": "e"}], "configs": [{"source": "c"}]}
    found = made({"services": {"a": service}, **DATA}, content_names=True)
    body = found.services[0]["TaskTemplate"]["ContainerSpec"]
    assert [reference["SecretName"] for reference in body["Secrets"]] == ["real", found.secrets[0]["Name"]]
    assert body["Secrets"][1]["File"]["Name"] == "s"
    assert body["Configs"][0]["ConfigName"] == "own"
    assert found.configs[0]["Labels"] == NAMESPACE
    assert found.content_names == {"secrets": {"s": found.secrets[0]["Name"]}, "configs": {}}


def test_dependencies_have_full_names() -> None:
    needs = {"b": {"condition": "service_healthy", "required": True}}
    found = made({"services": {"a": {"image": "i", "depends_on": needs}, "b": {"image": "i"}}})
    assert found.depends_on == {"stk_a": {"stk_b": "service_healthy"}}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"volumes": [{"type": "volume", "source": "no", "target": "/a"}]}, "service a: undefined volume 'no'"),
        ({"volumes": [{"type": "disk", "target": "/a"}]}, "service a: volume type 'disk'"),
        ({"volumes": [{"type": "tmpfs", "source": "x", "target": "/a"}]}, "service a: a tmpfs has source 'x'"),
        ({"volumes": [{"type": "bind", "target": "/a"}]}, "service a: a volume of type bind for /a has no source"),
        (
            {"volumes": [{"type": "volume", "target": "/a", "tmpfs": {}}]},
            "service a: options for tmpfs on a volume of type volume",
        ),
        ({"networks": {"no": {}}}, "service a: undefined network 'no'"),
        ({"secrets": [{"source": "no"}]}, "service a: undefined secret 'no'"),
        ({"configs": [{"source": "no"}]}, "service a: undefined config 'no'"),
        ({"restart": "sometimes"}, "service a: restart 'sometimes'"),
        ({"deploy": {"mode": "global", "replicas": 1}}, "service a: deploy.replicas with mode global"),
        ({"deploy": {"mode": "x"}}, "service a: deploy.mode 'x'"),
    ],
)
def test_models_that_contradict_themselves(keys: Json, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        service(**keys)


@pytest.mark.parametrize("key", ["a.b", "a" * 60, "-", "a-"])
def test_names_that_the_engine_refuses(key: str) -> None:
    with pytest.raises(PlanError, match="is not a valid name for a service"):
        made({"services": {key: {"image": "i"}}})


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            {"networks": {"n" * 60: {}}},
            f"network {'n' * 60}: 'stk_{'n' * 60}' is not a valid name for a network. Expected letters, digits, '-' and",
        ),
        ({"networks": {"a.b": {}}}, "network a.b: 'stk_a.b' is not a valid name for a network"),
        ({"secrets": {"s" * 61: {"content": "eA=="}}}, f"secret {'s' * 61}: 'stk_{'s' * 61}' is not a valid name for a secret. Expected"),
        (
            {"configs": {"c-": {"content": "eA=="}}},
            "config c-: 'stk_c-' is not a valid name for a config. Expected letters, digits, '-', '_' and",
        ),
    ],
)
def test_names_of_objects_that_the_engine_refuses(model: Json, message: str) -> None:
    networks: Json = {key: {} for key in model.get("networks", {})}
    stack = {**model, "services": {"a": {"image": "i", "networks": networks}}}
    with pytest.raises(PlanError, match=re.escape(message)):
        convert("stk", stack, content_names=False)
    if "networks" not in model:
        convert("stk", stack, content_names=True)
