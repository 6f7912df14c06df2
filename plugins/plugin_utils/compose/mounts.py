# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short and long forms of a service's volumes."""

from __future__ import annotations

import os
import re
import typing as t

from .errors import Place
from .units import size_bytes

_PROPAGATION = {"private", "rprivate", "shared", "rshared", "slave", "rslave"}
_WINDOWS = re.compile(r"[a-zA-Z]:[\\/]|\\\\[^\\/.][^\\/]*[\\/][^\\/]")
Mount = dict[str, t.Any]


class Folder(t.NamedTuple):
    """Where relative paths start, what ``~`` stands for (None if nobody said), and which directory of the nodes holds
    what ``root`` holds on the controller (None: the one of the same name).
    """

    path: str
    home: str | None = None
    root: str = ""
    nodes: str | None = None

    def resolve(self, path: str, place: Place) -> str:
        """The absolute path that the text stands for; absolute paths, Windows ones too, stay as they are."""
        if path.startswith("~"):
            if self.home is None:
                raise place.error(f"found {path!r}, and HOME is not in env", "", "give HOME in env or write the whole path")
            path = self.home + path[1:]
        if path.startswith("/") or _WINDOWS.match(path):
            return path
        return os.path.normpath(os.path.join(self.path, path))

    def resolve_on_nodes(self, path: str, place: Place) -> str:
        """The same for a path of the nodes, such as the source of a bind mount."""
        found = self.resolve(path, place)
        if self.nodes is None or path.startswith(("/", "~")) or found == path:
            return found
        return os.path.normpath(os.path.join(self.nodes, os.path.relpath(found, self.root)))


def read_mount(value: t.Any, place: Place, folder: Folder) -> Mount:
    """A mount in long form, with the sources of binds absolute."""
    mount = _short(value, place) if isinstance(value, str) else dict(value)
    if mount["type"] == "bind":
        if not mount.get("source"):
            raise place.error("this bind has no source", "the path on the node", "write source: /path, or use type: volume")
        mount["source"] = folder.resolve_on_nodes(mount["source"], place)
    size = (mount.get("tmpfs") or {}).get("size")
    if isinstance(size, str):
        mount["tmpfs"] = {**mount["tmpfs"], "size": size_bytes(size)}
    return mount


def _short(text: str, place: Place) -> Mount:
    if not text:
        raise place.error("found an empty volume", "[source:]target[:options]")
    if len(text) <= 2:
        return {"type": "volume", "target": text}
    parts = _split(text)
    if "" in parts:
        raise place.error(f"{text!r} has an empty part between colons", "[source:]target[:options]")
    if len(parts) > 3:
        raise place.error(f"{text!r} has too many colons", "[source:]target[:options]")
    if len(parts) == 1:
        return {"type": "volume", "target": text}
    source, target = parts[:2]
    mount: Mount = {"type": "bind" if _is_path(source) else "volume", "source": source, "target": target}
    for option in parts[2].split(",") if len(parts) == 3 else ():
        if option in ("ro", "rw"):
            mount["read_only"] = option == "ro"
        elif option == "nocopy":
            mount["volume"] = {"nocopy": True}
        elif option in _PROPAGATION:
            mount["bind"] = {"propagation": option}
    return mount


def _split(text: str) -> list[str]:
    """The parts between colons; one letter before a colon is a Windows drive and stays with what follows."""
    parts: list[str] = []
    drive = ""
    for part in text.split(":"):
        if not drive and len(part) == 1 and part.isalpha():
            drive = f"{part}:"
        else:
            parts.append(drive + part)
            drive = ""
    if drive:
        parts.append(drive[:-1])
    return parts


def _is_path(source: str) -> bool:
    return source[0] in "./~" or source.startswith("\\\\") or bool(re.match(r"[a-zA-Z]:", source))
