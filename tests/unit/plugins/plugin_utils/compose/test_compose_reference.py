# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random Compose Spec files: what they mean to us is what `docker compose config` says that they mean, where there is one to ask.

`tests/docker_compose.py` fetches one. FLOTILLA_COMPOSE_STACKS is the number of stacks, 20 unless set.
"""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.docker_compose import find_compose

Json = dict[str, t.Any]
EXAMPLES = int(os.environ.get("FLOTILLA_COMPOSE_STACKS", "20"))
ENV = {"HOME": "/home/me", "A": "a", "N": "3", "YES": "yes", "EMPTY": ""}
COMPOSE = find_compose()

pytestmark = pytest.mark.skipif(not COMPOSE, reason="no docker compose 2 to compare with; python -m tests.docker_compose fetches one")

# Some values of every key, in YAML. What we do otherwise on purpose (docs/stack-differences.md) is not among them.
SERVICE = {
    "annotations": ["{a: b}"],
    "cap_add": ["[A]", "[B, C]"],
    "command": ["[a, '']", "a 'b c'", "", "!reset []", "!override [z]", "[$A, '$$x', '${NO:-${A}}', '${A:+y}', '$1']"],
    "configs": ["[c]", "[{source: c, uid: '5', mode: 0440}]", "[{source: c, target: /x}, c]", "!override [{source: c, target: /y}]"],
    "depends_on": ["[b]", "{b: {condition: service_healthy}}"],
    "deploy": [
        "{mode: global}",
        "{replicas: $N, labels: {a: b}}",
        "{replicas: 0, labels: [a=, c=d]}",
        "{update_config: {parallelism: 0, delay: 4s, order: stop-first}}",
        "{update_config: {parallelism: 2, max_failure_ratio: 0.5, failure_action: pause}, rollback_config: {monitor: 1m30s}}",
        "{restart_policy: {condition: none, delay: 0s, max_attempts: 0}}",
        "{restart_policy: {delay: 4s, window: 5s, max_attempts: 3}}",
        "{resources: {limits: {cpus: '1', memory: 5.5M}, reservations: {memory: 5000kb}}}",
        "{resources: {limits: {cpus: 0.25, pids: 5}, reservations: {generic_resources: [{discrete_resource_spec: {kind: a, value: 2}}]}}}",
        "{resources: {reservations: {devices: [{driver: nvidia, count: 2, capabilities: [gpu]}]}}}",
        "{placement: {constraints: [node.role == manager], preferences: [{spread: node.labels.x}], max_replicas_per_node: 2}}",
        "{placement: {constraints: [node.id != x], max_replicas_per_node: 0}}",
        "{placement: {constraints: !override [node.id != y]}}",
        "{labels: !reset null, endpoint_mode: vip}",
        "!reset null",
    ],
    "dns": ["[1.1.1.1]", "2.2.2.2", "[2.2.2.2, 3.3.3.3]"],
    "dns_opt": ["[a]"],
    "dns_search": ["x", "[y, x]"],
    "entrypoint": ["[x]", "y z", "[]"],
    "env_file": ["x.env", "[y.env, z.env]", "[{path: y.env}, z.env, {path: no.env, required: false}]"],
    "environment": ["{A: 1.0, B: '', C: true, D: 0644}", "[A, B=2, C=, 'D=x=y']", "{A: , N: ''}", "{}", "!override {Z: $A}",
                    "{EMPTY: , Q: '$$A'}"],
    "extends": ["b", "{service: one, file: other.yml}", "{service: two, file: other.yml}"],
    "extra_hosts": ["['a:1.1.1.1', 'v6:::1']", "{c: 1.1.1.2, b: '::1'}", "['a=1.1.1.3']"],
    "group_add": ["[x]"],
    "healthcheck": ["{test: a b, interval: 5s, retries: $N}", "{test: [CMD, x], timeout: 1s}", "{start_period: 1h2m3s}",
                    "{test: [NONE]}", "{disable: true}"],
    "hostname": ["'{{.Node.Hostname}}'", "h"],
    "image": ["i", "docker.io/library/j:1", "127.0.0.1:5000/k:${N}"],
    "init": ["true", "false"],
    "labels": ["{a: 1, b: ''}", "[a=, c]", "{a: $A, d: true}", "!reset {}"],
    "logging": ["{driver: x, options: {a: 1}}", "{driver: y, options: {b: '1'}}", "{options: {c: d}}"],
    "networks": ["[n]", "{n: {aliases: [a]}, m: }", "{n: {aliases: [b]}, default: }", "{n: {}}", "[m, n]", "!override [m]"],
    "ports": [
        "['80', '81']",
        "['80:80', '90:90/udp', '90:91']",
        "[{target: $N, published: 80, mode: host}]",
        "[{target: 80, published: '80', protocol: udp}]",
        "['1-3:4-6']",
        "!reset []",
        "!override ['8:8']",
    ],
    "oom_score_adj": ["5", "-1000"],
    "profiles": ["[p]", "[q]"],
    "read_only": ["$YES", "false"],
    "secrets": ["[s]", "[{source: s, target: t, mode: 0400}]", "[s2, s]"],
    "stop_grace_period": ["0s", "1m5s"],
    "stop_signal": ["X"],
    "sysctls": ["{a: 1}", "[a=2, b=3]"],
    "tty": ["true", "false"],
    "ulimits": ["{n: 5}", "{n: {soft: 0, hard: 1}, m: 3}"],
    "user": ["a", "''"],
    "volumes": [
        "['data:/x', '/a:/y', './r:/r']",
        "['/b:/x:ro', /anon, '~/z:/z']",
        "[{type: tmpfs, target: /x, tmpfs: {size: 5m}}]",
        "[{type: volume, source: data, target: /v, volume: {nocopy: true}, read_only: true}]",
        "[{type: bind, source: ./s, target: /s, bind: {propagation: shared}}]",
    ],
    "working_dir": ["/x"],
}  # fmt: skip
OBJECTS = {
    "configs": ["{c: {external: true}}", "{c: {content: 'x $A $$y'}}", "{c: {file: ./data, name: cc}}", "{c: {environment: A}}"],
    "networks": [
        "{n: {}, m: }",
        "{n: {driver_opts: {a: 1}, attachable: true}, m: {}}",
        "{n: {ipam: {config: [{subnet: 10.1.0.0/24, gateway: 10.1.0.1}]}, labels: [a=b]}, m: {name: mm, internal: true}}",
        "{n: {driver: overlay, labels: {c: d}}, m: {external: true}}",
    ],
    "secrets": ["{s: {external: true}, s2: {external: true, name: q}}", "{s: {name: q, external: true}, s2: {file: ./data}}"],
    "volumes": ["{data: }", "{data: {driver: l, labels: {a: b}}}", "{data: {external: true}}", "{data: {driver_opts: {a: 1.0}}}"],
}  # fmt: skip
OTHERS = {
    "data": "hello\n",
    "x.env": "# c\nX=1\nQ='a $A'\nR=\"a $A \\n$Q\"\nexport E=x # c\nA\nNOT\nEMPTY\nB=file\n",
    "y.env": "Y=1\nD=$A${NO:-d}\nN=\n",
    "z.env": "Y: 2\n",
    "w.env": "Y=3\n",
    "other.yml": "services:\n"
    "  one: {image: o, command: [o], environment: {O: 1, A: o}, volumes: ['./o:/o'], env_file: w.env, labels: [o=1], ports: ['80:80']}\n"
    "  two: {extends: one, image: two, networks: {n: {aliases: [two]}}, deploy: {replicas: 7, labels: {two: x}}}\n",
    "included.yml": "services: {c: {image: '${A}', env_file: x.env, volumes: ['inc:/i', './i:/j']}}\nvolumes: {inc: }\n",
}  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> list[str]:
    """One to three files with services a and b."""
    texts = []
    for index in range(draw(st.integers(1, 3))):
        lines = ["name: stk", *draw(st.sampled_from([[], ["include: [included.yml]"]]))] if index == 0 else []
        lines.append("services:")
        for name in ("a", "b"):
            keys = draw(st.sets(st.sampled_from(sorted(SERVICE)), max_size=8))
            if name == "b":
                keys -= {"ports", "depends_on", "extends", "profiles"}  # not two services on one port; no circles
            if index == 0:
                keys.add("image")
            lines.append(f"  {name}: {'' if keys else '{}'}")
            lines.extend(f"    {key}: {draw(st.sampled_from(SERVICE[key]))}" for key in sorted(keys))
        for key, values in OBJECTS.items():
            if index == 0 or draw(st.booleans()):
                lines.append(f"{key}: {draw(st.sampled_from(values))}")
        texts.append("\n".join(lines) + "\n")
    return texts


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=files())
def test_files_mean_what_docker_compose_says(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("stack")
    for name, text in OTHERS.items():
        (folder / name).write_text(text)
    paths = [folder / f"{index}.yml" for index in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    said = _config(paths)
    try:
        loaded = load_stack([str(path) for path in paths], env=ENV, undefined="blank", profiles=["p"])
    except ComposeError as error:
        assert said is None, str(error)
        return
    if said is not None:
        theirs = load_stack(content=said, env=ENV, profiles=["*"], project_dir="/").model
        # It leaves out what no service uses.
        ours = {section: {key: item for key, item in loaded.model[section].items() if key in theirs[section]} for section in theirs}
        assert _comparable(ours) == _comparable(theirs)


def _config(paths: list[Path]) -> str | None:
    """The files as one, in long form; None where they are refused."""
    arguments = [part for path in paths for part in ("-f", str(path))]
    command = [str(COMPOSE), "--project-name", "stk", "--profile", "p", *arguments, "config"]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout


def _comparable(model: Json) -> Json:
    """Without what says nothing: empty values, the engine's defaults, the order of lists that have none."""
    return t.cast(Json, _plain({section: _objects(section, objects) for section, objects in model.items()}))


def _objects(section: str, objects: Json) -> Json:
    if section != "services":
        return {key: {k: v for k, v in item.items() if (k, v) != ("name", f"stk_{key}")} for key, item in objects.items()}
    return {name: _service(service) for name, service in objects.items()}


def _service(service: Json) -> Json:
    service = {key: value for key, value in service.items() if key != "profiles"}
    service["depends_on"] = {name: entry["condition"] for name, entry in service.get("depends_on", {}).items()}
    networks = service.get("networks", {})
    service["networks"] = [] if networks == {"default": {}} else sorted(networks.items())
    service["environment"] = sorted(service.get("environment", {}).items())
    service["ports"] = [{"protocol": "tcp", "mode": "ingress", **port} for port in service.get("ports", [])]
    service["secrets"] = [{**item, "target": os.path.join("/run/secrets", item.get("target", item["source"]))}
                          for item in service.get("secrets", [])]  # fmt: skip
    for key in ("extra_hosts", "cap_add", "dns", "dns_search"):
        service[key] = sorted(service.get(key, []))
    return service


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        plain = {key: _plain(item) for key, item in value.items() if key != "create_host_path"}
        return {key: item for key, item in plain.items() if item not in ({}, [], None, False, "")}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
