# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data roots that are full, read-only or without inodes, and other faults of one node: each is named by its cause."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenario import finish, until
from tests.scenario.faults import ALTER, is_updating, locks, on, play, push, sdk, see, settle, start, wrongs


@pytest.fixture(autouse=True)
def well() -> None:
    settle()


# What somebody does to a deploy by hand, and what it says of that.
OTHERS = {
    "changed": (ALTER.format(name="app_store"), "service app_store was changed by something else (environment.FOREIGN)"),
    "removed": ("api.remove_service('app_store')", "app_store is gone: something else removed it meanwhile"),
    "unlocked": ("api.remove_config('lock.app')", "the lock of app is gone"),
}


@pytest.mark.parametrize("release", OTHERS)
def test_what_something_else_does_to_a_deploy_is_named(release: str) -> None:
    act, told = OTHERS[release]
    process = start("deploy", release=release)
    until(is_updating, "the deploy")
    sdk("m1", act)
    run = finish(process)
    assert run.rc != 0 and told in run.text, run.out
    assert not locks(see())


ROOTS = {
    "full": ("fallocate -l $(( $(df --output=avail -B1 /var/lib/docker | tail -1) )) /var/lib/docker/filler", "no space left on device"),
    "without inodes": (
        "mount -o remount,nr_inodes=$(( $(df --output=iused /var/lib/docker | tail -1) + 2 )) /var/lib/docker",
        "no space left on device",
    ),
    "read-only": (
        "mount --bind /var/lib/docker/tmp /var/lib/docker/tmp && mount -o remount,bind,ro /var/lib/docker/tmp",
        "read-only file system",
    ),
}
MEND = "umount /var/lib/docker/tmp; rm -f /var/lib/docker/filler; mount -o remount,nr_inodes=200000 /var/lib/docker || true"


@pytest.fixture(scope="module")
def small() -> Iterator[str]:
    """A worker whose data root is a small file system of its own."""
    on("w2", "systemctl stop docker docker.socket && cp -a /var/lib/docker /var/lib/kept")
    on("w2", "mount -t tmpfs -o size=300m,nr_inodes=200000 flotilla /var/lib/docker && cp -a /var/lib/kept/. /var/lib/docker/")
    on("w2", "systemctl start docker")
    yield "w2"
    on("w2", "systemctl stop docker docker.socket; umount /var/lib/docker && rm -rf /var/lib/kept; systemctl start docker")
    settle()


@pytest.mark.parametrize("kind", ROOTS)
def test_a_node_that_can_not_pull_is_named_with_its_own_reason(kind: str, small: str) -> None:
    command, reason = ROOTS[kind]
    image = push(kind.replace(" ", "-"))
    on(small, command)
    try:
        run = play("update", services_names=["app_store"], services_update={"image": image, "constraints": [f"node.hostname=={small}"]})
        health = play("health")
    finally:
        on(small, MEND)
    assert run.rc != 0 and f"{small} could not pull " in run.text and reason in run.text, run.out
    assert "left paused" not in run.text and wrongs(see()) == [], run.out
    assert small in health.text and health.rc != 0, health.out


def test_packet_filters_that_were_emptied_are_named() -> None:
    on("w1", "iptables -F && iptables -t nat -F && iptables -P FORWARD DROP")
    try:
        health = play("health")
        assert "w1" in health.text and "packet filter" in health.text, health.out
    finally:
        on("w1", "iptables -P FORWARD ACCEPT; systemctl restart docker")


def test_a_node_without_names_is_told() -> None:
    on("w1", "echo 'nameserver 192.0.2.1' >/run/resolv.none && mount --bind /run/resolv.none /etc/resolv.conf")
    try:
        run, health = play("upgrade", "--check", "--limit", "w1,m1,m2,m3"), play("health")
    finally:
        on("w1", "umount /etc/resolv.conf")
    assert run.rc != 0 and "could not be resolved" in run.text, run.out
    assert "w1" in health.text and "name server" in health.text, health.out


def test_a_dead_engine_on_a_live_host_is_named() -> None:
    on("w1", "systemctl stop docker docker.socket")
    try:
        health = play("health")
    finally:
        on("w1", "systemctl start docker")
    assert health.rc != 0 and "w1" in health.text and "docker" in health.text, health.out
