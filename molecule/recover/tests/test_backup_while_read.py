# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that reads a service with two replicas misses no answer while the manager that runs one of them is archived."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from recover_lab import LABELS, NODES, on, play

from tests.lab.scenario import ROOT

sys.path.append(str(ROOT / "molecule/cluster/tests"))
from cluster_web import LOAD, await_homes, create_service, reading, remove_service

LEADER = """
import docker
print(*[n["Description"]["Hostname"] for n in docker.APIClient().nodes() if (n.get("ManagerStatus") or {}).get("Leader")])
"""


@pytest.fixture(autouse=True)
def members(tmp_path: Path) -> None:
    given = {"swarm_settings": {"autolock": True}, "swarm_unlock_key_file": str(tmp_path / "unlock.key")}
    made = play("molecule/recover/members.yml", **given, **LABELS)
    assert made.rc == 0, made.out
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: on(node, "python3 -", LOAD), NODES))


def test_a_client_misses_no_answer_during_a_backup(tmp_path: Path) -> None:
    create_service("web", 2, port=8080, constraints=("node.role == manager",))
    homes, leader = await_homes("web", 2), on("m1", "python3 -", LEADER).strip()
    away = next(node for node in homes if node != leader)
    with reading() as client:
        done = play("playbooks/backup.yml", backup_directory=str(tmp_path / "backups"), backup_manager=away)
        assert away not in await_homes("web", 2)
    remove_service("web")
    assert done.rc == 0, done.out
    assert client.failures == [] and client.requests > 50, (client.requests, client.failures[:5])
