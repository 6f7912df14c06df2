# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of module mount from the options of roles nfs_mount and sshfs_mount."""

from __future__ import annotations

import typing as t

Record = t.Mapping[str, t.Any]


def nfs_mounts(mounts: t.Iterable[Record], common: Record) -> list[dict[str, t.Any]]:
    return [
        {
            **common,
            "path": mount["path"],
            "source": _source(mount),
            "preset": mount.get("preset", "data"),
            "options": mount.get("options", []),
        }
        for mount in mounts
    ]


def sshfs_mounts(mounts: t.Iterable[Record], common: Record, options: t.Sequence[str], trust: t.Sequence[str]) -> list[dict[str, t.Any]]:
    return [
        {
            **common,
            "path": mount["path"],
            "source": f"{mount.get('user', 'root')}@{_source(mount)}",
            "type": "fuse.sshfs",
            "options": [*options, f"port={mount.get('port', 22)}", *trust],
        }
        for mount in mounts
    ]


def _source(mount: Record) -> str:
    """An IPv6 address stands in brackets, so that its colons part nothing."""
    server = str(mount["server"])
    return f"[{server}]:{mount['export']}" if ":" in server else f"{server}:{mount['export']}"


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"nfs_mounts": nfs_mounts, "sshfs_mounts": sshfs_mounts}
