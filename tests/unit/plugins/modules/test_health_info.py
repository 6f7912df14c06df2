# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import mounts
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.mounts import network_mounts, waiting_mounts
from ansible_collections.flotilla.swarm.plugins.modules import health_info
from fake_engine import FakeEngine, node
from module_runner import run_module_main

MOUNTINFO = r"""
20 1 8:1 / / rw - ext4 /dev/sda1 rw
30 20 0:50 / /srv/media rw,relatime - nfs4 nas:/media rw,vers=4.2
31 20 0:51 / /mnt/with\040blank rw - fuse.sshfs user@main:/x rw
32 20 0:52 / /lazy rw - autofs systemd-1 rw
"""
FSTAB = r"""
# nas:/no /srv/comment nfs defaults 0 0
nas:/media /srv/media nfs defaults 0 0
nas:/lost /srv/lost nfs4 rw,hard 0 0
nas:/a /srv/later nfs noauto,rw 0 0
nas:/b /srv/automount nfs rw,x-systemd.automount 0 0
/dev/sda2 /home ext4 defaults 0 0
user@main:/y /mnt/y\040z fuse.sshfs _netdev 0 0
broken line
"""


def test_network_mounts_are_those_that_are_there_and_those_that_are_missed() -> None:
    found = {mount["path"]: (mount["source"], bool(mount["problem"])) for mount in network_mounts(MOUNTINFO, FSTAB)}
    assert found == {
        "/srv/media": ("nas:/media", False),
        "/mnt/with blank": ("user@main:/x", False),
        "/srv/lost": ("nas:/lost", True),
        "/mnt/y z": ("user@main:/y", True),
    }
    assert network_mounts("", "") == []


def test_what_systemd_mounts_at_the_first_access_waits_until_then() -> None:
    trigger = "60 1 0:50 / /srv/slow rw,relatime shared:1 - autofs systemd-1 rw,fd=60\n"
    made = "61 60 0:51 / /srv/slow rw,relatime shared:2 - nfs4 nas:/slow rw,vers=4.2\n"
    assert waiting_mounts(trigger) == ["/srv/slow"] and waiting_mounts(trigger + made) == []


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def make(name: str, text: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)

    return make


def test_a_host_in_a_swarm(fake_engine: Callable[..., FakeEngine], tmp_path: Path) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], info={"DockerRootDir": str(tmp_path)})
    result = run_module_main(health_info.main, {"docker_host": fake.docker_host}, check=True)
    assert (result["state"], result["node_id"], result["data_root"]) == ("active", fake.node("m1")["ID"], str(tmp_path))
    assert 0 < result["disk_free_mb"] <= result["disk_total_mb"] and not result["changed"] and not fake.writes
    assert result["disk_free_inodes_percent"] is None or 0 <= result["disk_free_inodes_percent"] <= 100
    assert len(fake.calls()) == 1


def test_a_host_without_an_engine_is_no_error(bare_host: str, tmp_path: Path) -> None:
    for address, state in ((bare_host, "no engine"), (f"unix://{tmp_path}/none.sock", "unreachable")):
        result = run_module_main(health_info.main, {"docker_host": address})
        assert result["state"] == state and result["problem"] and result["certificate_days"] is None


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("exit 0", ""),
        ("exit 137", "no answer within 5 s"),
        ("echo \"stat: cannot read file system information for '/x': Stale file handle\" >&2; exit 1", "Stale file handle"),
    ],
)
def test_a_mount_that_does_not_answer_is_given_up(
    script: str, problem: str, commands: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands("timeout", script)
    monkeypatch.setattr(mounts, "network_mounts", lambda _info, _fstab: [{"path": "/x", "source": "nas:/x", "problem": ""}])
    result = run_module_main(health_info.main, {"docker_host": f"unix://{tmp_path}/none.sock"})
    assert result["mounts"] == [{"path": "/x", "source": "nas:/x", "problem": problem}]


def test_gpus_that_the_driver_lost_are_told(commands: Callable[[str, str], None], tmp_path: Path) -> None:
    commands("nvidia-smi", "echo 'Driver/library version mismatch' >&2; exit 18")
    result = run_module_main(health_info.main, {"docker_host": f"unix://{tmp_path}/none.sock"})
    assert (result["gpus"], result["gpu_problem"]) == ([], "Driver/library version mismatch")
