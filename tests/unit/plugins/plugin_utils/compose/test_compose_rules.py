# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack file may hold, by version, and how errors name the place and the cure."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.fields import KEYS
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError, Place
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.ignored import ignored_keys
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack, load_stack


def load(data: dict[str, t.Any], version: str | None = "3.13", **options: t.Any) -> LoadedStack:
    head = {"version": version} if version else {}
    return load_stack(content=yaml.safe_dump({**head, **data}), project_dir="/stack", **options)


def service(**keys: t.Any) -> dict[str, t.Any]:
    return {"services": {"a": {"image": "i", **keys}}}


def refusal(data: dict[str, t.Any], version: str | None = "3.13", **options: t.Any) -> str:
    with pytest.raises(ComposeError) as caught:
        load(data, version, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("since", "data"),
    [
        ("3.1", {"secrets": {"s": {"external": True}}}),
        ("3.1", service(secrets=[])),
        ("3.2", service(ports=[{"target": 80}])),
        ("3.2", service(volumes=[{"type": "volume", "target": "/a"}])),
        ("3.2", service(deploy={"endpoint_mode": "vip"})),
        ("3.2", {"networks": {"n": {"attachable": True}}}),
        ("3.3", {"configs": {"c": {"external": True}}}),
        ("3.3", service(credential_spec={"file": "x"})),
        ("3.3", service(deploy={"placement": {"preferences": [{"spread": "node.id"}]}})),
        ("3.4", {"volumes": {"v": {"name": "x"}}}),
        ("3.4", service(deploy={"update_config": {"order": "start-first"}})),
        ("3.4", service(healthcheck={"start_period": "1s"})),
        ("3.4", {"x-top": 1}),
        ("3.5", {"networks": {"n": {"name": "x"}}}),
        ("3.5", service(isolation="default")),
        ("3.5", service(deploy={"resources": {"reservations": {"generic_resources": []}}})),
        ("3.6", service(volumes=[{"type": "tmpfs", "target": "/a", "tmpfs": {"size": 1}}])),
        ("3.7", service(init=True)),
        ("3.7", service(deploy={"rollback_config": {}})),
        ("3.7", service(**{"x-more": 1})),
        ("3.7", {"networks": {"n": {"x-more": 1}}}),
        ("3.8", service(deploy={"placement": {"max_replicas_per_node": 1}})),
        ("3.8", {"secrets": {"s": {"driver": "d"}}}),
        ("3.9", service(deploy={"resources": {"limits": {"pids": 5}}})),
        ("3.9", service(cgroupns_mode="host")),
        ("3.12", service(healthcheck={"start_interval": "1s"})),
        ("3.13", service(oom_score_adj=1)),
        ("3.13", service(networks={"default": {"driver_opts": {"a": "b"}}})),
    ],
)
def test_keys_begin_with_a_version(since: str, data: dict[str, t.Any]) -> None:
    data = {**service(), **data}
    load(data, since)
    load(data, None)
    before = f"3.{int(since.partition('.')[2]) - 1}"
    message = refusal(data, before)
    gate = f'not in version {before} of the format; write version: "{since}" or later, or no version'
    assert gate in message or "found a mapping; expected" in message


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (3.8, 'version: found 3.8; expected text; put it in quotes, or remove it: version: "3.13"'),
        (3, "version: found 3; expected text"),
        ("2.4", 'version: found \'2.4\'; expected "3" to "3.13", or no version'),
        ("3.14", "version: found '3.14'"),
        ("latest", "version: found 'latest'"),
    ],
)
def test_versions_that_are_none(version: t.Any, message: str) -> None:
    assert message in refusal(service(), version)


@pytest.mark.parametrize("version", ["3", "3.0", "3.13", "", None])
def test_versions(version: str | None) -> None:
    assert load(service(), version).model["services"]["a"]["image"] == "i"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            service(deploy={"replicas": "3"}),
            'deploy.replicas: found text "3"; expected a whole number; write it without quotes',
        ),
        (
            service(environment={"T": True}),
            "services.a.environment.T: found a boolean; expected text or a number or nothing",
        ),
        (
            service(labels={"a": True}),
            "labels.a: found a boolean true; expected text or a number or nothing; put the value in quotes",
        ),
        (
            service(deploy={"resources": {"limits": {"cpus": 0.5}}}),
            "limits.cpus: found a number 0.5; expected text; put",
        ),
        (service(user=1000), "services.a.user: found a whole number 1000; expected text"),
        (service(ports=[{"target": 80, "published": "8080"}]), "services.a.ports.0.published"),
        (service(ports=["80", "80"]), "services.a.ports: items 0 and 1 are equal"),
        (service(cap_add=["A", "A"]), "services.a.cap_add: items 0 and 1 are equal"),
        (
            service(healthcheck={"test": "x", "interval": 30}),
            "services.a.healthcheck.interval: found a whole number 30",
        ),
        (
            service(healthcheck={"test": "x", "interval": "1d"}),
            "healthcheck.interval: found '1d'; expected a duration such as 1m30s",
        ),
        (
            service(deploy={"resources": {"limits": {"memory": "1X"}}}),
            "limits.memory: found '1X'; expected a size such as 512m",
        ),
        (
            service(deploy={"resources": {"limits": {"cpus": "0.0000000001"}}}),
            "limits.cpus: found '0.0000000001'; expected a number",
        ),
        (service(deploy={"foo": 1}), "services.a.deploy.foo: there is no such key"),
        (service(enviroment={}), "services.a.enviroment: there is no such key; expected environment"),
        (
            service(mem_limit="1g"),
            "services.a.mem_limit: Swarm does not have this key; use deploy.resources.limits.memory",
        ),
        (service(cpuset="0"), "services.a.cpuset: Swarm does not have this key"),
        (service(deploy={"mode": "daemonset"}), "deploy.mode: found 'daemonset'; expected one of replicated, global"),
        (
            service(deploy={"rollback_config": {"failure_action": "Pause"}}),
            "rollback_config.failure_action: found 'Pause'; expected one of pause, continue, rollback",
        ),
        (service(deploy={"replicas": -1}), "deploy.replicas: found -1; expected zero or more"),
        (
            service(deploy={"update_config": {"order": "any"}}),
            "update_config.order: found 'any'; expected one of start-first",
        ),
        (
            service(healthcheck={"test": "x", "disable": True}),
            "services.a.healthcheck: has both test and disable: true",
        ),
        (service(command='echo "x'), "services.a.command: this command ends too early"),
        (service(image="Foo/Bar:1"), "services.a.image: found 'Foo/Bar:1'; expected a repository in lower case"),
        ({"services": {"a": {"hostname": "h"}}}, "services.a: no image is given"),
        (service(ulimits={"nofile": {"soft": 1}}), "services.a.ulimits.nofile: has no hard"),
        (service(extra_hosts=["h"]), "services.a.extra_hosts.0: found 'h'"),
        (service(oom_score_adj=1001), "services.a.oom_score_adj: 1001 is greater than the maximum of 1000"),
        (service(credential_spec={"file": "a", "registry": "b"}), "credential_spec: has file and registry"),
        (service(configs=["nope"]), "services.a.configs: config 'nope' is not in the top-level configs"),
        (service(secrets=["nope"]), "secret 'nope' is not in the top-level secrets"),
        (service(networks=["nope"]), "network 'nope' is not in the top-level networks"),
        (service(volumes=["nope:/x"]), "volume 'nope' is not in the top-level volumes"),
        (service(volumes=[{"type": "tmpfs", "source": "x", "target": "/b"}]), "the tmpfs at /b has source 'x'"),
        (service(volumes=["/a:/x", "/b:/x"]), "services.a.volumes: two mounts have the target /x"),
        (service(volumes=[{"type": "disk", "target": "/b"}]), "found type 'disk'"),
        (service(volumes=[{"type": "volume", "target": "/b", "bind": {}}]), "the volume at /b has options for bind"),
        (
            service(env_file="nope.env"),
            "services.a.env_file: cannot read /stack/nope.env: No such file or directory; relative paths start",
        ),
        (
            {**service(), "volumes": None},
            "volumes: found nothing; expected a mapping; remove the key or give it a value",
        ),
        ({**service(), "configs": {"a b": {"external": True}}}, "configs.a b: 'a b' is not a valid name"),
        ({**service(), "configs": {"c": {}}}, "configs.c: this config has no source; expected one of file, content"),
        ({**service(), "configs": {"c": {"file": "none"}}}, "configs.c.file: cannot read /stack/none"),
        ({**service(), "secrets": {"s": {"file": "x", "driver": "d"}}}, "secrets.s: this secret has file and driver"),
        (
            {**service(), "volumes": {"v": {"external": True, "driver": "d"}}},
            "volumes.v.driver: an external volume with driver",
        ),
        (
            {**service(), "networks": {"n": {"name": "a", "external": {"name": "b"}}}},
            "networks.n: has both name and external.name",
        ),
        ({**service(), "networks": {"n": {"driver_opts": {"a": None}}}}, "networks.n.driver_opts.a: found nothing"),
        ({"services": {}}, "this stack is empty"),
        ({}, "this stack is empty"),
    ],
)
def test_refusals_name_the_path_and_the_cure(data: dict[str, t.Any], message: str) -> None:
    assert message in refusal(data)


def test_values_of_variables_are_never_shown() -> None:
    message = refusal(service(environment={"PASSWORD": ["hunter2"]}))
    assert "environment.PASSWORD" in message
    assert "hunter2" not in message


def test_two_references_with_one_target() -> None:
    references = [{"source": "c", "target": "/x"}, {"source": "d", "target": "/x"}]
    data = {**service(configs=references), "configs": {"c": {"external": True}, "d": {"external": True}}}
    assert "services.a.configs: 'c' and 'd' have the same target '/x'" in refusal(data)


@pytest.mark.parametrize("text", ["", "- a", "just text", "a: 1\n\tb"])
def test_texts_that_are_no_stack(text: str) -> None:
    with pytest.raises(ComposeError):
        load_stack(content=text)


def test_errors_give_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "stack.yml"
    file.write_text('version: "3.8"\nservices:\n  a:\n    image: i\n    tty: 5\n')
    with pytest.raises(ComposeError) as caught:
        load_stack([str(file)])
    error = caught.value
    assert (error.file, error.path, error.line) == (str(file), "services.a.tty", 5)
    assert str(error).startswith(f"{file}:5: services.a.tty: ")


@pytest.mark.parametrize(("size", "fine"), [(0, False), (1, True), (511999, True), (512000, False)])
def test_secrets_have_a_size(tmp_path: Path, size: int, fine: bool) -> None:
    (tmp_path / "s").write_bytes(b"x" * size)
    text = "services: {a: {image: i}}\nsecrets: {s: {file: ./s}}"
    if fine:
        assert len(load_stack(content=text, project_dir=str(tmp_path)).model["secrets"]["s"]["content"]) > 0
    else:
        with pytest.raises(ComposeError, match=f"secrets.s: this secret holds {size} bytes; expected 1 to 511999"):
            load_stack(content=text, project_dir=str(tmp_path))


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        (
            {"container_name": "x"},
            "services.a.container_name: Swarm ignores it; other services reach this one by its service name",
        ),
        ({"tmpfs": ["/run"]}, "services.a.tmpfs: Swarm ignores it; use volumes with type: tmpfs"),
        ({"privileged": True}, "services.a.privileged: Swarm ignores it; use cap_add"),
        ({"restart": "no"}, "services.a.restart: Swarm ignores it; deploy.restart_policy says it better"),
        (
            {"networks": {"default": {"ipv4_address": "10.0.0.5"}}},
            "services.a.networks.default.ipv4_address: Swarm ignores it",
        ),
        ({"depends_on": ["b"]}, "services.a.depends_on: there is no service 'b'; the dependency is ignored"),
        (
            {"volumes": [{"type": "bind", "source": "/a", "target": "/b", "bind": {"selinux": "z"}}]},
            "services.a.volumes.0.bind.selinux: Swarm ignores it; label the path",
        ),
        ({"volumes": ["v:/data"]}, "'v:/data' is read as a Windows path"),
    ],
)
def test_one_warning_for_each_key_without_effect(keys: dict[str, t.Any], warning: str) -> None:
    warnings = load(service(**keys)).warnings
    assert len(warnings) == 1
    assert warnings[0].startswith("content: ")
    assert warning in warnings[0]


def test_what_nobody_uses_is_said() -> None:
    data = {**service(), "networks": {"n": {}, "e": {"external": True}}, "volumes": {"v": {}}}
    assert load(data).warnings == (
        "content: networks.n: no service uses this network, so it is not created",
        "content: volumes.v: no service uses this volume, so it is not created",
    )
    assert load({**service(), "volumes": {"v": {}, "w": None, "x": {"external": True}}}).warnings == (
        "content: volumes.{v,w}: no service uses these volumes, so they are not created",
    )


def test_restart_is_obeyed_and_not_warned_about() -> None:
    assert load(service(restart="always")).warnings == ()


def test_unsupported_keys_can_be_errors() -> None:
    assert "services.a.links: Swarm ignores it" in refusal(service(links=["b"]), unsupported="error")
    load(service(), unsupported="error")


def test_single_keys_may_be_without_effect_in_silence() -> None:
    data = service(links=["b"], build=".", networks={"default": {"ipv4_address": "10.0.0.5"}})
    assert load(data, silence=["links", "build", "ipv4_address"], unsupported="error").warnings == ()
    assert "services.a.build: Swarm ignores it" in refusal(data, silence=["links"], unsupported="error")
    assert load(data, silence=["links:a", "build:a*", "ipv4_address:?"], unsupported="error").warnings == ()
    assert "services.a.links: Swarm ignores it" in refusal(data, silence=["links:b*", "build"], unsupported="error")


def test_no_field_that_a_swarm_has_is_said_to_be_ignored() -> None:
    data: dict[str, t.Any] = {"services": {"a": dict.fromkeys(KEYS, ())}}
    assert list(ignored_keys(data, Place("stack.yml"))) == []
    data["services"]["a"]["privileged"] = True
    assert [found.key for found in ignored_keys(data, Place("stack.yml"))] == ["privileged"]


def test_warnings_that_are_alike_are_one(tmp_path: Path) -> None:
    mounts = [{"type": "bind", "source": "/a", "target": target, "bind": {"create_host_path": True}} for target in ("/a", "/b")]
    services = {
        "api": {"image": "i", "build": ".", "volumes": mounts},
        "web": {"image": "i", "build": {"context": "."}},
        "db": {"image": "i", "build": ".", "links": ["web"]},
    }
    way = "create the path on every node that may run the task, for example with role volumes"
    assert load({"services": services}).warnings == (
        "content: services.{api,db,web}.build: Swarm ignores it; images_from_stacks of role images builds it before the deploy",
        f"content: services.api.volumes.bind.create_host_path: Swarm ignores it; {way}",
        "content: services.db.links: Swarm ignores it; services on one network reach each other by name",
    )
    first, *_others = load({"services": services}, silence=["build:d*"]).warnings
    assert first.startswith("content: services.{api,web}.build: ")
    files = [tmp_path / "one.yml", tmp_path / "two.yml"]
    for file, name in zip(files, ("a", "b"), strict=True):
        file.write_text(yaml.safe_dump({"services": {name: {"image": "i", "build": "."}}}))
    (warning,) = load_stack([str(file) for file in files]).warnings
    assert warning.startswith(f"{files[0]}, {files[1]}: services.{{a,b}}.build: Swarm ignores it; ")


@pytest.mark.parametrize("version", ["3.8", None])
def test_variables_of_what_is_not_built_here_need_no_value(version: str | None) -> None:
    data = service(build={"context": "${NOWHERE}", "args": {"A": "${B:?give it}", "C": "$"}})
    assert "services.a.build: Swarm ignores it" in load(data, version).warnings[0]
    with pytest.raises(ComposeError, match="the variable TAG is not set"):
        load({"services": {"a": {"image": "i:${TAG}", "build": "."}}}, version)
