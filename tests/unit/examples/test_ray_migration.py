# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Ray cluster that docker compose runs on one machine moves into the swarm, by the example's own stack file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_engine import FakeEngine, network, node
from playbook_runs import ROOT

GIB = 1 << 30
PROJECT = "com.docker.compose"
IMAGES = ("rayproject/ray:2.60.0", "127.0.0.1:5000/ray-app:1")


def container(service: str, number: int, depends_on: str = "") -> dict[str, Any]:
    labels = {f"{PROJECT}.project": "ray", f"{PROJECT}.service": service, f"{PROJECT}.depends_on": depends_on}
    name = f"/ray-{service}-{number}"
    return {"Id": f"{service}{number}", "Names": [name], "Image": IMAGES[0], "State": "running", "Labels": labels, "Mounts": []}


@pytest.fixture
def fake(fake_engine: Callable[..., FakeEngine]) -> FakeEngine:
    labels = {f"{PROJECT}.project": "ray", f"{PROJECT}.network": "cluster"}
    return fake_engine(
        nodes=[
            node("m1", role="manager", leader=True, labels={"ray_head": "true"}, cpus=8, memory=32 * GIB),
            *(node(name, labels={"zone": zone}, cpus=8, memory=32 * GIB) for name, zone in (("w1", "north"), ("w2", "south"))),
        ],
        networks=[network("ray_cluster", driver="bridge", labels=labels, Scope="local")],
        images={name: {"digest": f"sha256:{number * 64}"} for name, number in zip(IMAGES, "ab", strict=True)},
        containers=[container("head", 1), *(container("worker", each, "head:service_healthy:false") for each in (1, 2))],
    )


def migrate(fake: FakeEngine, folder: Path, *arguments: str) -> str:
    """What was printed, its lines joined; the exit code stands at its end."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"all": {"vars": {"swarm_name": "lab", **host}, "children": {"swarm_managers": {"hosts": {"m1": {}}}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    given = {
        "migrate_host": "m1",
        "migrate_project": "ray",
        "migrate_files": ["examples/ray/stack.yml"],
        "migrate_env": {"RAY_RELEASE": "2.60.0", "TAG": "1"},
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "hosts.yml")]
    environment = {**os.environ, "DOCKER_HOST": fake.docker_host, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    environment["ANSIBLE_STDOUT_CALLBACK"] = "default"
    command += ["playbooks/migrate_from_compose.yml", "-e", json.dumps(given), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return f"{' '.join(done.stdout.split())} rc={done.returncode}"


def test_the_project_stops_and_the_cluster_runs_on_the_swarm(fake: FakeEngine, tmp_path: Path) -> None:
    planned = migrate(fake, tmp_path, "--check", "--diff")
    assert planned.endswith("rc=0") and "ray-head-1" in planned and "ray_worker" in planned and not fake.writes, planned
    said = migrate(fake, tmp_path)
    assert said.endswith("rc=0"), said
    services = {each["Spec"]["Name"]: each["Spec"]["Mode"]["Replicated"]["Replicas"] for each in fake.cluster.services.values()}
    assert services == {"ray_head": 1, "ray_worker": 2, "ray_client": 0}
    assert {each["State"] for each in fake.host.containers if "com.docker.compose.project" in each["Labels"]} == {"exited"}
    # The bridge of the project is still there, and an engine would take it for the stack's network.
    assert "ray_cluster_swarm" in {each["Name"] for each in fake.cluster.networks.values()}
    assert "changed=0" in migrate(fake, tmp_path)
