# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of a host once, so that modules may observe it again without going there. Pure.

A record has the answers of the reading methods of ``Host`` by method and argument, and those of the engine by path. It holds no secret:
an answer in which one may be is left out, and whoever asks for it goes to the host.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ...redact import redact
from . import daemon_json, engine_packages, firewall, gpus, mounts

Record = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Reads:
    """What modules read of a host for one purpose. Of the files in a folder those are read whose names match."""

    files: tuple[str, ...] = ()
    folders: t.Mapping[str, str] = field(default_factory=dict)
    modes: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    runs: tuple[tuple[str, ...], ...] = ()
    units: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


READS = {
    "engine": Reads(
        files=("/etc/os-release", daemon_json.PATH, daemon_json.PENDING, *engine_packages.LIMITS, "/proc/net/route", "/etc/resolv.conf"),
        modes=(daemon_json.PATH,),
        runs=(("dockerd", "--version"), tuple(daemon_json.show_unit(daemon_json.UNIT))),
        units=(daemon_json.UNIT,),
        packages=engine_packages.NAMES,
    ),
    "mounts": Reads(
        files=("/proc/self/mountinfo", "/etc/fstab"),
        folders={mounts.UNIT_DIRECTORY: r".*\.(auto)?mount", f"{mounts.UNIT_DIRECTORY}/docker.service.d": r"60-flotilla-.*\.conf"},
        packages=("nfs-common", "nfs-utils", "sshfs", "fuse-sshfs"),
    ),
    "exports": Reads(
        files=("/etc/exports",),
        folders={"/etc/exports.d": r".*\.exports"},
        commands=("exportfs",),
        units=("nfs-server.service",),
        packages=("nfs-kernel-server", "nfs-utils"),
    ),
    "gpus": Reads(
        files=(gpus.CONFIG, gpus.RULE, gpus.DRIVER),
        folders=dict.fromkeys(("/etc/cdi", "/var/run/cdi"), r".*\.(yaml|json)"),
        runs=(gpus.TOOLKIT, gpus.QUERY, gpus.LIST),
        packages=gpus.TOOLKIT_PACKAGES,
    ),
    "firewall": Reads(
        files=(firewall.UNIT_FILE, firewall.SCRIPT_FILE, *firewall.RULES_FILES.values()),
        there=(firewall.HAS_IPV6,),
        commands=("iptables",),
        runs=(
            ("iptables", "--wait", "10", "--list-rules"),
            ("ip6tables", "--wait", "10", "--list-rules"),
            ("sshd", "-T"),
            ("ss", "-Hltnp"),
            ("nft", "--json", "list", "chains"),
        ),
        units=(firewall.UNIT,),
    ),
}
"""By purpose. The modules themselves choose from it, and go to the host for what is not in it."""


def is_remote(path: str, mounted: t.Mapping[str, mounts.Mounted]) -> bool:
    """Whether another host has what is at this path, so that looking there may take long or for ever."""
    place = PurePosixPath(path)
    nearest = next((mounted[str(each)] for each in (place, *place.parents) if str(each) in mounted), None)
    return nearest is not None and (nearest.waiting or nearest.type in mounts.NETWORK)


PUBLIC = ("/etc/os-release",)
"""Files whose texts are no secrets, whatever the names in them look like."""


_PROPERTY = re.compile(r"^[A-Z][A-Za-z]*=", re.MULTILINE)


class NotRecorded(Exception):
    """Nobody read that when the host was observed, or it may hold a secret."""


def key_of(argument: t.Any) -> str:
    return argument if isinstance(argument, str) else json.dumps(argument)


def may_be_kept(answer: t.Any) -> bool:
    """Whether an answer has nothing in it that looks like a credential. Texts that are JSON are looked into as such."""
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError:
            pass
    judged = _to_judge(answer)
    return bool(redact("", judged) == judged)


def _to_judge(answer: t.Any) -> t.Any:
    """The public keys of a swarm and of its nodes are no secrets, whatever their names look like. systemd shows variables as values."""
    if isinstance(answer, t.Mapping):
        return {name: _to_judge(value) for name, value in answer.items() if name != "TLSInfo"}
    if isinstance(answer, (list, tuple)):
        return [_to_judge(item) for item in answer]
    is_shown = isinstance(answer, str) and _PROPERTY.search(answer)
    return [answer, *_PROPERTY.sub("", answer).split()] if is_shown else answer


def trim(path: str, answer: t.Any) -> t.Any:
    """An answer of the engine without what no module reads: what runtimes can do, and plugins of nodes, are longer than all the rest."""
    if path == "/info":
        return {**answer, "Runtimes": {name: {} for name in answer.get("Runtimes") or {}}}
    if path != "/nodes":
        return answer
    return [{**node, "Description": _without_plugins(node.get("Description") or {})} for node in answer]


def _without_plugins(described: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {**described, "Engine": {name: value for name, value in (described.get("Engine") or {}).items() if name != "Plugins"}}


class RecordedHost:
    """Has the reading methods of ``Host``. Raises NotRecorded."""

    def __init__(self, answers: Record) -> None:
        self._answers = answers

    def _find(self, method: str, argument: t.Any) -> t.Any:
        try:
            return self._answers[method][key_of(argument)]
        except KeyError:
            raise NotRecorded(f"preflight did not see {method} of {argument}") from None

    def _is_absent(self, path: str) -> bool:
        """Whether its directory was listed, and has no such name."""
        folder, _slash, name = path.rpartition("/")
        return name not in self._answers["list_dir"].get(folder, [name])

    def read(self, path: str) -> str | None:
        return None if self._is_absent(path) else t.cast("str | None", self._find("read", path))

    def exists(self, path: str) -> bool:
        return not self._is_absent(path) and bool(self._find("exists", path))

    def list_dir(self, path: str) -> list[str]:
        return list(self._find("list_dir", path))

    def mode(self, path: str) -> int | None:
        return t.cast("int | None", self._find("mode", path))

    def find_command(self, name: str) -> str | None:
        return t.cast("str | None", self._find("find_command", name))

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        code, out, err = self._find("run", argv)
        return code, out, err

    def units(self, names: t.Iterable[str]) -> dict[str, dict[str, bool]]:
        """As ``Host.units``: a unit that was asked for and does not exist is recorded as None."""
        found = {name: self._find("units", name) for name in names}
        return {name: state for name, state in found.items() if state is not None}

    def packages(self, names: t.Iterable[str]) -> dict[str, dict[str, t.Any]]:
        found = {name: self._find("packages", name) for name in names}
        return {name: state for name, state in found.items() if state is not None}

    def groups_of(self, users: t.Iterable[str]) -> dict[str, list[str] | None]:
        return {user: self._find("groups_of", user) for user in users}

    def source_address(self, peer: str) -> str:
        return str(self._find("source_address", peer))

    def stat(self, path: str) -> dict[str, t.Any]:
        return dict(self._find("stat", path))

    def user_id(self, name: str) -> int:
        return self._number("user", "uid", name)

    def group_id(self, name: str) -> int:
        return self._number("group", "gid", name)

    def _number(self, kind: str, number: str, name: str) -> int:
        """Known of those to whom something belongs that was looked at. Where another is wanted, there is something to do anyway."""
        found = {seen[kind]: seen[number] for seen in self._answers["stat"].values() if kind in seen}
        if name not in found:
            raise NotRecorded(f"preflight did not see whether there is a {kind} {name}")
        return int(found[name])


def key_of_request(path: str, query: t.Mapping[str, t.Any]) -> str:
    return f"{path}?{json.dumps(query, sort_keys=True)}" if query else path


class RecordedEngine:
    """Has the reading method of ``Engine``. Raises NotRecorded."""

    def __init__(self, answers: Record) -> None:
        self._answers = answers

    def get(self, path: str, doing: str = "", **query: t.Any) -> t.Any:
        key = key_of_request(path, query)
        if key not in self._answers:
            raise NotRecorded(f"preflight did not ask the engine for {key}")
        return self._answers[key]
