# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrade of all engines to a newer package, and a backup, while a client reads a service; a failure in the middle stops the rest.

The newer package is the engine's own under a higher version, in a repository on each node: a real upgrade, and a real restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cluster_lab import NODES, THREE, Run, converge, look, on, play, settled
from cluster_web import PORT, await_homes, create_service, load_image, reading, remove_service

FAIL = "/srv/newer/fail"

# Its installation fails where the file is there.
REPOSITORY = f"""
set -e
mkdir -p /srv/newer
cd /srv/newer
rm -rf package
dpkg-deb -R /var/cache/apt/archives/docker.io_*.deb package
sed -i 's/^Version: .*/&+newer1/' package/DEBIAN/control
{{ echo '#!/bin/sh'; echo 'test ! -e {FAIL} || exit 1'; }} >package/DEBIAN/preinst
chmod 755 package/DEBIAN/preinst
dpkg-deb -Znone -b package docker.io.deb >/dev/null
rm -rf package
{{
  dpkg-deb -f docker.io.deb
  echo "Filename: ./docker.io.deb"
  echo "Size: $(stat -c %s docker.io.deb)"
  echo "SHA256: $(sha256sum docker.io.deb | cut -d' ' -f1)"
}} >Packages
echo 'deb [trusted=yes] file:/srv/newer ./' >/etc/apt/sources.list.d/newer.list
"""


@pytest.fixture(scope="module", autouse=True)
def swarm() -> Iterator[None]:
    """Three managers, two workers, and a service that answers on two of the five."""
    converge(THREE)
    assert settled(THREE)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: on(node, "sh -s", REPOSITORY), NODES))
    load_image()
    create_service("read", replicas=2, port=PORT)
    await_homes("read", 2)
    yield
    remove_service("read")


def upgrade(*arguments: str) -> Run:
    return play(*arguments, playbook="playbooks/upgrade.yml", engine_packages="distribution", engine_managers=THREE)


def newer() -> list[str]:
    """The nodes that have the newer package, and run an engine that was started since."""
    versions = {node: on(node, "dpkg-query -W -f '${Version}' docker.io") for node in NODES}
    return [node for node, version in versions.items() if version.endswith("+newer1")]


def starts() -> dict[str, str]:
    return {node: on(node, "systemctl show docker --property InvocationID") for node in NODES}


def availabilities() -> set[str]:
    code = "import docker, json; print(json.dumps([n['Spec']['Availability'] for n in docker.APIClient().nodes()]))"
    return set(on("m1", "python3 -", code).strip('[]\n "').replace('"', "").split(", "))


def test_check_mode_names_every_node_and_upgrades_none() -> None:
    before = starts()
    planned = upgrade("--check", "--diff")
    assert planned.rc == 0, planned.out
    assert all(f"{node} " in planned.out for node in NODES)
    assert starts() == before and newer() == []


def test_a_failure_on_the_second_node_stops_the_rest() -> None:
    """Workers come first, in the order of the inventory."""
    on("w4", f"touch {FAIL}")
    before = starts()
    with reading() as reader:
        failed = upgrade()
    assert failed.rc != 0 and "w4" in failed.text, failed.out
    assert newer() == ["w3"]
    assert [node for node in NODES if starts()[node] != before[node]] == ["w3"]
    assert reader.requests > 100 and reader.failures == []
    assert look("m1")["state"] == "active" and availabilities() == {"active"}


def test_the_next_run_goes_on_where_it_stopped_and_nobody_who_reads_notices() -> None:
    on("w4", f"rm {FAIL}")
    before = starts()
    with reading() as reader:
        done = upgrade()
    assert done.rc == 0, done.out
    assert newer() == list(NODES) and starts()["w3"] == before["w3"]
    assert reader.requests > 100 and reader.failures == []
    assert settled(THREE) and availabilities() == {"active"}


def test_a_further_run_restarts_nothing() -> None:
    before = starts()
    again = upgrade()
    assert again.rc == 0 and not any(again.changed.values()), again.out
    assert starts() == before


def test_nobody_who_reads_notices_a_backup(tmp_path: Path) -> None:
    with reading() as reader:
        done = play(playbook="playbooks/backup.yml", backup_managers=THREE, backup_directory=str(tmp_path), backup_vault_password="horse")
    assert done.rc == 0, done.out
    assert len(list(tmp_path.iterdir())) == 1 and reader.failures == [] and reader.requests > 50
    assert settled(THREE) and availabilities() == {"active"}
