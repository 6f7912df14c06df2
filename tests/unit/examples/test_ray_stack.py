# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ray example: what production would run, what the lab does otherwise, the application's arithmetic, and the gate of deploys."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model

sys.path.insert(0, str(Path(__file__).parents[3] / "examples" / "ray" / "app"))

from primes import count_primes, split

EXAMPLE = Path(__file__).parents[3] / "examples" / "ray"

ENVIRONMENT = {"RAY_RELEASE": "2.60.0", "TAG": "7", "GPU_WORKERS": "3", "REGISTRY": "10.0.0.1:5000"}
SHARED_MEMORY = "/dev/shm"
BUSY, IDLE = {"data": {"result": {"num_filtered": 3}}}, {"data": {"result": {"num_filtered": 0}}}


def load(*files: str, **environment: str) -> dict[str, Any]:
    options = {"name": "ray", "files": files, "env": environment or ENVIRONMENT, "unsupported": "error"}
    loaded = load_model(options, [EXAMPLE])
    assert not loaded.warnings
    return dict(loaded.model["services"])


def test_production_has_the_public_image_and_its_own_application() -> None:
    services = load("stack.yml", "gpu.yml", **{name: value for name, value in ENVIRONMENT.items() if name != "REGISTRY"})
    assert {name: service["image"] for name, service in services.items()} == {
        "head": "rayproject/ray:2.60.0",
        "worker": "127.0.0.1:5000/ray-app:7",
        "client": "127.0.0.1:5000/ray-app:7",
        "gpu_worker": "127.0.0.1:5000/ray-app:7-gpu",
    }


def test_the_lab_differs_in_the_image_of_the_head_and_in_sizes() -> None:
    services, lab = load("stack.yml"), load("stack.yml", "lab.yml")
    for name, service in services.items():
        assert {key for key in service if service[key] != lab[name][key]} <= {"image", "deploy"}
        assert {key for key in service["deploy"] if service["deploy"][key] != lab[name]["deploy"][key]} <= {"resources"}
    assert lab["head"]["image"] == "10.0.0.1:5000/ray:2.60.0"


def test_the_head_is_alone_on_its_manager_and_runs_no_task() -> None:
    head = load("stack.yml")["head"]
    assert "node.role == manager" in head["deploy"]["placement"]["constraints"]
    assert head["deploy"]["update_config"]["order"] == head["deploy"]["rollback_config"]["order"] == "stop-first"
    assert "--num-cpus=0" in head["command"][-1]
    assert {(port["published"], port["mode"]) for port in head["ports"]} == {(8265, "host"), (10001, "host")}


@pytest.mark.parametrize("name", ["worker", "gpu_worker"])
def test_workers_are_spread_over_zones_and_end_their_tasks_before_they_stop(name: str) -> None:
    worker = load("stack.yml", "gpu.yml")[name]
    assert [each["spread"] for each in worker["deploy"]["placement"]["preferences"]] == ["node.labels.zone"]
    assert worker["stop_grace_period"] == 600 * 10**9 and "/srv/ray/worker.sh" in worker["command"]
    assert worker["depends_on"]["head"]["condition"] == "service_healthy"


def test_a_job_is_not_lost_with_a_node_of_the_workers() -> None:
    assert load("stack.yml")["client"]["deploy"]["placement"]["constraints"] == ["node.role == manager"]


def test_a_gpu_is_reserved_and_told_to_ray() -> None:
    worker = load("stack.yml", "gpu.yml")["gpu_worker"]
    (gpu,) = worker["deploy"]["resources"]["reservations"]["generic_resources"]
    assert gpu["discrete_resource_spec"] == {"kind": "gpu", "value": 1} and "--num-gpus=1" in worker["command"]
    assert worker["deploy"]["update_config"]["order"] == "stop-first"


def test_every_part_of_the_cluster_has_shared_memory_a_check_and_limits() -> None:
    for name, service in load("stack.yml", "gpu.yml").items():
        assert service["deploy"]["resources"]["limits"]["memory"], name
        if name != "client":
            assert SHARED_MEMORY in [volume["target"] for volume in service["volumes"]], name
            assert "ray health-check" in service["healthcheck"]["test"][1], name
            assert service["deploy"]["labels"]["prometheus-port"] == "8080", name


@pytest.mark.parametrize("name", ["RAY_RELEASE", "TAG", "GPU_WORKERS"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(FlotillaError, match=name):
        load("stack.yml", "gpu.yml", **{other: value for other, value in ENVIRONMENT.items() if other != name})


@pytest.mark.parametrize(("below", "primes"), [(0, 0), (2, 0), (3, 1), (100, 25), (1000, 168), (50_000, 5133)])
@pytest.mark.parametrize("parts", [1, 7, 30])
def test_the_parts_have_all_primes_once(below: int, primes: int, parts: int) -> None:
    ranges = split(below, parts)
    assert len(ranges) == parts and ranges[0][0] == 0 and ranges[-1][1] == below
    assert sum(count_primes(*each) for each in ranges) == primes


class Dashboard(BaseHTTPRequestHandler):
    tasks: ClassVar[dict[str, Any]] = IDLE

    def do_GET(self) -> None:
        body = json.dumps({"ray_version": "2.60.0"} if self.path == "/api/version" else self.tasks).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def dashboard() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Dashboard) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def gate(url: str, release: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, EXAMPLE / "gate.py", url, release], text=True, capture_output=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("release", "tasks", "code"), [("2.60.0", BUSY, 0), ("2.61.0", IDLE, 0), ("2.61.0", BUSY, 1), ("2.60.0", IDLE, 0)]
)
def test_only_another_release_while_tasks_run_is_refused(
    dashboard: str, monkeypatch: pytest.MonkeyPatch, release: str, tasks: dict[str, Any], code: int
) -> None:
    monkeypatch.setattr(Dashboard, "tasks", tasks)
    found, said = gate(dashboard, release)
    assert found == code and ("3 tasks run on Ray 2.60.0" in said) == bool(code), said


def test_what_is_no_dashboard_is_refused_in_one_line(dashboard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dashboard, "tasks", {"data": None})
    found, said = gate(dashboard, "2.61.0")
    assert found == 1 and said.count("\n") == 1 and "does not tell what runs on the cluster" in said, said


def test_a_cluster_that_is_not_there_loses_nothing() -> None:
    assert gate("http://127.0.0.1:1", "2.61.0") == (0, "")
