# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an inventory that hold variables, and on which line each of them stands."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .compose.errors import ComposeError, Key, Place
from .compose.yaml_reader import read_yaml
from .controller_files import ControllerFiles

GROUP, HOST, GIVEN = "group", "host", "given"
_YAML = {"", ".yml", ".yaml", ".json"}
_IGNORED = ("~", ".orig", ".bak", ".ini", ".cfg", ".retry", ".pyc", ".pyo", ".py", ".sh", ".toml")


@dataclass(frozen=True)
class Variables:
    """Variables that one mapping of a file holds: for the group or host ``owner``, or given with ``-e``."""

    kind: str
    owner: str
    names: t.Collection[Key]
    place: Place


class InventoryFiles:
    """Where variables stand. A file that can't be read as YAML has no lines, and Ansible says itself what is wrong with it."""

    def __init__(self, sources: t.Iterable[str], adjacent: str, secrets: t.Sequence[t.Any] = (), given: t.Iterable[str] = ()) -> None:
        """``sources`` are inventories, ``adjacent`` is the playbook's directory, ``given`` are files of ``-e @file``."""
        self._read = ControllerFiles(secrets).read
        self._found: list[Variables] = []
        folders: list[Path] = []
        for source in map(Path, sources):
            if source.is_dir():
                folders.append(source)
                for file in sorted(source.iterdir()):
                    self._read_inventory(file)
            elif source.is_file():
                folders.append(source.parent)
                self._read_inventory(source)
        for folder in dict.fromkeys((Path(adjacent), *folders)):
            for kind in (GROUP, HOST):
                self._read_owners(folder / f"{kind}_vars", kind)
        for file in map(Path, given):
            self._add(GIVEN, "", self._document(file))

    def place(
        self, name: str, path: tuple[Key, ...], hosts: t.Collection[str], groups: t.Mapping[str, t.Collection[str]], given: bool = False
    ) -> Place | None:
        """Where the variable stands that these hosts have: for a host, else for the smallest group.

        ``given`` tells that it came with ``-e``.
        """

        def rank(each: Variables) -> int:
            return len(groups.get(each.owner, ())) if each.kind == GROUP else 0

        def concerns(each: Variables) -> bool:
            members = groups.get(each.owner, ()) if each.kind == GROUP else (each.owner,)
            return each.kind == GIVEN if given else bool(set(hosts) & set(members))

        found = sorted((each for each in self._found if name in each.names and concerns(each)), key=rank)
        if not found:
            return None
        place = found[0].place / name
        for key in path:
            place /= key
        return place

    def _read_owners(self, folder: Path, kind: str) -> None:
        """``group_vars/all.yml`` and all files below ``group_vars/all/``."""
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            if entry.is_dir():
                for file in sorted(path for path in entry.rglob("*") if path.is_file()):
                    self._add(kind, entry.name, self._document(file))
            else:
                owner = entry.name.removesuffix(entry.suffix) if entry.suffix in _YAML else entry.name
                self._add(kind, owner, self._document(entry))

    def _read_inventory(self, file: Path) -> None:
        data, place = self._document(file) or (None, Place(""))
        for group in list(data) if isinstance(data, dict) else ():
            self._read_group(group, data, place / group)

    def _read_group(self, group: str, data: t.Any, place: Place) -> None:
        inner = data.get(group) if isinstance(data, dict) else None
        if not isinstance(inner, dict):
            return
        self._add(GROUP, group, (inner.get("vars"), place / "vars"))
        hosts = inner.get("hosts")
        for host, values in hosts.items() if isinstance(hosts, dict) else ():
            self._add(HOST, host, (values, place / "hosts" / host))
        children = inner.get("children")
        for child in children or () if isinstance(children, dict) else ():
            self._read_group(child, children, place / "children" / child)

    def _add(self, kind: str, owner: str, document: tuple[t.Any, Place] | None) -> None:
        if document and isinstance(document[0], dict):
            self._found.append(Variables(kind, owner, document[0].keys(), document[1]))

    def _document(self, file: Path) -> tuple[t.Any, Place] | None:
        if file.name.startswith(".") or file.name.endswith(_IGNORED) or file.suffix not in _YAML or not file.is_file():
            return None
        try:
            text = self._read(str(file)).decode("utf-8-sig")
            document = read_yaml(text, shown(file))
        except (OSError, ValueError, ComposeError):
            return None
        return document.data, document.place


def shown(file: str | Path) -> str:
    """As a person who stands here writes it."""
    path = os.path.relpath(file)
    return str(file) if path.startswith("..") else path
