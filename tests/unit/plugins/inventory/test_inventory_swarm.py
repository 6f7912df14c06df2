# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live swarm as an inventory, as ansible-inventory shows it."""

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
from ansible_collections.flotilla.swarm.plugins.plugin_utils.swarm_hosts import read_hosts
from fake_engine import FakeEngine, node

ROOT = Path(__file__).parents[4]
MakeFake = Callable[..., FakeEngine]
NODES = [
    node("m1", role="manager", leader=True, addr="10.0.0.1"),
    node("gpu01", addr="10.0.0.2", labels={"gpu": "true", "zone": "b-1", "off": "false"}, availability="drain"),
    node("old", state="down"),
]


def run(fake: FakeEngine, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    path = folder / "swarm.yml"
    path.write_text(yaml.safe_dump({"plugin": "flotilla.swarm.swarm", "docker_host": fake.docker_host, **options}))
    command = [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(path), "--list"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    done = subprocess.run(command, env=environment, cwd=folder, text=True, capture_output=True, check=False)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout, one_line(done.stderr))


def one_line(text: str) -> str:
    """Without blanks, for warnings are broken into lines of any width."""
    return "".join(text.split())


def load(fake: FakeEngine, folder: Path, **options: Any) -> dict[str, Any]:
    done = run(fake, folder, **options)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found)))


def members(inventory: dict[str, Any], group: str) -> list[str]:
    return sorted(inventory[group]["hosts"])


def test_hosts_groups_and_variables(fake_engine: MakeFake, tmp_path: Path) -> None:
    fake = fake_engine(nodes=NODES)
    found = load(fake, tmp_path, groups={"big": "swarm_node.resources.NanoCPUs > 1"}, keyed_groups=[{"key": "swarm_node.labels.zone"}])
    assert fake.calls() == ["GET /nodes"]
    assert members(found, "swarm_managers") == ["m1"]
    assert members(found, "swarm_workers") == ["gpu01", "old"]
    assert members(found, "swarm_label_gpu") == members(found, "swarm_availability_drain") == ["gpu01"]
    assert members(found, "swarm_state_down") == ["old"]
    assert "swarm_label_off" not in found
    assert (members(found, "big"), members(found, "_b_1")) == (["gpu01", "m1", "old"], ["gpu01"])
    variables = found["_meta"]["hostvars"]["gpu01"]
    assert variables["ansible_host"] == "10.0.0.2"
    assert variables["swarm_node"]["node_id"] == NODES[1]["ID"]
    assert variables["swarm_node"]["labels"] == {"gpu": "true", "zone": "b-1", "off": "false"}


def test_what_a_node_tells_itself_is_no_template(fake_engine: MakeFake, tmp_path: Path) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True, engine_labels={"team": "{{ lookup('pipe', 'id') }}"})])
    variables = json.loads(run(fake, tmp_path, compose={"team": "swarm_node.engine_labels.team"}).stdout)["_meta"]["hostvars"]["m1"]
    assert variables["swarm_node"]["engine_labels"]["team"] == {"__ansible_unsafe": "{{ lookup('pipe', 'id') }}"}
    assert "uid=" not in json.dumps(variables)


def test_another_prefix(fake_engine: MakeFake, tmp_path: Path) -> None:
    assert members(load(fake_engine(nodes=NODES), tmp_path, group_prefix="blue_"), "blue_managers") == ["m1"]


def test_the_cache_saves_the_question(fake_engine: MakeFake, tmp_path: Path) -> None:
    fake = fake_engine(nodes=NODES)
    options = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    first, second = (load(fake, tmp_path, **options) for _ in range(2))
    assert fake.calls() == ["GET /nodes"]
    assert members(first, "swarm_workers") == members(second, "swarm_workers")


def test_errors_are_the_engines(fake_engine: MakeFake, tmp_path: Path) -> None:
    outside = run(fake_engine(), tmp_path)
    assert (
        outside.returncode
        and one_line("listing the nodes through unix:///") in outside.stderr
        and one_line("not a swarm manager") in outside.stderr
    )
    fake = fake_engine(nodes=NODES)
    fake.close()
    gone = run(fake, tmp_path)
    assert gone.returncode and one_line("connecting to the engine") in gone.stderr and "Traceback" not in gone.stderr


def test_certificates_from_the_environment(fake_engine: MakeFake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / "certificates"))
    lacking = run(fake_engine(nodes=NODES), tmp_path, docker_host="tcp://127.0.0.1:9")
    assert lacking.returncode and one_line("connecting to the engine at tcp://127.0.0.1:9") in lacking.stderr
    assert one_line("certificate and key files must be provided") in lacking.stderr and "Traceback" not in lacking.stderr


def test_nodes_that_share_a_name() -> None:
    twins = [node("w1", node_id="new"), node("w1", node_id="ghost", state="down"), node("x", node_id="a"), node("x", node_id="b")]
    assert [host.name for host in read_hosts(twins)] == ["w1", "w1-ghost", "x-a", "x-b"]


def test_labels_make_names_that_groups_may_have() -> None:
    (host,) = read_hosts([node("w1", labels={"com.example/gpu-type": "a"})])
    assert "label_com_example_gpu_type" in host.groups


@pytest.mark.parametrize(
    "hostname",
    [
        *("localhost", "LOCALHOST", "localhost.localdomain", "127.0.0.1", "all", "a\nb", "../x", "-oProxyCommand=x", "a:b", "a,b", "!m1"),
        *("{{ x }}", "x" * 300),
    ],
)
def test_a_node_that_takes_a_name_which_means_something_else_is_known_by_its_id(hostname: str) -> None:
    (host,) = read_hosts([node(hostname)])
    assert host.name == f"node-{node(hostname)['ID']}"


@pytest.mark.parametrize("hostname", ["w1", "W-1.example.org", "gpu_01", "localhosts", "1270"])
def test_plain_names_stay(hostname: str) -> None:
    assert read_hosts([node(hostname)])[0].name == hostname
