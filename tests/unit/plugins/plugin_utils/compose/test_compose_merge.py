# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several files into one: as docker stack deploy does, and as the Compose Spec says."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack

FOUR = 4 * 10**9


def merged(base: str, over: str, head: str = "") -> dict[str, t.Any]:
    """Service a of two files that give its keys, each in flow style."""
    texts = [f"{head}\nservices: {{a: {{image: i, {keys}}}}}" for keys in (base, over)]
    return t.cast("dict[str, t.Any]", load_stack(content=texts, project_dir="/stack").model["services"]["a"])


@pytest.mark.parametrize(
    ("base", "over", "key", "versioned", "spec"),
    [
        ("hostname: h", "hostname: k", "hostname", "k", "k"),
        ("hostname: h", 'hostname: ""', "hostname", "h", ""),
        ("read_only: true", "read_only: false", "read_only", True, False),
        ("init: true", "init: false", "init", True, False),
        ("command: [a, b]", "command: [c]", "command", ["c"], ["c"]),
        ("command: [a, b]", "command: []", "command", ["a", "b"], []),
        ("dns: [1.1.1.1]", "dns: [1.1.1.1, 2.2.2.2]", "dns", ["1.1.1.1", "1.1.1.1", "2.2.2.2"], ["1.1.1.1", "2.2.2.2"]),
        (
            "environment: {A: a, B: b}",
            "environment: {A: '', C: c}",
            "environment",
            {"A": "a", "B": "b", "C": "c"},
            {"A": "", "B": "b", "C": "c"},
        ),
        ("environment: {A: ''}", "environment: {A: }", "environment", {"A": None}, {"A": None}),
        ("environment: {A: a}", "environment: {A: }", "environment", {"A": "a"}, {"A": None}),
        ("environment: {A: }", "environment: {A: ''}", "environment", {"A": ""}, {"A": ""}),
        *(
            (
                "deploy: {resources: {limits: {cpus: '2', memory: 1g}}}",
                f"deploy: {{resources: {{limits: {{cpus: '{zero}', memory: '0'}}}}}}",
                "deploy",
                {"resources": {"limits": {"cpus": 0, "memory": 2**30}}},
                {"resources": {"limits": {"cpus": 0, "memory": 0}}},
            )
            for zero in ("0", "0.0", "0.00", ".0")
        ),
        (
            "deploy: {resources: {limits: {cpus: '2'}}}",
            "deploy: {resources: {limits: {cpus: ''}}}",
            "deploy",
            {"resources": {"limits": {"cpus": 2 * 10**9}}},
            {"resources": {"limits": {"cpus": 2 * 10**9}}},
        ),
        ("labels: {A: a}", "labels: [A=x, B=b]", "labels", {"A": "x", "B": "b"}, {"A": "x", "B": "b"}),
        ("deploy: {replicas: 3}", "deploy: {replicas: 0}", "deploy", {"replicas": 0}, {"replicas": 0}),
        (
            "deploy: {update_config: {delay: 4s, parallelism: 2}}",
            "deploy: {update_config: {delay: 0s, parallelism: 0}}",
            "deploy",
            {"update_config": {"delay": FOUR, "parallelism": 0}},
            {"update_config": {"delay": 0, "parallelism": 0}},
        ),
        (
            "deploy: {placement: {constraints: [node.id == x]}}",
            "deploy: {placement: {constraints: [node.id == y]}}",
            "deploy",
            {"placement": {"constraints": ["node.id == x", "node.id == y"]}},
            {"placement": {"constraints": ["node.id == x", "node.id == y"]}},
        ),
        (
            "ulimits: {nproc: {soft: 1, hard: 2}}",
            "ulimits: {nproc: 3, core: 4}",
            "ulimits",
            {"nproc": {"soft": 3, "hard": 3}, "core": {"soft": 4, "hard": 4}},
            {"nproc": {"soft": 3, "hard": 3}, "core": {"soft": 4, "hard": 4}},
        ),
        (
            "healthcheck: {test: [CMD, x], interval: 4s}",
            "healthcheck: {test: [CMD, y]}",
            "healthcheck",
            {"test": ["CMD", "y"], "interval": FOUR},
            {"test": ["CMD", "y"], "interval": FOUR},
        ),
        (
            "logging: {driver: x, options: {a: 1}}",
            "logging: {options: {b: 2}}",
            "logging",
            {"driver": "x", "options": {"a": "1", "b": "2"}},
            {"driver": "x", "options": {"a": "1", "b": "2"}},
        ),
        ("logging: {driver: x, options: {a: 1}}", "logging: {driver: y}", "logging", {"driver": "y"}, {"driver": "y"}),
        (
            "networks: {default: {aliases: [x]}}",
            "networks: {default: {aliases: [y]}}",
            "networks",
            {"default": {"aliases": ["y"]}},
            {"default": {"aliases": ["x", "y"]}},
        ),
        (
            "networks: {default: {aliases: [x]}}",
            "networks: [default]",
            "networks",
            {"default": {"aliases": ["x"]}},
            {"default": {"aliases": ["x"]}},
        ),
        ("sysctls: {a: 1}", "sysctls: {b: 2}", "sysctls", {"a": "1", "b": "2"}, {"a": "1", "b": "2"}),
    ],
)
def test_merging_keys(base: str, over: str, key: str, versioned: t.Any, spec: t.Any) -> None:
    assert merged(base, over, 'version: "3.13"')[key] == versioned
    assert merged(base, over)[key] == spec


@pytest.mark.parametrize(
    ("head", "ports"),
    [
        ('version: "3.13"', [(0, 4000, "tcp"), (53, 53, "tcp"), (80, 81, "tcp"), (90, 90, "tcp")]),
        ("", None),
    ],
    ids=["versioned", "spec"],
)
def test_a_published_number_is_what_matches_ports_in_versioned_files(head: str, ports: list[tuple[int, int, str]] | None) -> None:
    base, over = 'ports: ["80:80", "90:90", "3000", "53:53/udp"]', 'ports: ["80:81", "4000", "53:53/tcp"]'
    if ports is None:
        with pytest.raises(ComposeError, match="port 80/tcp is published twice"):
            merged(base, over, head)
    else:
        assert published(merged(base, over, head)) == ports


def test_ports_are_matched_by_target_and_protocol_in_spec_files() -> None:
    service = merged('ports: ["80:80", "3000", "53:53/udp"]', 'ports: ["80:80", "4000", "53:53/tcp"]')
    assert published(service) == [(0, 3000, "tcp"), (0, 4000, "tcp"), (53, 53, "udp"), (53, 53, "tcp"), (80, 80, "tcp")]


def published(service: dict[str, t.Any]) -> list[tuple[int, int, str]]:
    return [(port.get("published", 0), port["target"], port["protocol"]) for port in service["ports"]]


@pytest.mark.parametrize("head", ['version: "3.13"', ""])
def test_mounts_are_matched_by_target(head: str) -> None:
    found = merged('volumes: ["/b:/d", "/x:/x"]', 'volumes: ["/o:/d", "/m:/m"]', head)["volumes"]
    assert {mount["target"]: mount["source"] for mount in found} == {"/d": "/o", "/m": "/m", "/x": "/x"}
    if head:
        assert [mount["target"] for mount in found] == ["/d", "/m", "/x"]


@pytest.mark.parametrize(
    ("head", "volume"),
    [('version: "3.13"', {"driver_opts": {"b": "2"}}), ("", {"driver": "local", "driver_opts": {"a": "1", "b": "2"}})],
)
def test_objects_are_replaced_in_versioned_files(head: str, volume: dict[str, t.Any]) -> None:
    base = f"{head}\nservices: {{a: {{image: i}}}}\nvolumes: {{v: {{driver: local, driver_opts: {{a: 1}}}}}}"
    over = f"{head}\nservices: {{b: {{image: j}}}}\nvolumes: {{v: {{driver_opts: {{b: 2}}}}}}"
    model = load_stack(content=[base, over]).model
    assert model["volumes"]["v"] == volume
    assert sorted(model["services"]) == ["a", "b"]


def test_an_override_needs_no_image() -> None:
    texts = ["version: '3'\nservices: {a: {image: i}}", "version: '3'\nservices: {a: {hostname: h}}"]
    assert load_stack(content=texts).model["services"]["a"] == {"image": "i", "hostname": "h"}


def test_files_agree_on_the_version() -> None:
    texts = ["version: '3.8'\nservices: {a: {image: i}}", "version: '3.9'\nservices: {a: {image: i}}"]
    with pytest.raises(ComposeError, match=r"version 3\.9 here, version 3\.8 in content; expected one version in all files"):
        load_stack(content=texts)


@pytest.mark.parametrize(
    ("base", "over", "key", "result"),
    [
        ('ports: ["80:80"]', 'ports: !override ["90:90"]', "ports", [90]),
        ('ports: ["80:80"]', "ports: !reset []", "ports", None),
        ("environment: {A: a, B: b}", "environment: {A: !reset null}", "environment", {"B": "b"}),
        ("environment: {A: a}", "environment: !override {B: b}", "environment", {"B": "b"}),
        ("labels: {A: a}", "labels: !reset null", "labels", None),
        ("deploy: {resources: {limits: {pids: 5}}}", "deploy: {resources: !reset null}", "deploy", {}),
        (
            "deploy: {labels: {a: b}, replicas: 2}",
            "deploy: {labels: {a: !reset null}}",
            "deploy",
            {"replicas": 2, "labels": {}},
        ),
        ("env_file: x.env", "env_file: !reset []", "environment", None),
    ],
)
def test_reset_and_override(base: str, over: str, key: str, result: t.Any) -> None:
    texts = [f"services: {{a: {{image: i, {keys}}}}}" for keys in (base, over)]
    service = load_stack(content=texts, project_dir="/stack", read=lambda path: b"E=e\n").model["services"]["a"]
    found = service.get(key)
    assert ([port["published"] for port in found] if key == "ports" and found else found) == result


def test_reset_of_a_service() -> None:
    texts = ["services: {a: {image: i}, b: {image: j}}", "services: {b: !reset null}"]
    assert sorted(load_stack(content=texts).model["services"]) == ["a"]


@pytest.mark.parametrize("head", ['version: "3.13"', ""])
def test_a_merge_with_nothing_changes_nothing(head: str) -> None:
    text = f"{head}\nservices: {{a: {{image: i, dns: [1.1.1.1], environment: {{A: 1}}, ports: ['80:80'], volumes: ['/a:/a']}}}}"
    empty = yaml.safe_dump({**yaml.safe_load(head or "{}"), "services": {}})
    assert load_stack(content=[text, empty]) == load_stack(content=text)


def test_a_single_file_is_taken_as_it_is() -> None:
    service = load_stack(content="services: {a: {image: i, dns: [x], ports: [80, '80']}}").model["services"]["a"]
    assert [port["target"] for port in service["ports"]] == [80, 80]
