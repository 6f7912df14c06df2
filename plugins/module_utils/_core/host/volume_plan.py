# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which volumes a host gets, what is wrong with them, and mount options that are regretted. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ...errors import PlanError
from ...plan import Change, Field, Plan, compare
from ..service.naming import NAMESPACE_LABEL
from .volumes import Volume, drift

_COMMON = ("hard", "timeo=600", "retrans=2", "noatime")
PRESETS = {
    "data": ("rw", *_COMMON),
    "cache": ("rw", *_COMMON, "nocto", "actimeo=600"),
    "readonly": ("ro", *_COMMON),
}
_REGRETTED = {
    "soft": "an I/O error reaches the application when the server is slow, and what it wrote may be lost",
    "nolock": "locks hold on one node only, so that two writers can destroy a file",
    "intr": "the kernel has ignored it since 2.6.25",
}


def wanted_volumes(given: t.Sequence[t.Mapping[str, t.Any]], checked: bool = True) -> list[Volume]:
    """Volumes from ``[{name, driver, options, labels, nfs}]``; raises PlanError with every fault in it, where they are ``checked``."""
    volumes = [
        Volume(
            item["name"],
            item.get("driver") or "local",
            {name: str(value) for name, value in (item.get("options") or {}).items()} or _nfs_options(item.get("nfs") or {}),
            {name: str(value) for name, value in (item.get("labels") or {}).items()},
        )
        for item in given
    ]
    names = [volume.name for volume in volumes]
    problems = [f"{name}: is listed twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    for volume in volumes if checked else ():
        problems.extend(f"{volume.name}: {fault}" for fault in _faults(volume))
    if problems:
        raise PlanError("\n".join(["volumes can't be used:", *problems]))
    return volumes


def _nfs_options(nfs: t.Mapping[str, t.Any]) -> dict[str, str]:
    if not nfs:
        return {}
    mount = [f"addr={nfs['server']}", f"nfsvers={nfs['version']}", *(nfs.get("options") or PRESETS[nfs["preset"]])]
    return {"type": "nfs", "o": ",".join(mount), "device": f":{nfs['path']}"}


def mount_options(volume: Volume) -> dict[str, str]:
    """``o`` as a mapping; a word without a value has an empty one."""
    words = [word.partition("=") for word in volume.options.get("o", "").split(",") if word]
    return {name: value for name, _separator, value in words}


def _faults(volume: Volume) -> t.Iterator[str]:
    kind, options = volume.options.get("type", ""), mount_options(volume)
    if volume.driver != "local" or not kind.startswith("nfs"):
        return
    address = options.get("addr", "")
    if not address:
        yield "options.o has no addr=, and the engine mounts NFS only with one. Add addr=SERVER"
    elif kind == "nfs4" and not _is_address(address):
        yield (
            f"type nfs4 with the name {address}: the engine resolves names only for type nfs. "
            "Write type: nfs and nfsvers=4.2 in o, or an address"
        )
    device = volume.options.get("device", "")
    if ":/" not in device:
        yield f"options.device is {device!r}, expected the server's path after a colon, such as :/srv/data"
    if "ro" in options and "rw" in options:
        yield "options.o has both ro and rw. Keep one"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def warnings(volumes: t.Sequence[Volume]) -> list[str]:
    """Mount options that are allowed but often regretted."""
    return [
        f"volume {volume.name}: the mount option {fault}."
        for volume in volumes
        if volume.options.get("type", "").startswith("nfs")
        for fault in regrets(mount_options(volume))
    ]


def regrets(options: t.Collection[str]) -> list[str]:
    """Which of some NFS mount options are often regretted, and why."""
    return [f"{name}: {why}" for name, why in _REGRETTED.items() if name in options and not (name == "soft" and "ro" in options)]


def plan_volumes(
    wanted: t.Sequence[Volume],
    existing: t.Mapping[str, Volume],
    users: t.Mapping[str, t.Sequence[str]],
    recreate: str,
    node: str,
) -> Plan:
    """Create what is absent; refuse, or recreate where that loses nothing, what differs.

    ``users`` names the containers, stopped ones too, that refer to each volume; ``recreate`` is ``never`` or ``if_unused``.
    """
    changes, problems = [], []
    for volume in wanted:
        before = existing.get(volume.name)
        fields = drift(before, volume) if before else ()
        if before is None:
            fields = compare({}, {"driver": volume.driver, "options": volume.options, "labels": volume.labels})
            changes.append(Change("volume", volume.name, "create", tuple(f for f in fields if f.after), payload=volume))
        elif fields and recreate == "if_unused" and not users.get(volume.name) and not before.keeps_data:
            changes.append(Change("volume", volume.name, "replace", fields, reason="no container uses it", payload=volume))
        elif fields:
            problems.append(_refusal(before, fields, users.get(volume.name, ()), recreate))
    if problems:
        head = f"volumes of {node} differ, and an existing volume can't be changed:"
        raise PlanError("\n".join([head, *problems]))
    return Plan(tuple(changes), tuple(warnings(wanted)))


def _refusal(before: Volume, fields: t.Sequence[Field], users: t.Sequence[str], recreate: str) -> str:
    what = "; ".join(field.told() for field in fields)
    if users:
        used = f"Used by {', '.join(users)}"
        cure = f"{used}. Stop and remove {'that' if len(users) == 1 else 'those'} first, and set recreate: if_unused."
    elif before.keeps_data:
        cure = f"Its data would go with it: copy that elsewhere, then docker volume rm {before.name}."
    else:
        cure = f"No container uses it: set recreate: if_unused (it is {recreate})."
    return f"{before.name}: {what}. {cure}"


def volumes_of_stacks(existing: t.Iterable[Volume], stacks: t.Collection[str]) -> list[tuple[Volume, str]]:
    """The volumes that tasks of these stacks created, each with its stack."""
    labelled = ((item, item.labels.get(NAMESPACE_LABEL, "")) for item in existing)
    return sorted(((item, stack) for item, stack in labelled if stack in stacks), key=lambda pair: pair[0].name)
