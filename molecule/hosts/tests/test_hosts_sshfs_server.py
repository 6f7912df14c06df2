# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories that role sshfs_server serves on m1, mounted on w1: by its keys alone, for files alone, and nothing stays of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario.hosts import address, on, play

POINT = "/srv/of-the-server"
UNIT = "flotilla-sshfs-server.service"
PORT = 2222


def key_pair() -> tuple[str, str]:
    made = on("w1", "rm -f /tmp/pair*; ssh-keygen -q -t ed25519 -N '' -C test -f /tmp/pair && cat /tmp/pair.pub /tmp/pair && rm /tmp/pair*")
    public, _, private = made.partition("\n")
    return private, public


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    host, client = key_pair(), key_pair()
    return {
        "sshfs_server_host_key": host[0],
        "sshfs_server_authorized_keys": [client[1]],
        "sshfs_mount_key": client[0],
        "sshfs_mount_known_hosts": [f"[{address('m1')}]:{PORT} {host[1]}"],
    }


def serve(keys: dict[str, Any], *arguments: str, **more: Any) -> Any:
    settings = {"sshfs_server_directories": [{"path": "/srv/served", "mode": "0755"}], **keys, **more}
    return play("sshfs_server", "--limit", "m1", *arguments, **settings)


def mount(keys: dict[str, Any], **more: Any) -> Any:
    wanted = [{"path": POINT, "server": address("m1"), "port": PORT, "user": "sshfs", "export": "/srv/served"}]
    # the nodes have no /dev/autofs
    return play("sshfs_mount", "--limit", "w1", **{"sshfs_mount_present": wanted, "sshfs_mount_automount": False, **keys, **more})


def test_check_mode_before_it_is_there(keys: dict[str, Any]) -> None:
    run = serve(keys, "--check", "--diff")
    assert run.rc == 0, run.out
    assert "OPENSSH" not in run.out
    assert on("m1", "ls -d /srv/served /etc/flotilla/sshfs_server 2>/dev/null; getent passwd sshfs || true") == ""


def test_served_mounted_and_written(keys: dict[str, Any]) -> None:
    run = serve(keys, "-vvvv")
    assert run.rc == 0, run.out
    assert "OPENSSH" not in run.out
    run = mount(keys)
    assert run.rc == 0, run.out
    on("w1", f"echo hello > {POINT}/greeting")
    assert on("m1", "stat -c '%U %s' /srv/served/greeting") == "sshfs 6"
    assert serve(keys).changed == {"m1": 0}
    assert mount(keys).changed == {"w1": 0}


def test_neither_a_shell_nor_another_user_nor_a_password(keys: dict[str, Any]) -> None:
    ssh = f"ssh -o BatchMode=yes -i /etc/flotilla/sshfs/key -o UserKnownHostsFile=/etc/flotilla/sshfs/known_hosts -p {PORT}"
    assert on("w1", f"timeout 10 {ssh} sshfs@{address('m1')} id </dev/null 2>&1 || true").count("uid=") == 0
    assert "Permission denied (publickey)" in on("w1", f"{ssh} root@{address('m1')} true 2>&1 || true")
    assert "Permission denied (publickey)" in on("w1", f"{ssh} -o PubkeyAuthentication=no sshfs@{address('m1')} true 2>&1 || true")
    forward = f"timeout 10 {ssh} -N -o ExitOnForwardFailure=yes -R 9999:localhost:22 sshfs@{address('m1')}"
    assert "forwarding failed" in on("w1", f"{forward} 2>&1 || true")


def test_a_key_taken_away_gets_in_no_more_and_a_new_host_key_is_not_trusted(keys: dict[str, Any]) -> None:
    ssh = f"sftp -o BatchMode=yes -i /etc/flotilla/sshfs/key -o UserKnownHostsFile=/etc/flotilla/sshfs/known_hosts -P {PORT}"
    other = key_pair()
    assert serve(keys, sshfs_server_authorized_keys=[other[1]]).changed == {"m1": 1}
    assert "Permission denied" in on("w1", f"{ssh} sshfs@{address('m1')} </dev/null 2>&1 || true")
    assert serve(keys, sshfs_server_host_key=other[0]).changed == {"m1": 3}  # both keys, and the server started anew
    assert "verification failed" in on("w1", f"{ssh} sshfs@{address('m1')} </dev/null 2>&1 || true")
    assert serve(keys).rc == 0
    assert on("w1", f"timeout 60 cat {POINT}/greeting") == "hello"  # the mount is back by itself


def test_the_keys_are_required(keys: dict[str, Any]) -> None:
    assert "sshfs_server_host_key holds no private key" in serve(keys, sshfs_server_host_key="").text
    assert "nobody could connect" in serve(keys, sshfs_server_authorized_keys=[]).text


def test_without_directories_nothing_stays_but_them(keys: dict[str, Any]) -> None:
    assert play("sshfs_mount", "--limit", "w1", sshfs_mount_absent=[POINT]).rc == 0
    run = serve(keys, sshfs_server_directories=[])
    assert run.rc == 0, run.out
    assert on("m1", f"ls -d /etc/flotilla/sshfs_server 2>/dev/null; systemctl list-unit-files --quiet {UNIT} || true") == ""
    assert on("m1", f"ss -Htln 'sport = {PORT}'") == ""
    assert on("m1", "cat /srv/served/greeting") == "hello"
    assert serve(keys, sshfs_server_directories=[]).changed == {"m1": 0}
    on("m1", "userdel sshfs")
