# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random versioned stack files: what we ask for is what the docker CLI asks for, where there is one to ask.

FLOTILLA_CLI_STACKS is the number of stacks, 40 unless set.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import convert
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_engine import FakeEngine, config, node, secret
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FLOTILLA_CLI_STACKS", "40"))
ENV = {"HOME": "/home/me", "A": "a", "N": "3", "YES": "yes"}
DOCKER = shutil.which("docker")


def cli_version() -> tuple[int, ...]:
    if not DOCKER:
        return ()
    said = subprocess.run([DOCKER, "--version"], capture_output=True, text=True, check=False).stdout
    number = said.removeprefix("Docker version ").partition(",")[0]
    return tuple(int(part) for part in number.split(".") if part.isdecimal())


pytestmark = pytest.mark.skipif(cli_version() < (28, 2), reason="no docker CLI 28.2 or newer to compare with")

# Some values of every key, in YAML. What we do otherwise on purpose (docs/stack-differences.md) is not among them.
SERVICE = {
    "command": ["[a, '']", "[]", "a 'b c' # d", "''", '"a\\n# b\\nc"', "$A $$x"],
    "entrypoint": ["[x]", "y z"],
    "environment": ["{A: 1.0, B: '', C: 1e6, D: 0644}", "[A, B=2, C=, 'D=x=y']", "{A: , D: 2024-01-02, N: ''}", "{F: 1, F2: 2, F-3: x}"],
    "labels": ["{a: 1, b: ''}", "[a=, c]", "{a: $A}"],
    "ports": [
        "['81', '80']",
        "['8-11', '5:5', {target: 3}]",
        "['80:80', '90:90/udp', '90:91']",
        "[{target: $N, published: 80, mode: host}]",
        "['1-3:4-6']",
    ],
    "volumes": [
        "['data:/x', '/a:/y', './r:/r']",
        "['/b:/x:ro', /anon]",
        "[{type: tmpfs, target: /x, tmpfs: {size: 5}}]",
    ],
    "healthcheck": ["{interval: 5s, retries: $N}", "{timeout: 1s, interval: 0s, retries: 0}", "{start_period: 1h2m3s}"],
    "deploy": [
        "{mode: global}",
        "{replicas: $N, labels: {a: b}}",
        "{replicas: 0, labels: {a: '', c: d}}",
        "",
        "{update_config: {parallelism: 0, delay: 4s, order: stop-first}}",
        "{update_config: {parallelism: 2, max_failure_ratio: 0.5, failure_action: pause}, rollback_config: {}}",
        "{update_config: {failure_action: ''}, rollback_config: {failure_action: '', delay: 1s}}",
        "{resources: {limits: {cpus: '0', memory: '0', pids: 0}, reservations: {cpus: '.0'}}}",
        "{resources: {limits: {cpus: '', memory: 6M, pids: 3}, reservations: {cpus: '0.00', memory: 0b}}}",
        "{restart_policy: {condition: none, delay: 0s, max_attempts: 0}}",
        "{restart_policy: {delay: 4s, window: 5s, max_attempts: 3}}",
        "{resources: {limits: {cpus: '1', memory: 6.5M}, reservations: {memory: 5000 kb}}}",
        "{resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: a, value: 2}}], cpus: '.5'}}}",
        "{placement: {constraints: [node.role == manager], preferences: [{spread: node.labels.x}], max_replicas_per_node: 2}}",
        "{placement: {constraints: [node.id != x], max_replicas_per_node: 0}}",
        "{endpoint_mode: VIP}",
    ],
    "restart": ["always", "on-failure:3", "'no'"],
    "networks": [
        "[n]",
        "{n: {aliases: [a]}, m: }",
        "{n: {aliases: [b]}, default: }",
        "{n: {}}",
        "{m: {driver_opts: {a: b}}}",
    ],
    "secrets": ["[s]", "[{source: s, target: t, mode: 0400}]", "[s2, s]"],
    "configs": ["[c]", "[{source: c, uid: '5'}]"],
    "cap_add": ["[kill]", "[SYS_TIME, ALL]"],
    "cap_drop": ["[KILL]", "[CAP_CHOWN]"],
    "dns": ["[1.1.1.1]", "2.2.2.2"],
    "dns_search": ["x"],
    "extra_hosts": ["['a:10.0.0.1', 'v6=[::1]']", "{c: host-gateway, b: '::1'}"],
    "sysctls": ["{a: 1}", "[a=2, b]"],
    "ulimits": ["{nproc: 5}", "{nproc: {soft: 0, hard: 1}, memlock: 3}"],
    "logging": ["{driver: x, options: {a: 1}}", "{driver: y, options: {b: 1}}"],
    "stop_grace_period": ["0s", "4s"],
    "init": ["true", "false"],
    "tty": ["true", "false"],
    "read_only": ["$YES", "false"],
    "user": ["a", "''"],
    "hostname": ["'{{.Node.Hostname}}'", "''"],
    "working_dir": ["/x"],
    "image": ["i", "docker.io/library/j:1", "127.0.0.1:5000/k"],
    "stop_signal": ["SIGUSR1"],
    "depends_on": ["[b]"],
}
OBJECTS = {
    "networks": [
        "{n: {}, m: }",
        "{n: {driver_opts: {a: 1}, attachable: true}, m: {}}",
        "{n: , m: {name: mm, internal: true}}",
    ],
    "volumes": [
        "{data: }",
        "{data: {driver: l, labels: {a: b}}}",
        "{data: {external: true}}",
        "{data: {driver_opts: {type: tmpfs, device: tmpfs, o: 1.0}}}",
    ],
    "secrets": [
        "{s: {external: true}, s2: {external: true, name: q}}",
        "{s: {name: q, external: true}, s2: {file: ./data}}",
    ],
    "configs": ["{c: {external: true}}", "{c: {file: ./data, labels: [l=m]}}"],
}


@st.composite
def files(draw: st.DrawFn) -> list[str]:
    """One to three files with services a and b."""
    texts = []
    for index in range(draw(st.integers(1, 3))):
        lines = ["version: '3.13'", "services:"]
        for name in ("a", "b"):
            keys = draw(st.sets(st.sampled_from(sorted(SERVICE)), max_size=10))
            if name == "b":
                keys.discard("ports")  # two services cannot publish one port
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
def test_we_ask_for_what_the_cli_asks_for(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("stack")
    (folder / "data").write_text("hello\n")
    paths = [folder / f"{index}.yml" for index in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    assert _asked_by_us(paths) == _asked_by_cli(paths)


def _asked_by_us(paths: list[Path]) -> dict[str, dict[str, t.Any]] | None:
    try:
        loaded = load_stack([str(path) for path in paths], env=ENV)
    except ComposeError:
        return None
    made = convert("stk", json.loads(json.dumps(loaded.model)), content_names=False)
    kinds = {"networks": made.networks, "secrets": made.secrets, "configs": made.configs, "services": made.services}
    return {kind: _by_name(bodies) for kind, bodies in kinds.items()}


def _asked_by_cli(paths: list[Path]) -> dict[str, dict[str, t.Any]] | None:
    """None where the CLI, or the engine, refuses the stack."""
    with FakeEngine(
        nodes=[node("m1", role="manager", leader=True)],
        secrets=[secret("s"), secret("q")],
        configs=[config("c")],
        api_version="1.50",
    ) as fake:
        arguments = [part for path in paths for part in ("-c", str(path))]
        env = {
            **ENV,
            "PATH": os.environ["PATH"],
            "DOCKER_HOST": fake.docker_host,
            "DOCKER_CONFIG": str(paths[0].parent),
        }
        command = [str(DOCKER), "stack", "deploy", "--detach=true", "--resolve-image", "never", *arguments, "stk"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            return None
        asked: dict[str, dict[str, t.Any]] = {kind: {} for kind in ("networks", "secrets", "configs", "services")}
        for request in fake.writes:
            kind = request.path.split("/")[1]
            asked[kind].update(_by_name([request.body]))
        return asked


def _by_name(bodies: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Without the IDs of the fake engine."""
    for body in bodies:
        container = body.get("TaskTemplate", {}).get("ContainerSpec", {})
        for reference in (*container.get("Secrets", []), *container.get("Configs", [])):
            reference.pop("SecretID", None)
            reference.pop("ConfigID", None)
    return {body["Name"]: body for body in bodies}
