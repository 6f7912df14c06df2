# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked before a host is touched. molecule/recover brings real swarms back."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.backup.manifest import Manifest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.archive import sums_of, write_archive
from ansible_collections.flotilla.swarm.plugins.modules import recover
from fake_engine import FakeEngine, node
from module_runner import CONFIRMED, run_module_main


def archive(directory: Path, address: str, key: str = "BEGIN PRIVATE KEY", version: str = "26.1.5") -> str:
    state = directory / "state"
    (state / "certificates").mkdir(parents=True)
    (state / "certificates/swarm-node.key").write_text(key)
    objects: dict[str, dict[str, str]] = {kind: {} for kind in ("services", "secrets", "configs", "networks", "nodes")}
    made = Manifest("cluster", "node", "m3", address, version, False, "2026-01-01T00:00:00Z", objects, sums_of(str(state)))
    write_archive(str(directory / "a.tar.gz"), str(state), made, {})
    return str(directory / "a.tar.gz")


def run(fake: FakeEngine, **options: t.Any) -> dict[str, t.Any]:
    return run_module_main(recover.main, {**CONFIRMED, "docker_host": fake.docker_host, **options}, check=True, diff=True)


def test_an_archive_may_come_back_where_its_managers_address_is(tmp_path: Path, fake_engine: t.Callable[..., FakeEngine]) -> None:
    result = run(fake_engine(), archive=archive(tmp_path, "127.0.0.1"))
    assert (result["exit_code"], result["changed"], result["cluster_id"], result["warnings"]) == (0, True, "cluster", [])


def test_elsewhere_it_is_refused_unless_the_address_leads_there(tmp_path: Path, fake_engine: t.Callable[..., FakeEngine]) -> None:
    path = archive(tmp_path, "192.0.2.13")
    refused = run(fake_engine(), archive=path)
    assert refused["exit_code"] == 1 and "m3, the source of this state, had the address 192.0.2.13" in refused["msg"]
    other = run(fake_engine(), archive=path, advertise_addr="192.0.2.14")
    assert other["exit_code"] == 1 and "advertise_addr=192.0.2.13" in other["msg"]
    assert run(fake_engine(), archive=path, advertise_addr="192.0.2.13")["changed"]


@pytest.mark.parametrize(("key", "words"), [("BEGIN ENCRYPTED PRIVATE KEY", "there is no unlock_key"), ("BEGIN PRIVATE KEY", "")])
def test_a_locked_key_is_asked_for(tmp_path: Path, fake_engine: t.Callable[..., FakeEngine], key: str, words: str) -> None:
    result = run(fake_engine(), archive=archive(tmp_path, "127.0.0.1", key))
    assert words in result.get("msg", "") and bool(result["exit_code"]) is bool(words)


def test_another_engine_is_warned_of(tmp_path: Path, fake_engine: t.Callable[..., FakeEngine]) -> None:
    (warning,) = run(fake_engine(), archive=archive(tmp_path, "127.0.0.1", version="29.0.0"))["warnings"]
    assert warning.startswith("engine 29.0.0 wrote the archive, and this host has 26.1.5")


@pytest.mark.parametrize(
    ("state", "bound"),
    [
        ('{"ListenAddr": "10.77.0.1:2377", "DataPathAddr": "10.78.0.1"}', {"ListenAddr": "10.77.0.1:2377", "DataPathAddr": "10.78.0.1"}),
        ('{"ListenAddr": "[::]:2377", "DataPathAddr": ""}', {"ListenAddr": "[::]:2377"}),
        ("{", {"ListenAddr": "0.0.0.0:2377"}),
        (None, {"ListenAddr": "0.0.0.0:2377"}),
    ],
)
def test_the_only_manager_listens_where_it_did(
    tmp_path: Path, fake_engine: t.Callable[..., FakeEngine], state: str | None, bound: dict[str, str]
) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("m2", role="manager")], info={"DockerRootDir": str(tmp_path)})
    fake.lose_leader()
    (tmp_path / "swarm").mkdir()
    if state:
        (tmp_path / "swarm/docker-state.json").write_text(state)
    result = run_module_main(recover.main, {**CONFIRMED, "docker_host": fake.docker_host})
    assert result["exit_code"] == 0, result["msg"]
    (request,) = fake.writes
    assert request.body == {**bound, "AdvertiseAddr": fake.node("m1")["Status"]["Addr"], "ForceNewCluster": True}
