# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any stack, as hypothesis makes it: the data of a stack file, with the contents of its secrets under ``_env``."""

from __future__ import annotations

import typing as t

from hypothesis import strategies as st

Json = dict[str, t.Any]

KEYS = st.sampled_from(["a", "b", "c", "d"])
WORDS = st.text("abc123", min_size=1, max_size=3)
HARD_WORDS = st.text("ab1 $'\"\\:#{}%é-\n", max_size=6)
"""What YAML, variables and templates of several kinds take for something else."""


def subset(values: list[t.Any], most: int = 3) -> st.SearchStrategy[list[t.Any]]:
    return st.lists(st.sampled_from(values), unique_by=str, max_size=most)


def some(**fields: st.SearchStrategy[t.Any]) -> st.SearchStrategy[Json]:
    """Any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


DEPLOY = st.fixed_dictionaries(
    {"mode": st.sampled_from(["replicated", "replicated", "global"])},
    optional={
        "labels": st.dictionaries(KEYS, WORDS),
        "placement": st.fixed_dictionaries(
            {"constraints": subset(["node.role == manager", "node.labels.x != y", "node.platform.os==linux"])}
        ),
        "resources": st.fixed_dictionaries({"limits": st.fixed_dictionaries({"memory": st.sampled_from(["64M", "1G"])})}),
        "update_config": st.fixed_dictionaries({"parallelism": st.integers(0, 3), "order": st.sampled_from(["start-first", "stop-first"])}),
        "restart_policy": st.fixed_dictionaries({"condition": st.just("any"), "delay": st.sampled_from(["1s", "5s"])}),
    },
)
SERVICE_FIELDS: dict[str, st.SearchStrategy[t.Any]] = {
    "environment": st.dictionaries(KEYS, st.none() | WORDS | st.just("")),
    "command": WORDS,
    "networks": subset(["n1", "n2"]),
    "secrets": subset(["s1", "s2"]),
    "configs": subset(["c1", "c2"]),
    "volumes": subset(["v:/a", "/tmp:/b", "/c"]),
    "ports": subset([{"target": 80, "published": 0, "mode": "ingress"}, {"target": 81, "mode": "host"}]),
    "extra_hosts": subset(["h1:1.1.1.1", "h2:2.2.2.2"]),
    "healthcheck": st.fixed_dictionaries({"test": st.just("true"), "interval": st.sampled_from(["5s", "10s"])}),
    "init": st.booleans(),
    "stop_grace_period": st.sampled_from(["1s", "10s"]),
    "cap_add": subset(["NET_ADMIN", "SYS_TIME"]),
}
SERVICE = st.fixed_dictionaries({"image": st.sampled_from(["x:1", "x:2", "y"]), "deploy": DEPLOY}, optional=SERVICE_FIELDS)


def stacks(service: st.SearchStrategy[Json], **sections: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Stacks of such services, with two networks, secrets and configs, and a volume."""

    def build(services: Json, contents: Json, given: Json) -> Json:
        return {
            "services": services,
            "networks": {"n1": {}, "n2": {}},
            "volumes": {"v": {}},
            "secrets": {name: {"environment": name} for name in ("s1", "s2")},
            "configs": {name: {"content": contents[name]} for name in ("c1", "c2")},
            "_env": {name: contents[name] for name in ("s1", "s2")},
            **given,
        }

    contents = st.fixed_dictionaries({name: st.sampled_from(["1", "2"]) for name in ("s1", "s2", "c1", "c2")})
    return st.builds(build, st.dictionaries(KEYS, service, min_size=1), contents, st.fixed_dictionaries(sections))


STACK = stacks(SERVICE)

_FILE = some(target=st.sampled_from(["/x", "y"]), uid=st.just("5"), mode=st.sampled_from([0o400, 0o444, 0o777]))
_POLICY = some(
    parallelism=st.integers(0, 2),
    delay=st.sampled_from(["0s", "1m30s"]),
    failure_action=st.sampled_from(["pause", "continue", "rollback"]),
    monitor=st.sampled_from(["5s", "500ms"]),
    max_failure_ratio=st.sampled_from([0, 0.25]),
    order=st.sampled_from(["start-first", "stop-first"]),
)
_SIDE = some(cpus=st.sampled_from(["0.5", "2"]), memory=st.sampled_from(["64M", "1000000b"]))
_LABELS = st.dictionaries(st.sampled_from(["l", "api_token", "x.y/z"]), HARD_WORDS)


def _references(names: list[str]) -> st.SearchStrategy[list[Json]]:
    files = st.tuples(st.sampled_from(names), _FILE).map(lambda pair: {"source": pair[0], **pair[1]})
    return st.lists(files, max_size=2, unique_by=lambda item: item.get("target") or item["source"])


def _without_contradictions(service: Json) -> Json:
    """What the engine would refuse together."""
    deploy = dict(service.get("deploy", {}))
    if deploy.get("mode", "").endswith("-job"):
        deploy.pop("update_config", None)
    if deploy.get("endpoint_mode") == "dnsrr" and service.get("ports"):
        deploy.pop("endpoint_mode")
    return {**service, "deploy": deploy}


_RICH_DEPLOY = some(
    mode=st.sampled_from(["replicated", "replicated-job"]),
    replicas=st.integers(0, 3),
    endpoint_mode=st.sampled_from(["vip", "dnsrr"]),
    labels=_LABELS,
    placement=some(
        constraints=subset(["node.role == manager", "node.labels.x!=y"]),
        preferences=subset([{"spread": "node.labels.rack"}]),
        max_replicas_per_node=st.integers(1, 2),
    ),
    resources=some(
        limits=some(cpus=st.just("0.001"), memory=st.just("6m"), pids=st.integers(1, 9)),
        reservations=some(generic_resources=st.just([{"discrete_resource_spec": {"kind": "gpu", "value": 2}}]), cpus=st.just("1.5")),
    ),
    restart_policy=some(
        condition=st.sampled_from(["none", "on-failure"]), max_attempts=st.integers(0, 2), window=st.just("1h"), delay=st.just("0s")
    ),
    rollback_config=_POLICY,
    update_config=_POLICY,
)
_MOUNTS = subset(
    [
        {"type": "volume", "source": "v", "target": "/a", "read_only": True},
        {"type": "volume", "source": "w", "target": "/w", "volume": {"nocopy": True}},
        {"type": "volume", "target": "/anonymous"},
        {"type": "bind", "source": "/tmp", "target": "/b", "bind": {"propagation": "rshared"}},
        {"type": "tmpfs", "target": "/t", "tmpfs": {"size": 65536, "mode": 0o700}},
    ],
    5,
)
RICH_SERVICE = st.fixed_dictionaries(
    {"image": st.sampled_from(["x:1", "registry.example.com:5000/team/y@sha256:" + "a" * 64, "docker.io/library/z"])},
    optional={
        **SERVICE_FIELDS,
        "deploy": _RICH_DEPLOY,
        "environment": st.dictionaries(st.sampled_from(["A", "DB_PASSWORD", "URL", "a.b"]), st.none() | HARD_WORDS | st.just("u://a:b@c")),
        "labels": _LABELS,
        "command": st.lists(HARD_WORDS | st.sampled_from(["--token=x", "--password", "5"]), max_size=3),
        "entrypoint": st.lists(HARD_WORDS, max_size=2),
        "networks": st.dictionaries(st.sampled_from(["n1", "n2", "default"]), st.none() | some(aliases=subset(["z", "y"]))),
        "secrets": _references(["s1", "s2"]),
        "configs": _references(["c1", "c2"]),
        "volumes": _MOUNTS,
        "ports": subset(["80", {"target": 81, "published": 8081, "mode": "host"}, {"target": 82, "protocol": "udp"}]),
        "healthcheck": some(
            test=st.sampled_from([["CMD", "a", "$b"], "curl -H 'Authorization: Bearer abcdefgh' x"]),
            start_period=st.just("1m"),
            retries=st.integers(0, 2),
        )
        | st.just({"disable": True}),
        "stop_grace_period": st.sampled_from(["0s", "1.5s"]),
        "stop_signal": st.just("SIGINT"),
        "cap_drop": subset(["ALL", "cap_kill"]),
        "dns": subset(["1.1.1.1", "fd00::1"]),
        "dns_search": subset(["a.b"]),
        "group_add": subset(["5", "wheel"]),
        "hostname": st.just("{{.Node.Hostname}}"),
        "logging": some(driver=st.just("json-file"), options=st.just({"max-size": "5m", "max-file": 3})),
        "read_only": st.booleans(),
        "security_opt": subset(["no-new-privileges:true", "label=type:x", "apparmor=unconfined", "seccomp=unconfined"]),
        "stdin_open": st.booleans(),
        "sysctls": st.just({"net.core.somaxconn": 5}),
        "tty": st.booleans(),
        "ulimits": st.just({"nofile": 5, "nproc": {"soft": 1, "hard": 2}}),
        "user": st.sampled_from(["5:5", "0"]),
        "working_dir": st.just("/w"),
    },
).map(_without_contradictions)
_NETWORK = some(
    attachable=st.booleans(),
    internal=st.booleans(),
    driver_opts=st.just({"encrypted": ""}),
    labels=st.just({"l": "x"}),
    ipam=st.just({"config": [{"subnet": "172.30.0.0/24"}]}),
)
RICH_STACK = stacks(
    RICH_SERVICE,
    networks=st.fixed_dictionaries(
        {"n1": _NETWORK, "n2": st.just({"name": "other"})}, optional={"default": some(attachable=st.just(True))}
    ),
    volumes=st.fixed_dictionaries(
        {"v": some(labels=st.just({"l": "x"}), driver_opts=st.just({"type": "cifs", "device": "//h/s", "o": "username=a,password=b"}))}
    ).map(lambda volumes: {**volumes, "w": {"name": "warehouse"}}),
)
