# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs of a swarm without any GPU: swarm's own scheduling, fed by what nvidia-smi printed on machines that have some."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import Run
from tests.scenario.hosts import IMAGE, daemon_json, have_image, on, playbook, sdk, unit

RECORDED = Path(__file__).parents[1] / "recorded"
CONVERGE, DEPLOY = "molecule/gpu/converge.yml", "molecule/gpu/deploy.yml"
KINDS = {"*A100*": "gpu_large"}
NODES = """
import json
print(json.dumps({
    n["Description"]["Hostname"]: sorted(
        f'{r["NamedResourceSpec"]["Kind"]}={r["NamedResourceSpec"]["Value"]}'
        for r in n["Description"]["Resources"].get("GenericResources") or []
    )
    for n in api.nodes()
}))
"""
TASKS = """
import json
print(json.dumps([
    {
        "state": t["Status"]["State"], "node": t.get("NodeID", ""),
        "gpu": [r["NamedResourceSpec"]["Value"] for r in t.get("GenericResources") or []],
        "container": (t["Status"].get("ContainerStatus") or {}).get("ContainerID", ""),
    }
    for t in api.tasks({"service": "farm_worker", "desired-state": "running"})
]))
"""


def uuids(case: str) -> list[str]:
    return re.findall(r"GPU-[0-9a-f]{8}-\S{27}", (RECORDED / case / "query").read_text())


def record(node: str, case: str) -> None:
    """What nvidia-smi prints on a node from now on."""
    for name in ("query", "list", "code"):
        on(node, f"cat > /var/lib/recorded/{name}", (RECORDED / case / name).read_text())


def offer(*arguments: str, **variables: Any) -> Run:
    return playbook(CONVERGE, "--tags", "nvidia", *arguments, **variables)


def offered() -> dict[str, list[str]]:
    return dict(json.loads(sdk("m1", NODES)))


def wanted_resources(run: Run) -> str:
    """What a plan says of node-generic-resources after the arrow: a list, which is cut where it is long."""
    found = re.search(r"node-generic-resources: .* -> (\[[^\]\n]*\]?)", run.out)
    return found.group(1) if found else ""


@pytest.fixture
def w2() -> Iterator[str]:
    yield "w2"
    record("w2", "none")


def test_swarm_knows_the_gpus_by_uuid() -> None:
    assert offered() == {"m1": [], "w1": sorted(f"gpu={uuid}" for uuid in uuids("two")), "w2": []}
    assert daemon_json("w1")["default-runtime"] == "nvidia"
    assert on("w1", "grep ^swarm-resource /etc/nvidia-container-runtime/config.toml") == 'swarm-resource = "DOCKER_RESOURCE_GPU"'


def test_a_second_run_restarts_nothing() -> None:
    before = {node: unit(node, "InvocationID") for node in ("w1", "w2")}
    run = offer("-v")
    assert run.changed == {"m1": 0, "w1": 0, "w2": 0}
    assert run.text.count("route: default runtime") == 2, "what gpu_info says of the engines"
    assert {node: unit(node, "InvocationID") for node in ("w1", "w2")} == before


@pytest.mark.parametrize(
    ("case", "kinds", "expected"),
    [
        ("none", {}, []),
        ("one", {}, [f"gpu={uuid}" for uuid in uuids("one")]),
        ("eight", {}, [f"gpu={uuid}" for uuid in uuids("eight")]),
        ("mixed", KINDS, [f"gpu_large={uuids('mixed')[0]}", f"gpu={uuids('mixed')[1]}"]),
        ("mig", {}, ["gpu=MIG-c7384736-a75d-5afc-978f-d2f1294409fd", "gpu=MIG-a28ad590-3fda-56dd-84fc-0a0b96edc58d"]),
    ],
)
def test_recorded_machines(w2: str, case: str, kinds: dict[str, str], expected: list[str]) -> None:
    record(w2, case)
    run = offer("--check", "--diff", "--limit", w2, nvidia_kinds=kinds)
    assert run.rc == 0, run.out
    wanted = wanted_resources(run)
    if len(expected) < 3:
        assert (json.loads(wanted) if wanted else []) == expected
    else:
        assert expected[0] in wanted  # long values are cut


@pytest.mark.parametrize(("case", "words"), [("no_driver", "couldn't communicate with the NVIDIA driver"), ("one_gone", "GPU is lost")])
def test_a_machine_in_trouble_is_left_as_it_is(w2: str, case: str, words: str) -> None:
    before = on(w2, "cat /etc/docker/daemon.json"), unit(w2, "InvocationID")
    record(w2, case)
    run = offer("--limit", w2)
    assert run.rc != 0
    assert "has no working NVIDIA driver" in run.text
    assert words in run.text
    assert (on(w2, "cat /etc/docker/daemon.json"), unit(w2, "InvocationID")) == before


def test_a_machine_without_a_driver(w2: str) -> None:
    on(w2, "mv /usr/bin/nvidia-smi /root/")
    try:
        run = offer("--limit", w2)
    finally:
        on(w2, "mv /root/nvidia-smi /usr/bin/")
    assert run.rc != 0
    assert "Install the driver until nvidia-smi shows every GPU" in run.text
    assert set(run.changed.values()) == {0}


def test_the_third_of_three_tasks_waits_for_a_gpu() -> None:
    for node in ("w1", "w2"):
        have_image(node)
    planned = playbook(DEPLOY, "--check", "--diff", image=IMAGE, replicas=3)
    warning = "service farm_worker: 3 tasks reserve 1 gpu each, but the nodes that may run it have room for 2"
    assert warning in planned.text
    run = playbook(DEPLOY, image=IMAGE, replicas=3)
    assert run.rc != 0
    assert warning in run.text
    assert "no free gpu" in run.text
    tasks = json.loads(sdk("m1", TASKS))
    running = [task for task in tasks if task["state"] == "running"]
    assert sorted(task["gpu"] for task in running) == [[uuid] for uuid in uuids("two")]
    assert [task["state"] for task in tasks if task not in running] == ["pending"]
    for task in running:
        seen = sdk("w1", f"made = api.exec_create({task['container']!r}, ['nvidia-smi', '-L']); print(api.exec_start(made).decode())")
        assert re.findall(r"UUID: (\S+)\)", seen) == task["gpu"]


def test_two_tasks_fit_and_converge() -> None:
    run = playbook(DEPLOY, image=IMAGE, replicas=2)
    assert run.rc == 0, run.out
    assert playbook(DEPLOY, image=IMAGE, replicas=2).changed == {"m1": 0}
    sdk("m1", "[api.remove_service(s['ID']) for s in api.services()]")


def test_the_proof_passes_and_fails_where_assignment_is_ignored() -> None:
    have_image("m1")
    proof = {"nvidia_verify_manager": "m1", "nvidia_verify_image": IMAGE}
    proven = playbook(CONVERGE, "--tags", "verify", **proof)
    assert proven.rc == 0, proven.out
    on("w1", "sed -i 's/^swarm-resource/#swarm-resource/' /etc/nvidia-container-runtime/config.toml")
    try:
        run = playbook(CONVERGE, "--tags", "verify", **proof)
    finally:
        assert offer().changed == {"m1": 0, "w1": 1, "w2": 0}
    assert run.rc != 0
    assert sdk("m1", "print(api.services())") == "[]"


def test_eight_gpus_for_real(w2: str) -> None:
    record(w2, "eight")
    assert offer("--limit", w2).rc == 0
    assert offered()[w2] == sorted(f"gpu={uuid}" for uuid in uuids("eight"))
