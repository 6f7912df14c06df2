# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of m1 on w1, over SSH for real. NFS needs a kernel with it, and without one its end is seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenario.hosts import address, on, play

POINT = "/srv/from-m1"
UNIT = r"'srv-from\x2dm1.mount'"


@pytest.fixture(scope="module")
def secrets() -> Iterator[dict[str, Any]]:
    """A key of w1 that m1 admits, and m1's own key as known_hosts has it."""
    on("m1", "mkdir -p /srv/scans && echo hello > /srv/scans/greeting")
    key = on("w1", "rm -f /tmp/key; ssh-keygen -q -t ed25519 -N '' -f /tmp/key && cat /tmp/key && rm /tmp/key")
    public = on("w1", "cat /tmp/key.pub && rm /tmp/key.pub")
    on("m1", "cat >> /root/.ssh/authorized_keys", f"{public}\n")
    host_key = " ".join(on("m1", "cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
    yield {"sshfs_mount_key": key, "sshfs_mount_known_hosts": [f"{address('m1')} {host_key}"]}
    on("m1", f"grep -v '{public.split()[1]}' /root/.ssh/authorized_keys > /root/keys; cat /root/keys > /root/.ssh/authorized_keys")


def mount(secrets: dict[str, Any], *arguments: str, **more: Any) -> Any:
    wanted = [{"path": POINT, "server": address("m1"), "export": "/srv/scans"}]
    # the nodes have no /dev/autofs
    settings = {"sshfs_mount_present": wanted, "sshfs_mount_automount": False, **secrets, **more}
    return play("sshfs_mount", "--limit", "w1", *arguments, **settings)


def mounted() -> str:
    return on("w1", f"awk '$5 == \"{POINT}\"' /proc/self/mountinfo")


def test_neither_key_nor_known_hosts(secrets: dict[str, Any]) -> None:
    assert "any host could pose as a server" in mount(secrets, sshfs_mount_known_hosts=[]).text
    assert "sshfs_mount_key holds no private key" in mount(secrets, sshfs_mount_key="").text
    assert on("w1", "command -v sshfs || echo none") == "none"


def test_check_mode_on_a_bare_host(secrets: dict[str, Any]) -> None:
    run = mount(secrets, "--check", "--diff")
    assert run.rc == 0, run.out
    assert "sshfs would be installed" in run.out
    assert f"+ mount    {POINT}" in run.out
    assert on("w1", f"ls -d {POINT} /etc/flotilla/sshfs 2>/dev/null || true") == ""


def test_mounted_read_and_written(secrets: dict[str, Any]) -> None:
    run = mount(secrets, "-vvvv")
    assert run.rc == 0, run.out
    assert "OPENSSH" not in run.out
    assert on("w1", f"cat {POINT}/greeting") == "hello"
    on("w1", f"echo back > {POINT}/answer")
    assert on("m1", "cat /srv/scans/answer") == "back"
    assert on("w1", "stat -c '%a %U' /etc/flotilla/sshfs/key /etc/flotilla/sshfs") == "600 root\n700 root"
    assert on("w1", f"systemctl is-enabled {UNIT}") == "enabled"
    assert mount(secrets).changed == {"w1": 0}


def test_a_connection_that_breaks_comes_back(secrets: dict[str, Any]) -> None:
    before = mounted()
    on("w1", "for pid in $(pgrep -x ssh); do kill $pid; done")
    assert on("w1", f"timeout 30 cat {POINT}/greeting") == "hello"
    assert mounted() == before
    assert mount(secrets).changed == {"w1": 0}


def test_an_unmounted_directory_takes_nothing(secrets: dict[str, Any]) -> None:
    on("w1", f"umount {POINT}")
    assert on("w1", f"touch {POINT}/lost 2>/dev/null || echo refused") == "refused"
    assert mount(secrets).changed == {"w1": 1}
    assert on("w1", f"cat {POINT}/greeting") == "hello"


def test_a_mount_in_use_is_not_changed(secrets: dict[str, Any]) -> None:
    on("w1", f"cd {POINT}; setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $! > /tmp/user")
    before = mounted()
    other = {"sshfs_mount_options": ["reconnect", "ro"]}
    run = mount(secrets, **other)
    assert run.rc != 0
    assert "busy" in run.text
    assert "Drain the node, or stop what uses it" in run.text
    assert mounted() == before
    on("w1", "kill $(cat /tmp/user)")
    assert mount(secrets, **other).changed == {"w1": 1}
    assert on("w1", f"touch {POINT}/x 2>/dev/null || echo refused") == "refused"
    assert mount(secrets, **other).changed == {"w1": 0}
    assert mount(secrets).changed == {"w1": 1}


def test_a_server_with_another_key_is_refused_and_the_mount_stays(secrets: dict[str, Any]) -> None:
    line = on("w1", "cat /etc/ssh/ssh_host_ed25519_key.pub").split()
    run = mount(secrets, sshfs_mount_known_hosts=[f"{address('m1')} {line[0]} {line[1]}"], sshfs_mount_options=["ro"])
    assert run.rc != 0
    assert "mounting root@" in run.text
    assert "The former unit was restored." in run.text
    assert mount(secrets).rc == 0
    assert on("w1", f"cat {POINT}/greeting") == "hello"


def test_a_directory_that_holds_something_is_refused(secrets: dict[str, Any]) -> None:
    on("w1", "mkdir -p /srv/full && touch /srv/full/precious")
    run = mount(secrets, sshfs_mount_present=[{"path": "/srv/full", "server": address("m1"), "export": "/srv/scans"}])
    assert "/srv/full is not mounted and holds precious, which the mount would hide" in run.text
    assert on("w1", "ls /srv/full && ls /etc/systemd/system | grep -c full || true") == "precious\n0"


def test_a_first_failure_leaves_nothing(secrets: dict[str, Any]) -> None:
    run = mount(secrets, sshfs_mount_present=[{"path": "/srv/none", "server": address("m1"), "export": "/srv/nowhere"}])
    assert run.rc != 0
    assert "Nothing of it remains." in run.text
    assert on("w1", "ls -d /srv/none 2>/dev/null || ls /etc/systemd/system | grep none || echo gone") == "gone"


def test_absent(secrets: dict[str, Any]) -> None:
    run = play("sshfs_mount", "--limit", "w1", sshfs_mount_absent=[POINT])
    assert (run.rc, run.changed) == (0, {"w1": 1})
    assert mounted() == ""
    assert on("w1", f"ls -d {POINT} 2>/dev/null || systemctl list-unit-files --quiet {UNIT} || true") == ""
    assert on("m1", "cat /srv/scans/greeting") == "hello"
    assert play("sshfs_mount", "--limit", "w1", sshfs_mount_absent=[POINT]).changed == {"w1": 0}


def test_nfs_or_the_reason_why_not() -> None:
    wanted = [{"path": "/srv/nfs", "server": address("m1"), "export": "/srv/shared"}]
    run = play("nfs_mount", "--limit", "w1", nfs_mount_present=wanted, nfs_mount_automount=False, nfs_mount_timeout=10)
    if "nfs4" in on("w1", "cat /proc/filesystems"):
        assert run.rc == 0, run.out
        assert " nfs4 " in on("w1", "grep ' /srv/nfs ' /proc/self/mountinfo")
        assert play("nfs_mount", "--limit", "w1", nfs_mount_absent=["/srv/nfs"]).changed == {"w1": 1}
    else:
        assert run.rc != 0
        assert "mount.nfs:" in run.text
        assert "Nothing of it remains." in run.text
        assert on("w1", "ls -d /srv/nfs 2>/dev/null || ls /etc/systemd/system | grep nfs.mount || echo gone") == "gone"
