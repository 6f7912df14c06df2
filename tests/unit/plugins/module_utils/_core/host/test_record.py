# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.mounts import Mounted
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.record import (
    NotRecorded,
    RecordedEngine,
    RecordedHost,
    is_remote,
    may_be_kept,
    trim,
)

HOST = RecordedHost(
    {
        "read": {"/etc/a": "text", "/etc/b": None, "/etc/d/x": "x"},
        "exists": {"/srv": False},
        "list_dir": {"/etc/d": ["x", "y"]},
        "run": {'["tool", "-v"]': [0, "1.0", ""]},
        "units": {"a.service": {"active": True, "enabled": True}, "b.service": None},
        "packages": {"bash": {"version": "5", "hold": False}, "nix": None},
        "stat": {
            "/srv/a": {"kind": "directory", "uid": 7, "gid": 8, "mode": 0o755, "user": "ann", "group": "staff"},
            "/srv/b": {"kind": "absent"},
        },
        "groups_of": {"ann": ["ann", "docker"], "bob": None},
    }
)


def test_answers_are_those_of_the_host() -> None:
    assert (HOST.read("/etc/a"), HOST.read("/etc/b"), HOST.exists("/srv")) == ("text", None, False)
    assert HOST.run(["tool", "-v"]) == (0, "1.0", "")
    assert HOST.units(["a.service", "b.service"]) == {"a.service": {"active": True, "enabled": True}}
    assert HOST.packages(["bash", "nix"]) == {"bash": {"version": "5", "hold": False}}
    assert HOST.groups_of(["ann", "bob"]) == {"ann": ["ann", "docker"], "bob": None}


def test_whom_something_belongs_to_is_known_by_name() -> None:
    assert (HOST.user_id("ann"), HOST.group_id("staff"), HOST.stat("/srv/b")["kind"]) == (7, 8, "absent")


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("/srv", False),
        ("/mnt/nfs", True),
        ("/mnt/nfs/deep/er", True),
        ("/mnt/nfsx", False),
        ("/lazy/x", True),
        ("/mnt/nfs/local/x", False),
        ("/mnt/gluster/x", True),
    ],
)
def test_what_is_on_another_host(path: str, remote: bool) -> None:
    mounted = {
        "/": Mounted("/dev/sda1", "ext4"),
        "/mnt/nfs": Mounted("n1:/x", "nfs4"),
        "/mnt/nfs/local": Mounted("tmpfs", "tmpfs"),
        "/lazy": Mounted(waiting=True),
        "/mnt/gluster": Mounted("n2:/v", "fuse.glusterfs"),
    }
    assert is_remote(path, mounted) is remote


def test_what_a_listed_directory_does_not_have_is_not_there() -> None:
    assert HOST.read("/etc/d/x") == "x" and HOST.read("/etc/d/z") is None and not HOST.exists("/etc/d/z")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: HOST.read("/etc/c"),
        lambda: HOST.read("/etc/d/y"),  # it is there, and was not read
        lambda: HOST.exists("/opt"),
        lambda: HOST.list_dir("/etc"),
        lambda: HOST.mode("/etc/a"),
        lambda: HOST.find_command("tool"),
        lambda: HOST.run(["tool"]),
        lambda: HOST.units(["c.service"]),
        lambda: HOST.packages(["vim"]),
        lambda: HOST.groups_of(["eve"]),
        lambda: HOST.stat("/srv/c"),
        lambda: HOST.user_id("eve"),
        lambda: HOST.group_id("ann"),
        lambda: HOST.source_address("10.0.0.1"),
        lambda: RecordedEngine({"/info": {}}).get("/volumes"),
        lambda: RecordedEngine({"/info": {}}).get("/info", filters={}),
    ],
)
def test_nobody_guesses_what_was_not_read(ask: t.Callable[[], t.Any]) -> None:
    with pytest.raises(NotRecorded):
        ask()


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ('{"live-restore": false, "log-opts": {"max-size": "10m"}}', True),
        ('{"proxies": {"http-proxy": "http://ann:hunter2@proxy:3128"}}', False),
        ('{"log-opts": {"splunk-token": "abc"}}', False),
        ([0, "Environment=HTTP_PROXY=http://ann:hunter2@proxy:3128", ""], False),
        ([0, "Environment=API_TOKEN=abc", ""], False),
        ("//server/share /mnt cifs username=ann,password=hunter2 0 0", False),
        ({"Volumes": [{"Name": "v", "Options": {"type": "cifs", "o": "addr=10.0.0.5,password=hunter2"}}]}, False),
        ({"Volumes": [{"Name": "v", "Options": {"type": "nfs", "o": "addr=10.0.0.5,rw", "device": ":/srv"}}]}, True),
        ({"Swarm": {"Cluster": {"TLSInfo": {"CertIssuerPublicKey": "MFkw"}}}}, True),
        (None, True),
    ],
)
def test_what_may_be_a_secret_is_not_kept(answer: t.Any, kept: bool) -> None:
    assert may_be_kept(answer) is kept


def test_an_answer_is_trimmed_of_what_nobody_reads() -> None:
    info = {"Name": "m1", "Runtimes": {"runc": {"status": {"long": "x" * 9999}}}}
    assert trim("/info", info) == {"Name": "m1", "Runtimes": {"runc": {}}}
    node = {"ID": "a", "Description": {"Hostname": "m1", "Engine": {"EngineVersion": "28", "Plugins": [{}] * 40}}}
    assert trim("/nodes", [node]) == [{"ID": "a", "Description": {"Hostname": "m1", "Engine": {"EngineVersion": "28"}}}]
    assert json.dumps(trim("/volumes", {"Volumes": None})) == '{"Volumes": null}'
