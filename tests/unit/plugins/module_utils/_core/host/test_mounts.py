# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount units: names as systemd-escape makes them, what the kernel lists, and which differences count."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import mounts
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.mounts import Mount, Mounted
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from hypothesis import given
from hypothesis import strategies as st

NFS = Mount("/srv/data", "10.0.0.5:/srv/data", "nfs", ("nfsvers=4.2", "rw", "hard", "timeo=600", "retrans=2", "_netdev"))
# As Linux 6.1 lists it.
LIVE = (
    "rw,noatime,vers=4.2,rsize=1048576,wsize=1048576,namlen=255,hard,proto=tcp,timeo=600,retrans=2,sec=sys,clientaddr=10.0.0.11,"
    "local_lock=none,addr=10.0.0.5"
)


def item(**more: t.Any) -> dict[str, t.Any]:
    settled = {"path": "/srv/data", "source": "10.0.0.5:/srv/data", "type": "nfs", "options": None, "preset": "data", "version": "4.2"}
    return {**settled, "automount": False, "timeout": 30, "engine_waits": False, **more}


@pytest.mark.parametrize(
    ("path", "name"),  # from systemd-escape --path
    [
        ("/srv", "srv"),
        ("/srv/data", "srv-data"),
        ("/srv/my-data", r"srv-my\x2ddata"),
        ("/mnt/a_b:c.d", "mnt-a_b:c.d"),
        ("/.hidden/x", r"\x2ehidden-x"),
        ("/srv/ä", r"srv-\xc3\xa4"),
        ("/srv/a@b", r"srv-a\x40b"),
    ],
)
def test_units_are_named_after_paths(path: str, name: str) -> None:
    assert mounts.escape(path) == name


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, ("nfsvers=4.2", "rw", "hard", "timeo=600", "retrans=2", "noatime", "_netdev")),
        ({"preset": "readonly"}, ("nfsvers=4.2", "ro", "hard", "timeo=600", "retrans=2", "noatime", "_netdev")),
        ({"options": ["ro"], "version": "3"}, ("nfsvers=3", "ro", "_netdev")),
        ({"type": "fuse.sshfs", "options": ["reconnect"]}, ("reconnect", "_netdev")),
        ({"type": "fuse.sshfs"}, ("_netdev",)),
    ],
)
def test_options(more: dict[str, t.Any], found: tuple[str, ...]) -> None:
    (mount,) = mounts.wanted_mounts([item(**more)])
    assert mount.options == found


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("rw,hard,timeo=600,retrans=2,noatime", []),
        ("rw,hard,intr", ["intr"]),
        ("rw,soft,timeo=30", ["soft"]),
        ("ro,soft,timeo=30", []),
        ("soft,nolock", ["soft", "nolock"]),
        ("soft,nolock,ro", ["nolock"]),
        ("rw,hard,nolock", ["nolock"]),
        ("rw,softerr", []),
        ("rw,bg,hard,intr,nolock", ["nolock", "intr"]),
        ("defaults", []),
        ("rw,hard,sec=krb5p,proto=tcp", []),
    ],
)
def test_options_that_are_regretted(options: str, words: list[str]) -> None:
    found = mounts.warnings(mounts.wanted_mounts([item(options=options.split(","))]))
    assert [re.findall(r"mount option (\w+):", warning)[0] for warning in found] == words


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"path": "srv/data"}, "not an absolute path"),
        ({"path": "/"}, "not an absolute path"),
        ({"path": "/srv/../etc"}, "not an absolute path"),
        ({"path": "/srv/./x"}, "not an absolute path"),
        ({"path": "/srv/data/"}, "not an absolute path"),
        ({"path": "/srv//data"}, "not an absolute path"),
        ({"path": "/srv/my data"}, "not an absolute path"),
        ({"path": "/srv/50%"}, "not an absolute path"),
        ({"path": '/srv/"x"'}, "not an absolute path"),
        ({"path": "/old"}, "is already in /etc/fstab"),
        ({"source": "10.0.0.5"}, "not a source"),
        ({"source": "/srv/data"}, "not a source"),
        ({"source": "10.0.0.5:srv"}, "not a source"),
        ({"source": "nfs server:/srv"}, "not a source"),
        ({"source": "fd00::5:/srv"}, "not a source"),
        ({"source": "10.0.0.5:/srv/%h"}, "not a source"),
        ({"source": "-oProxyCommand=x:/srv"}, "not a source"),
        ({"source": "10.0.0.5:/srv\\"}, "not a source"),
        ({"source": "10.0.0.5:/srv\0What=x"}, "not a source"),
        ({"path": "/srv\0/x"}, "not an absolute path"),
        ({"options": ("rw\0TimeoutSec=1",)}, "contains a space"),
        ({"options": ("",)}, "contains a space"),
        ({"options": ("rw", "ro")}, "exclude each other"),
        ({"options": ("rw,hard",)}, "contains a space, a comma"),
        ({"options": ("rw hard",)}, "contains a space, a comma"),
        ({"options": ("context=%t",)}, "contains a space, a comma"),
    ],
)
def test_refused(more: dict[str, t.Any], words: str) -> None:
    fstab = "# /srv/data is told of here only\n10.0.0.9:/x /old nfs rw 0 0\nUUID=1 / ext4 defaults 0 1\n"
    with pytest.raises(PlanError, match=words):
        mounts.refuse([Mount(**{**vars(NFS), **more})], fstab)


@pytest.mark.parametrize("source", ["nfs1:/srv", "10.0.0.5:/", "[fd00::5]:/srv/data", "ocr@files.example.org:/home/ocr", "u@[fd00::5]:/x"])
def test_accepted_sources(source: str) -> None:
    mounts.refuse([Mount("/srv/a-b", source, "fuse.sshfs" if "@" in source else "nfs", ())], "")


def test_all_faults_at_once_and_doubles() -> None:
    with pytest.raises(PlanError) as found:
        mounts.refuse([NFS, NFS, Mount("x", "y", "nfs", ("ro", "rw"))], "")
    assert str(found.value).count("\n") == 4


def test_the_units() -> None:
    files = mounts.files(Mount("/srv/my-data", "h:/x", "nfs", ("rw", "_netdev"), automount=True, timeout=7, engine_waits=True))
    mount, automount, drop_in = files
    assert mount == r"/etc/systemd/system/srv-my\x2ddata.mount"
    assert automount == r"/etc/systemd/system/srv-my\x2ddata.automount"
    assert drop_in == r"/etc/systemd/system/docker.service.d/60-flotilla-srv-my\x2ddata.conf"
    for text in files.values():
        assert text is not None
        assert text.startswith(mounts.HEAD)
        assert "/srv/my-data" in text
    assert mounts.parse_unit(files[mount]) == {"source": "h:/x", "type": "nfs", "options": "rw,_netdev", "timeout": "7"}
    assert [path for path, text in mounts.files(NFS).items() if text is None] == [
        "/etc/systemd/system/srv-data.automount",
        "/etc/systemd/system/docker.service.d/60-flotilla-srv-data.conf",
    ]


def test_what_the_kernel_lists() -> None:
    listed = mounts.parse_mountinfo(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "36 22 0:41 / /srv/data rw,noatime shared:9 - nfs4 10.0.0.5:/srv/data rw,vers=4.2,hard\n"
        r"40 22 0:50 / /mnt/my\040scans rw,nosuid - fuse.sshfs ocr@h:/my\040scans rw,user_id=0" + "\n"
        "41 22 0:51 / /srv/auto rw shared:3 - autofs systemd-1 rw,fd=49\n"
        "42 22 0:52 / /srv/both rw shared:3 - autofs systemd-1 rw,fd=49\n"
        "43 42 0:53 / /srv/both rw,relatime shared:4 - nfs4 h:/both rw,vers=4.2\n"
        "garbage\n"
    )
    assert listed["/srv/data"] == Mounted("10.0.0.5:/srv/data", "nfs4", ("rw", "vers=4.2", "hard", "noatime"))
    assert listed["/mnt/my scans"].source == "ocr@h:/my scans"
    assert listed["/srv/auto"] == Mounted(waiting=True)
    assert (listed["/srv/both"].source, listed["/srv/both"].waiting) == ("h:/both", True)


def live(options: str = LIVE, source: str = "10.0.0.5:/srv/data", kind: str = "nfs4") -> Mounted:
    return Mounted(source, kind, tuple(options.split(",")))


@pytest.mark.parametrize(
    ("mounted", "paths"),
    [
        (live(), []),
        (live(source="10.0.0.5:/srv/data/"), []),
        (live(kind="nfs"), []),
        (live("rw," + LIVE), []),
        (live(LIVE.replace("vers=4.2", "vers=4.1")), ["mounted.vers"]),
        (live(LIVE.replace("timeo=600", "timeo=50")), ["mounted.timeo"]),
        (live(LIVE.replace("hard", "soft")), ["mounted.failure"]),
        (live("ro," + LIVE), ["mounted.access"]),
        (live(source="10.0.0.6:/srv/data"), ["mounted.source"]),
        # As a volume that an engine mounted before: the kernel tells the first name of what both share.
        (live(source=":/srv/data"), []),
        (live(source=":/srv/other"), ["mounted.source"]),
        (live(LIVE.replace("addr=10.0.0.5", "addr=10.0.0.6"), source=":/srv/data"), ["mounted.source"]),
        (live(kind="ext4"), ["mounted.type"]),
        (Mounted(), ["mounted"]),
        (Mounted(waiting=True), ["mounted"]),
    ],
)
def test_what_is_mounted_otherwise_is_seen(mounted: Mounted, paths: list[str]) -> None:
    unit = next(text for text in mounts.files(NFS).values() if text)
    fields = mounts.differences(NFS, unit, mounted)
    assert [field.path for field in fields] == paths
    assert mounts.remounts(NFS, mounted, fields) is bool(paths and mounted.source)


def test_a_mount_that_waits_for_its_first_access_is_there() -> None:
    waiting = Mount(**{**vars(NFS), "automount": True})
    unit = next(text for text in mounts.files(waiting).values() if text)
    assert mounts.differences(waiting, unit, Mounted(waiting=True)) == ()


@pytest.mark.parametrize(("server", "address"), [("files.example.com", "10.0.0.9"), ("[fd00::5]", "fd00::5")])
def test_a_volume_and_a_mount_share_what_they_mount(server: str, address: str) -> None:
    mount = Mount(**{**vars(NFS), "source": f"{server}:/srv/data"})
    unit = next(text for text in mounts.files(mount).values() if text)
    shared = live(LIVE.replace("addr=10.0.0.5", f"addr={address}"), source=":/srv/data")
    assert mounts.differences(mount, unit, shared) == ()


def test_an_agreed_minor_version_is_no_difference() -> None:
    four = Mount(**{**vars(NFS), "options": ("nfsvers=4", "rw")})
    unit = next(text for text in mounts.files(four).values() if text)
    assert mounts.differences(four, unit, live()) == ()


def test_another_timeout_does_not_unmount() -> None:
    unit = next(text for text in mounts.files(Mount(**{**vars(NFS), "timeout": 99})).values() if text)
    fields = mounts.differences(NFS, unit, live())
    assert [field.path for field in fields] == ["timeout"]
    assert not mounts.remounts(NFS, live(), fields)


@given(st.text(min_size=1, max_size=20).map(lambda text: "/" + text.strip("/")))
def test_no_two_paths_share_a_unit(path: str) -> None:
    name = mounts.escape(path)
    assert re.fullmatch(r"([A-Za-z0-9:_.\\-])*", name)
    back = re.sub(r"((?:\\x[0-9a-f]{2})+)", lambda found: bytes.fromhex(found.group(1).replace("\\x", "")).decode(), name.replace("-", "/"))
    assert back == path.strip("/")
