# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrade of all engines to a newer package, and a backup, while a client reads a service; a failure in the middle stops the rest.

The newer package is the engine's own under a higher version, in a repository on each node: a real upgrade, and a real restart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import Run
from tests.scenario.cluster import NODES, THREE, converge, lab, look, on, play, settled
from tests.scenario.controller import Controller, answers_of
from tests.scenario.web import PORT, await_homes, create_service, load_image, reading, remove_service

FAIL = "/srv/newer/fail"

# Its installation fails where the file is there.
REPOSITORY = f"""
set -e
mkdir -p /srv/newer
cd /srv/newer
rm -rf package
dpkg-deb -R /var/cache/apt/archives/docker.io_*.deb package
sed -i 's/^Version: .*/&+newer{{number}}/' package/DEBIAN/control
{{{{ echo '#!/bin/sh'; echo 'test ! -e {FAIL} || exit 1'; }}}} >package/DEBIAN/preinst
chmod 755 package/DEBIAN/preinst
dpkg-deb -Znone -b package docker.io.deb >/dev/null
rm -rf package
{{{{
  dpkg-deb -f docker.io.deb
  echo "Filename: ./docker.io.deb"
  echo "Size: $(stat -c %s docker.io.deb)"
  echo "SHA256: $(sha256sum docker.io.deb | cut -d' ' -f1)"
}}}} >Packages
echo 'deb [trusted=yes] file:/srv/newer ./' >/etc/apt/sources.list.d/newer.list
"""

AS_BEFORE: dict[str, Any] = {node: ["active", {}] for node in NODES}


def offer(number: int) -> None:
    """Have a newer package in the repository of each node."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: on(node, "sh -s", REPOSITORY.format(number=number)), NODES))


@pytest.fixture(scope="module", autouse=True)
def swarm() -> Iterator[None]:
    """Three managers, two workers, and a service that answers on two of the five."""
    converge(THREE)
    assert settled(THREE)
    offer(1)
    load_image()
    create_service("read", replicas=2, port=PORT)
    await_homes("read", 2)
    yield
    remove_service("read")


def upgrade(*arguments: str, **variables: Any) -> Run:
    given = {"engine_packages": "distribution", "engine_managers": THREE, **variables}
    return play(*arguments, playbook="playbooks/upgrade.yml", **given)


def versions() -> dict[str, str]:
    return {node: on(node, "dpkg-query -W -f '${Version}' docker.io") for node in NODES}


def newer(number: int = 1) -> list[str]:
    """The nodes that have the newer package."""
    return [node for node, version in versions().items() if version.endswith(f"+newer{number}")]


def starts() -> dict[str, str]:
    return {node: on(node, "systemctl show docker --property InvocationID") for node in NODES}


def seen() -> dict[str, Any]:
    """Availability and labels of the nodes."""
    return {node["name"]: [node["availability"], node["labels"]] for node in look()["nodes"]}


def test_check_mode_names_every_node_and_upgrades_none() -> None:
    before = starts()
    planned = upgrade("--check", "--diff")
    assert planned.rc == 0, planned.out
    assert [node for node in NODES if not re.search(rf"~ node +{node} ", planned.out)] == [], planned.out
    assert starts() == before and newer() == [] and seen() == AS_BEFORE


def test_a_failure_on_the_second_node_stops_the_rest() -> None:
    """Workers come first, in the order of the inventory. What failed stays drained: a half upgraded engine may start no container."""
    on("w4", f"touch {FAIL}")
    before = starts()
    with reading() as reader:
        failed = upgrade()
    assert failed.rc != 0 and "w4 failed, and stays drained" in failed.text, failed.out
    assert "w4 failed, so the nodes after them were not changed" in failed.text
    assert newer() == ["w3"]
    assert [node for node in NODES if starts()[node] != before[node]] == ["w3"]
    assert reader.requests > 100 and reader.failures == []
    assert look("m1")["state"] == "active"
    assert {node: each[0] for node, each in seen().items()} == {**dict.fromkeys(NODES, "active"), "w4": "drain"}


def test_the_next_run_goes_on_where_it_stopped_and_nobody_who_reads_notices() -> None:
    on("w4", f"rm {FAIL}")
    before = starts()
    with reading() as reader:
        done = upgrade()
    assert done.rc == 0, done.out
    assert newer() == list(NODES) and starts()["w3"] == before["w3"]
    assert reader.requests > 100 and reader.failures == []
    assert settled(THREE) and seen() == AS_BEFORE


def test_a_further_run_restarts_nothing() -> None:
    before = starts()
    again = upgrade()
    assert again.rc == 0 and not any(again.changed.values()), again.out
    assert starts() == before


@pytest.fixture(scope="module")
def second_offer() -> None:
    offer(2)


@pytest.mark.usefixtures("second_offer")
@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"engine_version": "20.10"}, "The engine of m1 is not available as docker.io=20.10"),
        ({"engine_batch": 0}, "engine_batch is 0, expected 1 or more"),
        ({"engine_batch": "many"}, "engine_batch"),
        ({"engine_surge": "some"}, "engine_surge"),
    ],
)
def test_wrong_input_gives_one_clear_message_and_changes_nothing(variables: dict[str, Any], words: str) -> None:
    before = starts()
    refused = upgrade(**variables)
    assert refused.rc != 0 and words in refused.text and "Traceback" not in refused.out and not any(refused.changed.values()), refused.out
    assert starts() == before and newer() == list(NODES) and seen() == AS_BEFORE


@pytest.mark.usefixtures("second_offer")
def test_an_engine_in_a_swarm_does_not_go_back() -> None:
    older = versions()["m1"].removesuffix("+newer1")
    refused = upgrade(engine_version=older)
    assert refused.rc != 0 and f"is newer than engine_version {older}, and an engine in a swarm can't be downgraded" in refused.text, (
        refused.out
    )
    assert newer() == list(NODES)


@pytest.mark.usefixtures("second_offer")
def test_without_room_for_the_tasks_of_one_node_none_is_touched() -> None:
    """The last node's turn counts too."""
    create_service("pinned", constraints=("node.hostname==w2",))
    await_homes("pinned", 1)
    try:
        before = starts()
        refused = upgrade()
        assert refused.rc != 0 and "pinned has 1 task there, and no other node" in refused.text, refused.out
        assert starts() == before and newer() == list(NODES) and seen() == AS_BEFORE
    finally:
        remove_service("pinned")


@pytest.mark.usefixtures("second_offer")
def test_without_a_manager_to_spare_none_is_touched() -> None:
    lab("stop", "w1")
    try:
        before = {node: on(node, "systemctl show docker --property InvocationID") for node in NODES if node != "w1"}
        refused = upgrade()
        assert refused.rc != 0 and "the managers would lose their quorum" in refused.text, refused.out
        assert before == {node: on(node, "systemctl show docker --property InvocationID") for node in before}
    finally:
        lab("start", "w1")
    assert settled(THREE)


@pytest.mark.usefixtures("second_offer")
def test_site_upgrades_in_the_same_way_and_workers_two_at_a_time() -> None:
    """Where both tasks of a service lie on both workers of a batch, they run elsewhere before."""
    wanted = versions()["m1"].replace("+newer1", "+newer2")
    given: dict[str, Any] = {
        "engine_version": wanted,
        "engine_managers": THREE,
        "engine_batch": 2,
        "engine_surge": "sole",
        "swarm_managers": THREE,
    }
    before = starts()
    planned = play("--check", "--diff", playbook="molecule/_shared/engine.yml", **given)
    assert planned.rc == 0 and starts() == before and seen() == AS_BEFORE, planned.out
    with reading() as reader:
        done = play(playbook="molecule/_shared/engine.yml", **given)
    assert done.rc == 0, done.out
    assert newer(2) == list(NODES) and [node for node in NODES if starts()[node] == before[node]] == []
    assert "w3, w4" in done.out
    assert reader.requests > 100 and reader.failures == []
    assert settled(THREE) and seen() == AS_BEFORE
    again = play(playbook="molecule/_shared/engine.yml", **given)
    assert again.rc == 0 and not any(again.changed.values()), again.out


def test_the_survey_drives_the_upgrade(controller: Controller, tmp_path: Path) -> None:
    offer(3)
    given = {variable: str(answer) for variable, answer in answers_of("upgrade", controller).items()}
    with reading() as reader:
        job = controller.launch("upgrade", {**given, "engine_batch": "2", "engine_surge": "sole", "engine_managers": THREE}, tmp_path)
    assert job.status == "successful", job.stdout.read()[-4000:]
    assert newer(3) == list(NODES) and seen() == AS_BEFORE
    assert reader.requests > 100 and reader.failures == []


def test_nobody_who_reads_notices_a_backup(tmp_path: Path) -> None:
    with reading() as reader:
        done = play(playbook="playbooks/backup.yml", backup_managers=THREE, backup_directory=str(tmp_path), backup_vault_password="horse")
    assert done.rc == 0, done.out
    assert len(list(tmp_path.iterdir())) == 1 and reader.failures == [] and reader.requests > 50
    assert settled(THREE) and seen() == AS_BEFORE
