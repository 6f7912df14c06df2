# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of the engines of a swarm on another disk. It is the last of these tests, since the data stays there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import Run, until
from tests.scenario.controller import Controller, answers_of
from tests.scenario.hosts import DAEMON_JSON, IMAGE, NODES, daemon_json, have_image, on, play, playbook, sdk, unit

FORMER = "/var/lib/docker"
WANTED = "/var/lib/containerd/moved"  # a disk of its own, as the former one is
KNOWN = """
import json
info = api.info()
print(json.dumps({
    "root": info["DockerRootDir"], "node": info["Swarm"]["NodeID"], "images": sorted(i["Id"] for i in api.images()),
    "volumes": sorted(v["Name"] for v in api.volumes()["Volumes"] or []), "containers": sorted(c["Id"] for c in api.containers(all=True)),
}))
"""


def move(*arguments: str, **variables: Any) -> Run:
    return playbook("playbooks/move_data_root.yml", *arguments, **{"confirm": "lab", "engine_data_root": WANTED, **variables})


def known(node: str) -> dict[str, Any]:
    return dict(json.loads(sdk(node, KNOWN)))


@pytest.fixture(scope="module", autouse=True)
def content() -> None:
    """An image, a volume with a file in it that has two names and an attribute, and a container, on both nodes."""
    for node in NODES:
        have_image(node)
        sdk(node, f"api.create_volume('kept'); api.create_container({IMAGE!r}, ['sleep', '9'], name='kept')")
        on(node, f"cd {FORMER}/volumes/kept/_data && echo precious > one && chown 1234:99 one && ln one two")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"confirm": "other"}, "confirm=lab"),
        ({"engine_data_root": ""}, "engine_data_root is not given"),
        ({"engine_data_root": "/srv/docker"}, "/srv/docker is on overlay"),
        ({"engine_data_root": f"{FORMER}/below"}, "are one inside the other"),
        ({"engine_data_root": "/var/lib/containerd"}, "Use an empty directory"),
    ],
)
def test_refused_before_anything_is_changed(variables: dict[str, str], words: str) -> None:
    before = {node: unit(node, "InvocationID") for node in NODES}
    run = move(**variables)
    assert run.rc != 0
    assert words in run.text
    assert set(run.changed.values()) <= {0}
    assert {node: unit(node, "InvocationID") for node in NODES} == before


def test_check_mode_says_what_would_be_moved() -> None:
    run = move("--check", "--diff")
    assert run.rc == 0, run.out
    assert f'data-root: "{FORMER}" -> "{WANTED}"' in run.text
    assert "[restarts engine of a node in a swarm]" in run.out
    assert [on(node, f"ls -d {WANTED} 2>/dev/null || echo none") for node in NODES] == ["none", "none"]


def test_an_engine_that_does_not_start_has_its_former_data_again() -> None:
    before, former = known("w1"), daemon_json("w1")
    drop_in = "/run/systemd/system/docker.service.d/test.conf"
    refuse = f'[Service]\nExecStartPre=/bin/sh -c "! grep -q data-root {DAEMON_JSON}"\n'
    on("w1", f"mkdir -p $(dirname {drop_in}) && cat > {drop_in} && systemctl daemon-reload", refuse)
    try:
        run = move()
    finally:
        on("w1", f"rm {drop_in} && systemctl daemon-reload")
    assert run.rc != 0
    assert f"The engine runs with {FORMER} again, and the copy was removed." in run.text
    assert daemon_json("w1") == former
    assert known("w1") == before
    assert on("w1", f"ls -d {WANTED} 2>/dev/null || echo none") == "none"
    assert known("m1")["root"] == FORMER  # it comes after w1, and was not begun
    assert sdk("m1", "print({n['Spec']['Availability'] for n in api.nodes()})") == "{'active'}"


def test_both_nodes_move_and_are_the_same_nodes() -> None:
    before = {node: known(node) for node in NODES}
    run = move()
    assert run.rc == 0, run.out
    for node in NODES:
        assert known(node) == {**before[node], "root": WANTED}
        assert on(node, f"cd {WANTED}/volumes/kept/_data && cat two && stat -c '%u:%g %h' one") == "precious\n1234:99 2"
        assert on(node, f"cat {FORMER}/volumes/kept/_data/one") == "precious"
    # A manager that has just started has yet to hear of the others.
    states = "print({(n['Spec']['Availability'], n['Status']['State']) for n in api.nodes()})"
    until(lambda: sdk("m1", states) == "{('active', 'ready')}", "ready nodes", 30)
    # the nodes are containers of one machine and share its monotonic clock
    assert int(unit("w1", "ActiveEnterTimestampMonotonic")) < int(unit("m1", "InactiveExitTimestampMonotonic"))


def test_preflight_finds_the_swarm_where_its_data_is_now() -> None:
    # pools count only where there is no swarm yet, and this one is taken
    taken = sdk("m1", "print(api.inspect_network('docker_gwbridge')['IPAM']['Config'][0]['Subnet'])")
    run = play("preflight", preflight_address_pools=[taken])
    assert run.rc == 0, run.out


def test_a_second_run_does_nothing() -> None:
    before = {node: unit(node, "InvocationID") for node in NODES}
    assert move().changed == dict.fromkeys(NODES, 0)
    assert {node: unit(node, "InvocationID") for node in NODES} == before


def test_a_survey_moves_them_once_more(controller: Controller, tmp_path: Path) -> None:
    before = {node: known(node) for node in NODES}
    given = {variable: answer or "" for variable, answer in answers_of("move_data_root", controller).items()}
    job = controller.launch("move_data_root", {**given, "engine_data_root": f"{WANTED}-again"}, tmp_path)
    assert job.status == "successful", job.stdout.read()[-4000:]
    assert {node: known(node) for node in NODES} == {node: {**before[node], "root": f"{WANTED}-again"} for node in NODES}
