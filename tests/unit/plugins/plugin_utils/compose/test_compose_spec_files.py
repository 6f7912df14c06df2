# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Compose Spec files have beyond the versioned format."""

from __future__ import annotations

import base64
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import convert
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack, load_stack


def load(text: str, **options: t.Any) -> LoadedStack:
    return load_stack(content=text, project_dir="/stack", **options)


def service(keys: str, **options: t.Any) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", load(f"services: {{a: {{image: i, {keys}}}}}", **options).model["services"]["a"])


def write(folder: Path, **files: str) -> str:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return str(folder / "stack")


@pytest.mark.parametrize(
    ("keys", "key", "value"),
    [
        ("ports: [{target: 80, published: '8080', name: web, app_protocol: http}]", "ports", [{"target": 80, "published": 8080}]),
        ("environment: {T: true}", "environment", {"T": "true"}),
        ("deploy: {replicas: '3'}", "deploy", {"replicas": 3}),
        ("scale: 4", "deploy", {"replicas": 4}),
        ("deploy: {resources: {limits: {cpus: 0.5, memory: 8388608}}}", "deploy",
         {"resources": {"limits": {"cpus": 500_000_000, "memory": 8 << 20}}}),
        ("command: null", "command", []),
        ("extra_hosts: {h: [1.1.1.1, 2.2.2.2]}", "extra_hosts", ["1.1.1.1 h", "2.2.2.2 h"]),
        ("group_add: [5, audio]", "group_add", ["5", "audio"]),
        ("dns_opt: [ndots:1]", "dns_opt", ["ndots:1"]),
        ("env_file: [{path: none.env, required: false}]", "environment", {}),
    ],
)  # fmt: skip
def test_keys(keys: str, key: str, value: t.Any) -> None:
    assert service(keys).get(key) == value


@pytest.mark.parametrize(
    ("keys", "kinds", "reserved", "warned"),
    [
        ("{driver: nvidia, count: 2, capabilities: [gpu]}", {}, ("gpu", 2), False),
        ("{capabilities: [gpu], count: 1}", {}, ("gpu", 1), False),
        ("{driver: nvidia, count: 2, capabilities: [gpu]}", {"nvidia": "NVIDIA-GPU"}, ("NVIDIA-GPU", 2), False),
        ("{driver: nvidia, count: all, capabilities: [gpu]}", {}, ("gpu", 1), True),
        ("{driver: nvidia, capabilities: [gpu]}", {}, ("gpu", 1), True),
        ("{driver: nvidia, device_ids: ['0', '3'], capabilities: [gpu]}", {}, ("gpu", 2), True),
        ("{driver: cdi, count: 1, capabilities: [tpu]}", {"tpu": "tpu"}, ("tpu", 1), False),
    ],
)
def test_devices_become_generic_resources(keys: str, kinds: dict[str, str], reserved: tuple[str, int], warned: bool) -> None:
    text = f"services: {{a: {{image: i, deploy: {{resources: {{reservations: {{devices: [{keys}]}}}}}}}}}}"
    loaded = load(text, device_kinds=kinds)
    found = loaded.model["services"]["a"]["deploy"]["resources"]["reservations"]["generic_resources"]
    assert found == [{"discrete_resource_spec": {"kind": reserved[0], "value": reserved[1]}}]
    assert bool(loaded.warnings) is warned
    versioned = load(f"version: '3.8'\n{text}", device_kinds=kinds)
    assert versioned.model == loaded.model


def test_devices_of_an_unknown_driver() -> None:
    with pytest.raises(ComposeError, match="no generic resource is known for driver amd"):
        service("deploy: {resources: {reservations: {devices: [{driver: amd, capabilities: [x]}]}}}")


@pytest.mark.parametrize(
    ("amount", "message"), [("cpus: 0.33333333333", "at most nine decimals"), ("memory: -1", "found -1; expected a size")]
)
def test_amounts_that_are_numbers(amount: str, message: str) -> None:
    with pytest.raises(ComposeError, match=message):
        service(f"deploy: {{resources: {{limits: {{{amount}}}}}}}")


def test_gpus() -> None:
    reservations = service("gpus: [{count: 2}]")["deploy"]["resources"]["reservations"]
    assert reservations == {"generic_resources": [{"discrete_resource_spec": {"kind": "gpu", "value": 2}}]}


def test_content_and_environment_of_objects() -> None:
    text = "services: {a: {image: i}}\nconfigs: {c: {content: 'x $A $$y'}}\nsecrets: {s: {environment: A}}"
    model = load(text, env={"A": "z"}).model
    assert base64.b64decode(model["configs"]["c"]["content"]) == b"x z $y"
    assert base64.b64decode(model["secrets"]["s"]["content"]) == b"z"
    with pytest.raises(ComposeError, match=r"secrets\.s\.environment: the variable A is not set"):
        load(text.replace("x $A ", "x"))


@pytest.mark.parametrize(("active", "services"), [((), ["a"]), (["debug"], ["a", "b"]), (["other"], ["a"]), (["*"], ["a", "b", "c"])])
def test_profiles(active: list[str], services: list[str]) -> None:
    text = "services: {a: {image: i}, b: {image: i, profiles: [debug, x]}, c: {image: i, profiles: [y]}}"
    assert sorted(load(text, profiles=active).model["services"]) == services


def test_octal_modes() -> None:
    text = "services: {a: {image: i, configs: [{source: c, mode: %s}]}}\nconfigs: {c: {external: true}}"
    for written, mode in (("0440", 0o440), ("'0440'", 0o440), ("440", 440)):
        assert load(text % written).model["services"]["a"]["configs"][0]["mode"] == mode


@pytest.mark.parametrize("mode", ["0o1770", "01770", "'01770'"])
def test_the_mode_of_a_tmpfs(mode: str) -> None:
    model = load(f"services: {{a: {{image: i, volumes: [{{type: tmpfs, target: /t, tmpfs: {{mode: {mode}}}}}]}}}}").model
    (mount,) = convert("app", model, content_names=True).services[0]["TaskTemplate"]["ContainerSpec"]["Mounts"]
    assert mount == {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"Mode": 0o1770}}


def test_a_later_file_takes_a_command_back_and_may_make_an_object_external_or_own() -> None:
    texts = [
        "name: x\nservices: {a: {image: i, command: [c], healthcheck: {test: t}}}\n"
        "configs: {c: {content: x, name: cc}, d: {external: true, name: dd}}",
        "services: {a: {command: , healthcheck: {disable: true}}}\nconfigs: {c: {external: true}, d: {external: false, content: y}}",
    ]
    model = load_stack(content=texts).model
    assert model["services"]["a"] == {"image": "i", "command": [], "healthcheck": {"test": ["CMD-SHELL", "t"], "disable": True}}
    assert model["configs"] == {
        "c": {"external": True, "name": "cc"},
        "d": {"name": "dd", "content": base64.b64encode(b"y").decode()},
    }


def test_tags_make_a_file_one_of_the_compose_spec() -> None:
    texts = [f"version: '3.8'\nservices: {{a: {{image: i, ports: {ports}}}}}" for ports in ("['80:80']", "!override ['81:81']")]
    assert [port["published"] for port in load_stack(content=texts).model["services"]["a"]["ports"]] == [81]


def test_extends(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        stack="services: {a: {extends: {service: base, file: sub/base}, command: [c], environment: {B: 2}}, b: {extends: a}}",
        sub__base="services:\n  base: {extends: root, environment: {A: 1, B: 1}, volumes: [./v:/v]}\n  root: {image: r, command: [x, y]}",
    )
    services = load_stack([file]).model["services"]
    assert services["a"] == services["b"]
    assert services["a"]["image"] == "r"
    assert services["a"]["command"] == ["c"]
    assert services["a"]["environment"] == {"A": "1", "B": "2"}
    assert services["a"]["volumes"] == [{"type": "bind", "source": str(tmp_path / "sub" / "v"), "target": "/v"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services: {a: {extends: b}, b: {extends: a}}", "services extend each other in a cycle"),
        ("services: {a: {extends: a}}", "services extend each other in a cycle"),
        ("services: {a: {extends: b}}", "there is no service 'b'"),
        ("services: {a: {extends: {service: b, file: none.yml}}}", "cannot read /stack/none.yml"),
    ],
)
def test_extends_that_lead_nowhere(text: str, message: str) -> None:
    with pytest.raises(ComposeError, match=message):
        load(text)


def test_include(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        stack="include: [sub/one, {path: [sub/two, sub/more], env_file: vars}]\nservices: {a: {image: i, volumes: [d:/d]}}\nvolumes: {d: }",
        sub__one="services: {b: {image: 'b:${V:-0}', env_file: b.env}}\nnetworks: {n: {}}",
        sub__two="services: {c: {image: 'c:${V}'}}",
        sub__more="services: {c: {read_only: true}}",
        vars='V="7"\nW=1',
    )
    (tmp_path / "sub" / "b.env").write_text("X=1")
    model = load_stack([file]).model
    assert sorted(model["services"]) == ["a", "b", "c"]
    assert model["services"]["b"] == {"image": "b:0", "environment": {"X": "1"}}
    assert model["services"]["c"] == {"image": "c:7", "read_only": True}
    assert model["networks"] == {"n": {}}
    assert load_stack([file], env={"V": "8"}).model["services"]["c"]["image"] == "c:8"


def test_includes_that_go_wrong(tmp_path: Path) -> None:
    file = write(tmp_path, stack="include: [stack]\nservices: {a: {image: i}}")
    with pytest.raises(ComposeError, match="files include each other in a cycle"):
        load_stack([file])
    file = write(tmp_path, stack="include: [one]\nservices: {a: {image: i}}", one="services: {a: {image: j}}")
    with pytest.raises(ComposeError, match=r"services\.a: an included file defines it differently"):
        load_stack([file])


def test_the_output_of_docker_compose_config_is_taken() -> None:
    loaded = load(
        """
name: proj
services:
  web:
    command: null
    depends_on: {db: {condition: service_healthy, required: true}}
    deploy: {resources: {limits: {cpus: 0.5, memory: "1073741824"}}, placement: {}}
    entrypoint: null
    environment: {A: "1", B: null}
    healthcheck: {test: [CMD, x], timeout: 5s, interval: 1m30s}
    image: web
    networks: {default: null}
    ports: [{mode: ingress, target: 80, published: "8080", protocol: tcp}]
    volumes:
      - {type: volume, source: data, target: /d, volume: {}}
      - {type: bind, source: /b, target: /b, bind: {create_host_path: true}}
  db: {image: db, networks: {default: null}}
networks: {default: {name: proj_default, ipam: {}}}
volumes: {data: {name: proj_data}}
"""
    )
    web = loaded.model["services"]["web"]
    assert web["ports"] == [{"mode": "ingress", "target": 80, "published": 8080, "protocol": "tcp"}]
    assert web["deploy"]["resources"]["limits"] == {"cpus": 500_000_000, "memory": 1 << 30}
    assert web["command"] == []
    assert loaded.model["networks"]["default"]["name"] == "proj_default"
    assert [warning.split(";")[0] for warning in loaded.warnings] == [
        "content: services.web.volumes.1.bind.create_host_path: Swarm ignores it"
    ]


def test_variables_come_from_env_and_env_files_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FROM_PROCESS", "x")
    file = write(
        tmp_path,
        stack="services: {a: {image: '${A}${B}', environment: [FROM_PROCESS, B]}}",
        one="A=1\nB=1",
        two="B='2'",
    )
    service = load_stack([file], env={"A": "0"}, env_files=["one", "two"]).model["services"]["a"]
    assert service["image"] == "02"
    assert service["environment"] == {"FROM_PROCESS": None, "B": "2"}
    with pytest.raises(ComposeError, match="the variable FROM_PROCESS is not set"):
        load("services: {a: {image: $FROM_PROCESS}}")


def test_stack_text_is_raw() -> None:
    keys = "command: ['{{.Task.Slot}}', '$$1'], environment: {H: '{{ lookup(1) }}', P: '$$apr1$$x'}"
    found = service(keys)
    assert found["command"] == ["{{.Task.Slot}}", "$1"]
    assert found["environment"] == {"H": "{{ lookup(1) }}", "P": "$apr1$x"}


def test_an_unneeded_dependency_may_be_missing() -> None:
    loaded = load("services: {a: {image: i, depends_on: {b: {condition: service_started, required: false}}}}")
    assert loaded.model["services"]["a"]["depends_on"] == {}
    assert "there is no service 'b'; the dependency is ignored" in loaded.warnings[0]


@pytest.mark.parametrize(
    ("keys", "ends"),
    [
        ("deploy: {mode: replicated-job}", True),
        ("deploy: {restart_policy: {condition: none}}", True),
        ("restart: on-failure:3", True),
        ("restart: 'no'", False),
        ("deploy: {restart_policy: {delay: 1s}}, restart: on-failure", False),
    ],
)
def test_only_what_ends_can_be_waited_for(keys: str, ends: bool) -> None:
    text = f"services: {{a: {{image: i, depends_on: {{b: {{condition: service_completed_successfully}}}}}}, b: {{image: i, {keys}}}}}"
    if ends:
        assert load(text)
        return
    with pytest.raises(ComposeError, match=r"services.a.depends_on.b: the end of a service .*; give b deploy.mode: replicated-job"):
        load(text)


def test_a_circle_of_short_dependencies_is_broken() -> None:
    loaded = load("version: '3'\nservices: {a: {image: i, depends_on: [b]}, b: {image: i, depends_on: [a]}}")
    dependencies = [len(service["depends_on"]) for service in loaded.model["services"].values()]
    assert sorted(dependencies) == [0, 1]
    assert "in a cycle" in loaded.warnings[0]


def test_a_circle_that_the_file_insists_on() -> None:
    with pytest.raises(ComposeError, match="services depend on each other in a cycle: a -> b -> a"):
        load("services: {a: {image: i, depends_on: {b: {}}}, b: {image: i, depends_on: {a: {}}}}")


def test_contents_do_not_show_in_tracebacks_and_logs() -> None:
    loaded = load("services: {a: {image: i}}\nsecrets: {s: {environment: A}}", env={"A": "hunter2"})
    assert loaded.model["secrets"]["s"]["content"] not in repr(loaded)
