# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module that can make two changes, with a fault in the second one: the message says what was changed before it."""

from __future__ import annotations

import ast
import importlib
import json
import os
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.catalog import sum_line
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.modules import swarm_info
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_clock import Clock
from fake_engine import FakeEngine, Fault, crashes, node, service
from image_builder import Builder
from module_runner import CONFIRMED, run_module_main

Json = dict[str, t.Any]
MODULES = Path(__file__).parents[4] / "plugins/modules"
# Whose plan has one change at most.
ONE_CHANGE = """
    backup daemon_config data_backup data_root firewall metrics_file nfs_exports overlay_probe port_probe recover repository_key
    task_exec task_kill
""".split()
# With the scripts that stand for programs of a host.
ELSEWHERE = ["mount", "nvidia_runtime", "timers"]
COMPOSE = "com.docker.compose"
MANAGER = node("m1", role="manager", leader=True)


class Lab:
    """``run`` calls the module with a fake engine on which the second request that matches ``fault`` fails."""

    def __init__(self, module: str, directory: Path, start: t.Callable[..., FakeEngine], patch: pytest.MonkeyPatch) -> None:
        self.directory, self.patch, self.clock, self._start = directory, patch, Clock(), start
        self._module = importlib.import_module(f"ansible_collections.flotilla.swarm.plugins.modules.{module}")
        patch.setattr(deployment, "time", self.clock)

    def start(self, **state: t.Any) -> FakeEngine:
        return self._start(**{"nodes": [MANAGER, node("w1"), node("w2")], **state})

    def run(self, engine: t.Any = None, fault: tuple[str, str] | None = None, nth: int = 2, **options: t.Any) -> Json:
        if fault:
            engine.fail(*fault, 500, "planted", nth=nth, times=None)
        reached = {"docker_host": engine.docker_host} if engine else {}
        return run_module_main(self._module.main, {**reached, **options})


def backup_store(lab: Lab) -> Json:
    for day in (1, 2, 3):
        backup = lab.directory / f"abc-2026010{day}T000000Z"
        backup.mkdir()
        (backup / "x").touch()
        (backup / "SHA256SUMS").write_text(sum_line("x", "0" * 64))
    lab.patch.setattr("shutil.rmtree", lambda path: os.unlink(f"{path}/x" if "02T" in path else "/nowhere"))
    return lab.run(directory=str(lab.directory), cluster_id="abcdef", keep=1, verify=False)


def compose_project(lab: Lab) -> Json:
    labels = [{f"{COMPOSE}.project": "media", f"{COMPOSE}.service": name} for name in "ab"]
    containers = [{"Id": each[f"{COMPOSE}.service"], "State": "running", "Labels": each} for each in labels]
    return lab.run(lab.start(containers=containers), ("POST", "/containers/./stop"), project="media", state="stopped")


def data_restore(lab: Lab) -> Json:
    """The parts of the second archive are gone."""
    (lab.directory / "packed").mkdir()
    archives = [
        {"kind": "path", "name": f"{lab.directory}/{name}", "parts": [f"{lab.directory}/packed/{name}"], "authenticated": True}
        for name in "ab"
    ]
    with tarfile.open(lab.directory / "packed/a", "w:gz") as archive:
        archive.add(lab.directory / "packed", ".", recursive=False)
    return lab.run(lab.start(), src="x", host="m1", archives=archives, **CONFIRMED)


def directory(lab: Lab) -> Json:
    lab.patch.setattr("os.makedirs", lambda path, mode: os.mkdir(path if path.endswith("/a") else "/nowhere/b"))
    return lab.run(directories=[{"path": f"{lab.directory}/{name}"} for name in "ab"])


def image(lab: Lab) -> Json:
    (lab.directory / "packed").write_bytes(b"packed")
    context = {"context": "x", "context_hash": f"sha256:{'a' * 64}", "context_archive": str(lab.directory / "packed")}
    builder = Builder(lab.directory)
    builder.faults.add(Fault("POST", "/build", nth=2, status=500, message="planted"))
    try:
        return lab.run(builder, images=[{"name": "a:1", **context}, {"name": "b:1", **context}])
    finally:
        builder.server.close()


def network(lab: Lab) -> Json:
    return lab.run(lab.start(), ("POST", "/networks/create"), networks=[{"name": "a"}, {"name": "b"}])


def nodes(lab: Lab) -> Json:
    return lab.run(lab.start(), ("POST", "/nodes/.*/update"), labels={"w1": {"x": 1}, "w2": {"x": 1}})


def prune(lab: Lab) -> Json:
    images = {name: {"digest": f"sha256:{name * 64}"} for name in "ab"}
    return lab.run(lab.start(images=images), ("DELETE", "/images/.*"), keep=[], older_than="0s", **CONFIRMED)


def swarm(lab: Lab) -> Json:
    fake = lab.start()
    told = {"item": "m1", **run_module_main(swarm_info.main, {"docker_host": fake.docker_host})}
    given: Json = {"host": "m1", "role": "manager", "managers": [told], "settings": {"task_history_limit": 3}, "rotate": ["worker_token"]}
    return lab.run(fake, ("POST", "/swarm/update"), **given)


def volume(lab: Lab) -> Json:
    return lab.run(lab.start(), ("POST", "/volumes/create"), volumes=[{"name": "a"}, {"name": "b"}])


def autoscale(lab: Lab) -> Json:
    fake = lab.start(services=[service("a", replicas=1), service("b", replicas=1)])
    rules = [{"service": name, "max": 3, "per_replica": 1, "metric": {"value": 2}} for name in "ab"]
    return lab.run(fake, ("POST", "/services/.*/update"), rules=rules, on_failure="stop")


def image_pull(lab: Lab) -> Json:
    """The registry has one of them alone."""
    images = {"reg/a:1": {"digest": f"sha256:{'a' * 64}", "local": False}}
    return lab.run(lab.start(images=images), images=["reg/a:1", "reg/b:1"])


def job(lab: Lab) -> Json:
    """The first run was killed, and what it left is removed."""
    fake = lab.start(services=[service("web", image="app:1")])
    fake.behave("app:1", crashes(run=10**6))
    fake.settle()
    assert lab.run(fake, service="web", command="x", call_seconds=2)["pending"]
    fake.cluster.now += 200
    return lab.run(fake, ("POST", "/services/create"), nth=1, service="web", command="x")


def service_(lab: Lab) -> Json:
    fake = lab.start(services=[service("a", replicas=1), service("b", replicas=1)])
    return lab.run(fake, ("POST", "/services/.*/update"), restart={}, name=["a", "b"], on_failure="stop")


def stack(lab: Lab) -> Json:
    model = load_stack(content="services: {a: {image: app:1}, b: {image: app:1}}", project_dir="/").model
    given = {"name": "app", "model": json.dumps({"model": model}), "resolve_image": "never", "on_failure": "stop"}
    return lab.run(lab.start(), ("POST", "/services/create"), nth=1, **given)


FAILURES = [
    autoscale,
    backup_store,
    compose_project,
    data_restore,
    directory,
    image,
    image_pull,
    job,
    network,
    nodes,
    prune,
    service_,
    stack,
    swarm,
    volume,
]
CASES = {each.__name__.rstrip("_"): each for each in FAILURES}


@pytest.mark.parametrize("module", CASES)
def test_what_was_changed_before_the_failure_is_told(
    module: str, tmp_path: Path, fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = CASES[module](Lab(module, tmp_path, fake_engine, monkeypatch))
    assert result["exit_code"] == 1 and result["changed"] and len(result["applied"]) == 1, result
    first = result["plan"][0]
    assert result["msg"].endswith(f" Before that, these were changed: {first['kind']} {first['name']}."), result["msg"]


def test_every_module_that_changes_something_is_looked_at() -> None:
    sources = {path.stem: ast.walk(ast.parse(path.read_text())) for path in MODULES.glob("*.py")}
    changing = [
        name for name, nodes in sources.items() if any(isinstance(each, ast.FunctionDef) and each.name == "apply" for each in nodes)
    ]
    assert sorted(changing) == sorted([*CASES, *ONE_CHANGE, *ELSEWHERE])
