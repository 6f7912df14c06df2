#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: data_root
short_description: Move the data of the Docker Engine to another directory
version_added: 0.1.0
description:
  - Stops the engine, copies its data, compares the copy with the original, sets C(data-root) in C(daemon.json), starts the engine,
    and asks it whether it is the same node with the same images, volumes and containers.
  - The former directory stays as it is. Remove it yourself when you are sure.
  - When anything fails, C(daemon.json) is what it was, the engine runs with the former directory, and the copy is removed.
  - Containers of the host are stopped meanwhile. Drain a node of a swarm first, as role C(engine) with C(tasks_from=move_data_root) does.
extends_documentation_fragment:
  - flotilla.swarm.attributes
  - flotilla.swarm.engine
  - flotilla.swarm.guard
options:
  path:
    description:
      - Absolute path of the directory to move to, on a local file system. It is made where it is absent, and has to be empty otherwise.
    type: str
    required: true
  activate:
    description:
      - V(outside_swarm) does nothing where the engine is in a swarm, and RV(pending) says so. Check mode shows what V(always) would do.
    type: str
    choices: [outside_swarm, always]
    default: outside_swarm
  config:
    description: The file in which the engine finds where its data is.
    type: path
    default: /etc/docker/daemon.json
  unit:
    description: The engine's systemd unit.
    type: str
    default: docker.service
author:
  - Flotilla contributors (@flotilla-swarm)
seealso:
  - module: flotilla.swarm.daemon_config
"""

EXAMPLES = r"""
- name: Move the engine's data to the large disk
  flotilla.swarm.data_root:
    path: /data/docker
    activate: always
    confirm: "{{ confirm }}"
    swarm_name: "{{ swarm_name }}"
"""

RETURN = r"""
plan:
  description: What was changed, or in check mode would be. At most one change, of kind V(file).
  returned: success
  type: list
  elements: dict
pending:
  description: Whether the data is elsewhere still, because the engine is in a swarm.
  returned: success
  type: bool
former:
  description: The directory that the data was in. It is as it was.
  returned: when the data was moved
  type: str
backup:
  description: Path of the copy of the former C(daemon.json).
  returned: when the data was moved and there was such a file
  type: str
"""

import hashlib
import os
import stat
import typing as t
from dataclasses import dataclass

from ..module_utils._core.cluster import guard
from ..module_utils._core.host import daemon_json, data_root
from ..module_utils._core.schedule.containers import TASK_LABEL
from ..module_utils._io import systemd
from ..module_utils._io.host import Host
from ..module_utils._io.member import Member
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils._io.polling import poll
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Change, Field, Plan
from ..module_utils.runner import run_module

ARGUMENTS = {
    **guard.ARGUMENTS,
    "path": {"type": "str", "required": True},
    "activate": {"type": "str", "choices": ["outside_swarm", "always"], "default": "outside_swarm"},
    "config": {"type": "path", "default": "/etc/docker/daemon.json"},
    "unit": {"type": "str", "default": "docker.service"},
}
MOUNTINFO = "/proc/self/mountinfo"
PATIENCE = 120.0  # seconds until an engine that has started answers, and is in its swarm again


@dataclass(frozen=True)
class Observed:
    """``source`` is the directory itself where ``former`` is a link to it."""

    text: str | None
    former: str
    source: str
    flags: dict[str, str]
    in_swarm: bool
    place: data_root.Place
    used: int
    check_mode: bool


@dataclass(frozen=True)
class Work:
    former: str
    source: str
    path: str
    config: str
    text: str
    unit: str


def observe(place: MemberHost, params: dict[str, t.Any]) -> Observed:
    guard.refuse_unconfirmed(params["confirm"], params["swarm_name"])
    host, member = place.host, place.member
    guard.refuse_stranger(member.inspect("")[0], params["cluster_id"])
    text = host.read(params["config"])
    unit = daemon_json.parse_unit(host.run(daemon_json.show_unit(params["unit"]))[1])
    flags = daemon_json.flags_of(unit, host.read)
    former = daemon_json.data_root(daemon_json.parse(text, params["config"]), flags)
    moved, source = former == params["path"], os.path.realpath(former)
    used = host.run(["du", "--summarize", "--block-size=1", "--one-file-system", source])[1].split() if not moved else []
    return Observed(
        text=text,
        former=former,
        source=source,
        flags=flags,
        in_swarm=host.exists(f"{former}/swarm/docker-state.json"),
        place=_look(host, params["path"]),
        used=int(used[0]) if used else 0,
        check_mode=member.check_mode,
    )


def _look(host: Host, path: str) -> data_root.Place:
    names = tuple(name for name in host.list_dir(path) if name != "lost+found")
    filesystem = data_root.filesystem_of(host.nearest_directory(path), host.read(MOUNTINFO) or "")
    return data_root.Place(names, filesystem, host.space(path).free)


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    if observed.former == params["path"]:
        return Plan(result={"pending": False})
    data_root.refuse(observed.source, params["path"], observed.place, observed.used)
    before = daemon_json.parse(observed.text, params["config"])
    after = daemon_json.merge(before, {"data-root": params["path"]})
    daemon_json.refuse_conflicts(before, after, params["config"], observed.flags, params["unit"], in_swarm=False)
    later = observed.in_swarm and params["activate"] == "outside_swarm"
    if later and not observed.check_mode:
        return Plan(result={"pending": True})
    cost = "restarts engine of a node in a swarm" if observed.in_swarm else "restarts engine"
    text = daemon_json.render(after, observed.text)
    work = Work(observed.former, observed.source, params["path"], params["config"], text, params["unit"])
    fields = (Field("data-root", observed.former, params["path"]),)
    change = Change("file", params["config"], "update", fields, cost, f"{observed.used // 2**20} MiB are copied", work)
    return Plan((change,), result={"pending": later})


def apply(place: MemberHost, change: Change, _observed: t.Any) -> dict[str, t.Any]:
    host, member, work = place.host, place.member, t.cast(Work, change.payload)
    known = _knowledge(member)
    backup: str | None = None
    written = False
    try:
        _stop(host, work.unit)
        _copy(host, work)
        backup = host.write(work.config, work.text)
        written = True
        _start(host, work.unit)
        _compare(known, member)
    except (FlotillaError, OSError) as error:
        raise FlotillaError(f"moving the engine's data to {work.path}: {error}\n{_undo(host, work, written, backup)}") from None
    return {"former": work.former, "pending": False, **({"backup": backup} if backup else {})}


def _stop(host: Host, unit: str) -> None:
    systemd.attempt(host, "stop", unit.replace(".service", ".socket"))
    systemd.require(host, "stop", unit)


def _start(host: Host, unit: str) -> None:
    systemd.attempt(host, "reset-failed", unit)
    systemd.require(host, "start", unit)


def _copy(host: Host, work: Work) -> None:
    os.makedirs(work.path, mode=0o710, exist_ok=True)
    code, _out, err = host.run(["cp", "--archive", "--one-file-system", f"{work.source}/.", work.path])
    if code:
        raise FlotillaError(f"copying {work.source}: {err.strip().splitlines()[-1] if err.strip() else f'cp ended with {code}'}")
    device = os.lstat(work.source).st_dev
    foreign = {path for path, status in _walk(work.source) if status.st_dev != device}
    pairs = [_entries(root, foreign) for root in (work.source, work.path)]
    different = data_root.unlike(*pairs)
    if different:
        raise FlotillaError(f"{len(different)} of {len(pairs[0])} files are not the same in the copy, such as {', '.join(different[:3])}")


def _walk(root: str) -> t.Iterator[tuple[str, os.stat_result]]:
    """Path below the root and status of everything on its file system; of others only the place where they are mounted."""
    waiting = ["."]
    device = os.lstat(root).st_dev
    while waiting:
        path = waiting.pop()
        status = os.lstat(os.path.join(root, path))
        yield path, status
        if stat.S_ISDIR(status.st_mode) and status.st_dev == device:
            waiting.extend(os.path.join(path, name) for name in os.listdir(os.path.join(root, path)) if name != "lost+found")


def _entries(root: str, without: set[str]) -> dict[str, data_root.Entry]:
    return {path: _entry(root, path, status) for path, status in _walk(root) if path not in without}


def _entry(root: str, path: str, status: os.stat_result) -> data_root.Entry:
    full, extra = os.path.join(root, path), ""
    if stat.S_ISLNK(status.st_mode):
        extra = os.readlink(full)
    elif stat.S_ISREG(status.st_mode):
        extra = f"{status.st_size} {int(status.st_mtime)}"
        if path.startswith("./swarm/"):  # small, and what makes the host the node that it is
            with open(full, "rb") as stream:
                extra = hashlib.sha256(stream.read()).hexdigest()
    elif stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode):
        extra = str(status.st_rdev)
    return data_root.Entry(
        kind=str(stat.S_IFMT(status.st_mode)),
        mode=stat.S_IMODE(status.st_mode),
        owner=(status.st_uid, status.st_gid),
        extra=extra,
        links=status.st_nlink if stat.S_ISREG(status.st_mode) else 0,
        attributes=tuple(
            sorted((name, os.getxattr(full, name, follow_symlinks=False)) for name in os.listxattr(full, follow_symlinks=False))
        ),
    )


def _knowledge(member: Member) -> dict[str, t.Any]:
    """What the engine has to know after the move as well. Containers of tasks come and go."""
    engine = member.require_engine()
    swarm = engine.get("/info", doing="asking the engine who it is")["Swarm"]
    containers = engine.get("/containers/json", doing="listing containers", all=True)
    return {
        "the node": swarm.get("NodeID") or "",
        "its state in the swarm": swarm.get("LocalNodeState") or "",
        "images": sorted(item["Id"] for item in engine.get("/images/json", doing="listing images")),
        "volumes": sorted(item["Name"] for item in engine.get("/volumes", doing="listing volumes")["Volumes"] or []),
        "containers": sorted(item["Id"] for item in containers if TASK_LABEL not in (item.get("Labels") or {})),
    }


def _compare(known: dict[str, t.Any], member: Member) -> None:
    def look() -> t.Sequence[str]:
        try:
            return data_root.lost(known, _knowledge(member))
        except FlotillaError as error:
            return [str(error)]

    lost = poll(look, lambda lost: not lost, PATIENCE, pause=1)
    if lost:
        raise FlotillaError(f"the engine's state differs from before: {'; '.join(lost)}")


def _undo(host: Host, work: Work, written: bool, backup: str | None) -> str:
    """Have the engine run with its former directory; how that went."""
    try:
        _stop(host, work.unit)
        if written:
            host.restore(work.config, backup)
        _start(host, work.unit)
    except FlotillaError as error:
        return f"The data is in {work.former} as before, but the engine does not run: {error}"
    host.run(["rm", "--recursive", "--force", "--one-file-system", work.path])
    return f"The engine runs with {work.former} again, and the copy was removed."


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_host_target)


if __name__ == "__main__":
    main()
