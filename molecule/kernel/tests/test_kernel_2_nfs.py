# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of one node, shared by NFS with tasks on all of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.scenario import until
from tests.scenario.kernel import (
    CLIENT,
    FILES,
    NODES,
    SERVER,
    address,
    apply,
    converge,
    deploy,
    everywhere,
    have_web,
    inside,
    on,
    reboot,
    role,
    sdk,
)

SERVICE = "files_files"
USERS = f"print(len(api.containers(all=True, filters={{'label': 'com.docker.swarm.service.name={SERVICE}'}})))"


def export(path: str, **options: Any) -> dict[str, Any]:
    return {"path": path, "mode": "0777", "clients": [address(node) for node in NODES], **options}


def volume(preset: str) -> list[dict[str, Any]]:
    return [{"name": "shared", "nfs": {"server": address(SERVER), "path": "/srv/shared", "preset": preset}}]


def remove_stack() -> None:
    converge(playbook="playbooks/deploy.yml", stacks_absent=["files"])
    until(lambda: {sdk(node, USERS).strip() for node in NODES} == {"0"})  # an engine removes containers some seconds later


def write(node: str, name: str, text: str) -> None:
    inside(node, SERVICE, "sh", "-c", f"echo {text} >/shared/{name}")


def read(node: str, name: str) -> str:
    return inside(node, SERVICE, "cat", f"/shared/{name}").strip()


@pytest.fixture(scope="module", autouse=True)
def shared() -> Iterator[None]:
    have_web()
    # after its start a server lets clients wait for 90 s otherwise
    on(SERVER, "mkdir -p /etc/nfs.conf.d && printf '[nfsd]\\ngrace-time=15\\n' >/etc/nfs.conf.d/lab.conf")
    # an earlier session on the same lab left another volume
    apply(
        "nfs_server,volumes",
        nfs_server_exports=[export("/srv/shared"), export("/srv/spare")],
        volumes_present=volume("data"),
        volumes_recreate="if_unused",
    )
    deploy(FILES)
    everywhere(SERVICE)
    yield
    remove_stack()


def test_what_one_task_writes_all_tasks_read() -> None:
    for node in NODES:
        write(node, f"by-{node}", node)
    for node in NODES:
        assert [read(node, f"by-{writer}") for writer in NODES] == list(NODES)
    assert on(SERVER, "cat /srv/shared/by-m3").strip() == "m3"


def test_tasks_go_on_when_the_server_comes_back() -> None:
    before = everywhere(SERVICE)
    reboot(SERVER)
    after = everywhere(SERVICE, node="m2")
    assert {node: after[node] for node in NODES if node != SERVER} == {node: before[node] for node in NODES if node != SERVER}
    for node in NODES:
        assert until(partial(read, node, "by-m3")) == "m3"
        write(node, f"again-{node}", node)
    assert read("m2", "again-m3") == "m3"


def test_a_mounted_directory_is_back_after_a_reboot_and_nobody_writes_below_it() -> None:
    def mount(**variables: Any) -> int:
        return apply("nfs_mount", "--limit", CLIENT, **variables).changed[CLIENT]

    wanted = [{"path": "/mnt/shared", "server": address(SERVER), "export": "/srv/shared"}]
    assert [mount(nfs_mount_present=wanted) for _ in range(2)] == [1, 0]
    on(CLIENT, "echo here >/mnt/shared/by-the-host")
    assert on(SERVER, "cat /srv/shared/by-the-host").strip() == "here"
    reboot(CLIENT)
    assert on(CLIENT, "cat /mnt/shared/by-the-host").strip() == "here"
    on(CLIENT, "systemctl stop mnt-shared.automount mnt-shared.mount && ! touch /mnt/shared/astray")
    assert mount(nfs_mount_absent=["/mnt/shared"]) == 1
    assert on(CLIENT, "ls -d /mnt/shared 2>/dev/null || echo none").strip() == "none"


def test_an_export_that_goes_or_fails_leaves_the_others_alone() -> None:
    assert apply("nfs_server", nfs_server_exports=[export("/srv/shared")]).changed == {SERVER: 1}
    exported = sorted(on(SERVER, "exportfs -s").splitlines())
    assert "/srv/spare" not in "".join(exported)
    run = role("nfs_server", nfs_server_exports=[export("/srv/shared"), export("/srv/spare", options=["rw", "sec=none-such"])])
    assert run.rc != 0
    assert "The former file was restored and exported again." in run.text
    assert sorted(on(SERVER, "exportfs -s").splitlines()) == exported
    everywhere(SERVICE)
    write("m3", "after", "m3")
    assert read("m2", "after") == "m3"


def test_a_volume_in_use_is_not_changed() -> None:
    run = role("volumes", volumes_present=volume("readonly"), volumes_recreate="if_unused")
    assert run.rc != 0
    assert run.changed == dict.fromkeys(NODES, 0)
    for node in NODES:
        assert f"volumes of {node} differ" in run.text
    assert "files_files" in run.text, "it names what uses the volume"
    write("m2", "still", "writable")


def test_an_unused_volume_is_recreated_and_its_data_stays() -> None:
    remove_stack()
    run = apply("volumes", volumes_present=volume("readonly"), volumes_recreate="if_unused")
    assert run.changed == dict.fromkeys(NODES, 1)
    deploy(FILES)
    everywhere(SERVICE)
    for node in NODES:
        assert read(node, "by-m1") == "m1"
        with pytest.raises(AssertionError, match="Read-only file system"):
            write(node, "by-m1", "nobody")
