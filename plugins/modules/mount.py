#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mount
short_description: Mount directories of other hosts, and keep everybody out while they are not mounted
version_added: 0.1.0
description:
  - Has a systemd unit for each mount, mounts it, and proves from the kernel's list that it is there with the wanted options.
  - The mount point is made with mode 0000 and, where its file system can, immutable. What would be written into it while nothing is
    mounted fails, instead of filling the host's own disk.
  - Where a mount differs it is unmounted and mounted again. While something uses it that is refused, and nothing is changed; so it is
    where its server does not answer for 90 seconds.
  - When a mount fails, the former unit comes back and the run fails with the cause.
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  mounts:
    description: The mounts.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the mount point. A directory that holds something is refused while it is not mounted.
        type: str
        required: true
      source:
        description: What to mount, as V(server:/path), for SSHFS V(user@server:/path).
        type: str
        required: true
      type:
        description: Type of the file system.
        type: str
        choices: [nfs, fuse.sshfs]
        default: nfs
      options:
        description: Mount options. For NFS they take the place of those of O(mounts[].preset).
        type: list
        elements: str
      preset:
        description:
          - What NFS is mounted with when there are no options.
          - V(data) waits for a server that is off, and never tells an application that a write failed.
          - V(cache) asks the server less often, for files that no other host changes. V(readonly) can't write.
        type: str
        choices: [data, cache, readonly]
        default: data
      version:
        description: Version of NFS.
        type: str
        default: "4.2"
      automount:
        description:
          - Let systemd mount it at the first access after the host has started, so that a server that is off does not delay the start.
        type: bool
        default: false
      timeout:
        description: Seconds that mounting may take.
        type: int
        default: 30
      engine_waits:
        description:
          - Start the engine only where it could be mounted, so that no container starts without it. The host's tasks are off for as long as
            the server is, then.
        type: bool
        default: false
  absent:
    description: Mount points of this module to remove. The data stays where it is.
    type: list
    elements: str
    default: []
requirements:
  - systemd
  - mount.nfs (C(nfs-common) in Debian and Ubuntu, C(nfs-utils) in EL) or C(sshfs)
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Mount the submissions
  flotilla.swarm.mount:
    mounts:
      - path: /srv/submissions
        source: 10.0.0.5:/srv/submissions
        automount: true

- name: Mount the scans, which the inventory's key opens
  flotilla.swarm.mount:
    mounts:
      - path: /srv/scans
        source: ocr@10.0.0.6:/srv/scans
        type: fuse.sshfs
        options: [reconnect, ServerAliveInterval=15, StrictHostKeyChecking=yes, IdentityFile=/root/.ssh/ocr, allow_other]

- name: Have it no more
  flotilla.swarm.mount:
    absent: [/srv/submissions]
"""

RETURN = r"""
plan:
  description: What was changed, or in check mode would be, changes of kind V(mount).
  returned: success
  type: list
  elements: dict
"""

import fcntl
import os
import struct
import typing as t
from dataclasses import dataclass

from ..module_utils._core.host import mounts
from ..module_utils._io import systemd
from ..module_utils._io.host import Host, host_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Field, Plan
from ..module_utils.runner import run_module

MOUNT = {
    "path": {"type": "str", "required": True},
    "source": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["nfs", "fuse.sshfs"], "default": "nfs"},
    "options": {"type": "list", "elements": "str"},
    "preset": {"type": "str", "choices": ["data", "cache", "readonly"], "default": "data"},
    "version": {"type": "str", "default": "4.2"},
    "automount": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 30},
    "engine_waits": {"type": "bool", "default": False},
}
ARGUMENTS = {
    "mounts": {"type": "list", "elements": "dict", "default": [], "options": MOUNT},
    "absent": {"type": "list", "elements": "str", "default": []},
}
MOUNTINFO = "/proc/self/mountinfo"
FSTAB = "/etc/fstab"
# FS_IOC_GETFLAGS, FS_IOC_SETFLAGS and FS_IMMUTABLE_FL of linux/fs.h
_FLAGS = struct.calcsize("l") << 16 | ord("f") << 8
GET_FLAGS = 2 << 30 | _FLAGS | 1
SET_FLAGS = 1 << 30 | _FLAGS | 2
IMMUTABLE = 0x10
# as systemd gives a unit to stop
UNMOUNT_SECONDS = 90
KILL_SECONDS = 5
# how timeout ends when the time is over, and when it had to kill
TIMED_OUT = (124, 137, -9)


@dataclass(frozen=True)
class Observed:
    wanted: list[mounts.Mount]
    gone: list[mounts.Mount]
    files: dict[str, str | None]
    mounted: dict[str, mounts.Mounted]
    contents: dict[str, list[str]]
    enabled: set[str]
    fstab: str


@dataclass(frozen=True)
class Work:
    mount: mounts.Mount
    files: dict[str, str | None]
    former: dict[str, str | None]
    unmount: bool


def observe(host: t.Any, params: dict[str, t.Any]) -> Observed:
    wanted = mounts.wanted_mounts(params["mounts"])
    gone = [mounts.Mount(path, "", "", (), automount=True, engine_waits=True) for path in params["absent"]]
    mounted = mounts.parse_mountinfo(host.read(MOUNTINFO) or "")
    units = [_started(mount) for mount in wanted]
    return Observed(
        wanted=wanted,
        gone=gone,
        files={path: host.read(path) for mount in [*wanted, *gone] for path in mounts.files(mount)},
        mounted=mounted,
        # nothing that is mounted is looked into: a server that is off would let us wait
        contents={mount.path: host.list_dir(mount.path) for mount in wanted if mount.path not in mounted},
        enabled={unit for unit, state in host.units(units).items() if state["enabled"]},
        fstab=host.read(FSTAB) or "",
    )


def _started(mount: mounts.Mount) -> str:
    """The unit that the start of the host brings up."""
    return mount.unit.replace(".mount", ".automount") if mount.automount else mount.unit


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    mounts.refuse(observed.wanted, observed.fstab)
    both = sorted({mount.path for mount in observed.wanted} & set(params["absent"]))
    full = [path for path, names in observed.contents.items() if names]
    foreign = [path for path, text in observed.files.items() if text is not None and not text.startswith(mounts.HEAD)]
    problems = [f"{path} is in mounts and in absent" for path in both]
    problems += [
        f"{path} is not mounted and holds {_some(observed.contents[path])}, which the mount would hide. Move it away" for path in full
    ]
    problems += [
        f"{path} is the mount point of a unit that this collection does not manage. Remove the unit, or use another mount point"
        for path in foreign
    ]
    if problems:
        raise PlanError("\n".join(["mounts can't be set up:", *problems]))
    changes = [_change(mount, observed) for mount in observed.wanted]
    changes += [_removal(mount, observed) for mount in observed.gone]
    return Plan(tuple(change for change in changes if change), tuple(mounts.warnings(observed.wanted)))


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:3])}{' and more' if len(names) > 3 else ''}"


def _change(mount: mounts.Mount, observed: Observed) -> Change | None:
    wanted = mounts.files(mount)
    former = {path: observed.files[path] for path in wanted}
    unit = f"{mounts.UNIT_DIRECTORY}/{mount.unit}"
    mounted = observed.mounted.get(mount.path, mounts.Mounted())
    fields = mounts.differences(mount, former[unit], mounted)
    unmount = mounts.remounts(mount, mounted, fields)
    fields += tuple(
        Field(path, _is_there(former[path]), _is_there(text)) for path, text in wanted.items() if path != unit and former[path] != text
    )
    if former[unit] == wanted[unit] and _started(mount) not in observed.enabled:
        fields += (Field(_started(mount), "disabled", "enabled"),)
    if not fields:
        return None
    action = "create" if former[unit] is None else "update"
    return Change(
        "mount",
        mount.path,
        action,
        fields,
        reason="unmounted and mounted again" if unmount else "",
        payload=Work(mount, wanted, former, unmount),
    )


def _is_there(text: str | None) -> str | None:
    return None if text is None else "present"


def _removal(mount: mounts.Mount, observed: Observed) -> Change | None:
    former = {path: observed.files[path] for path in mounts.files(mount)}
    if not any(former.values()):
        return None
    fields = tuple(Field(name, value, None) for name, value in mounts.parse_unit(next(iter(former.values()))).items())
    mounted = bool(observed.mounted.get(mount.path, mounts.Mounted()).source)
    return Change("mount", mount.path, "remove", fields, payload=Work(mount, dict.fromkeys(former), former, mounted))


def apply(host: Host, change: Change, _observed: t.Any) -> None:
    work: Work = change.payload
    if work.unmount:
        _unmount(host, work.mount.path)
    if change.action == "remove":
        _put(host, work.files)
        _free(work.mount.path)
        return
    problem = _mount(host, work)
    if problem:
        _put(host, work.former)
        if any(work.former.values()):
            systemd.attempt(host, "start", work.mount.unit)
            end = "The former unit was restored."
        else:
            _free(work.mount.path)
            end = "Nothing of it remains."
        raise FlotillaError(f"mounting {work.mount.source} at {work.mount.path}: {problem}\n{end}")


def _unmount(host: Host, path: str) -> None:
    """If the server does not answer, the call waits forever, but it can be killed. The mount stays."""
    code, _out, err = host.run(["timeout", f"--kill-after={KILL_SECONDS}", str(UNMOUNT_SECONDS), "umount", path])
    if code in TIMED_OUT:
        raise FlotillaError(
            f"unmounting {path}: it took longer than {UNMOUNT_SECONDS} s, which happens when its server does not answer",
            f"Bring the server back. If it is gone for good: umount --force --lazy {path}, which loses data not yet written to it.",
        )
    if code:
        raise FlotillaError(f"unmounting {path}: {err.strip()}", f"Drain the node, or stop what uses it (fuser -vm {path}).")


def _mount(host: Host, work: Work) -> str:
    """Mount it; what went wrong, empty if nothing did."""
    path = work.mount.path
    if path not in mounts.parse_mountinfo(host.read(MOUNTINFO) or ""):
        _close(path)
    _put(host, work.files)
    problem = systemd.attempt(host, "enable", "--quiet", _started(work.mount))
    for unit in [*([_started(work.mount)] if work.mount.automount else []), work.mount.unit]:
        problem = problem or systemd.attempt(host, "start", unit)
    if problem:
        return _cause(host, work.mount.unit) or problem
    if not mounts.parse_mountinfo(host.read(MOUNTINFO) or "").get(path, mounts.Mounted()).source:
        return f"systemctl start {work.mount.unit} succeeded, but nothing is mounted. See journalctl -u {work.mount.unit}."
    return ""


def _cause(host: Host, unit: str) -> str:
    """What the mount command said last."""
    lines = systemd.last_lines(host, unit, 20)
    telling = [line.strip() for line in lines if not line.startswith((unit, "Mounting ", "Mounted ", "Failed to mount", "Unmount"))]
    return telling[-1] if telling else ""


def _close(path: str) -> None:
    """Have an empty directory that nobody can write into."""
    try:
        os.makedirs(path, mode=0o755, exist_ok=True)
        _set_immutable(path, False)
        os.chmod(path, 0)
    except OSError as error:
        raise FlotillaError(f"making the mount point {path}: {error.strerror}", "Check that Ansible becomes root (become: true).") from None
    _set_immutable(path, True)


def _set_immutable(path: str, wanted: bool) -> None:
    """Where its file system can. Not by chattr, which a minimal host does not have."""
    try:
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return  # it is not there
    try:
        (flags,) = struct.unpack("i", fcntl.ioctl(directory, GET_FLAGS, struct.pack("i", 0)))
        fcntl.ioctl(directory, SET_FLAGS, struct.pack("i", flags | IMMUTABLE if wanted else flags & ~IMMUTABLE))
    except OSError:
        pass
    finally:
        os.close(directory)


def _free(path: str) -> None:
    """Remove a mount point that is empty."""
    _set_immutable(path, False)
    try:
        os.rmdir(path)
    except OSError:
        return  # it holds something, or is gone


def _put(host: Host, files: t.Mapping[str, str | None]) -> None:
    for path, text in files.items():
        if text == host.read(path):
            continue
        if text is None:
            systemd.attempt(host, "disable", "--quiet", "--now", os.path.basename(path))
        host.put(path, text)
    systemd.attempt(host, "daemon-reload")


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=host_target)


if __name__ == "__main__":
    main()
