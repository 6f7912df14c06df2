# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of a host, once, all that the modules of a run observe there."""

from __future__ import annotations

import os
import re
import typing as t

from .._core.cluster import addresses
from .._core.cluster.member_state import read_info
from .._core.host import mounts
from .._core.host.record import PUBLIC, READS, Reads, is_remote, key_of, key_of_request, may_be_kept, trim
from ..errors import FlotillaError
from .host import Host
from .member import CERTIFICATE, Member, source_address

METHODS = ("read", "exists", "list_dir", "mode", "find_command", "run", "units", "packages", "groups_of", "source_address", "stat")


class Recorder:
    """Has reading methods of ``Host``, reads each thing once, and keeps the answers."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._answers: dict[str, dict[str, t.Any]] = {method: {} for method in METHODS}

    def _keep(self, method: str, argument: t.Any) -> t.Any:
        kept, key = self._answers[method], key_of(argument)
        if key not in kept:
            kept[key] = getattr(self._host, method)(argument)
        return kept[key]

    def read(self, path: str) -> str | None:
        return t.cast("str | None", self._keep("read", path))

    def exists(self, path: str) -> bool:
        return bool(self._keep("exists", path))

    def list_dir(self, path: str) -> list[str]:
        return list(self._keep("list_dir", path))

    def mode(self, path: str) -> int | None:
        return t.cast("int | None", self._keep("mode", path))

    def stat(self, path: str) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self._keep("stat", path))

    def keep_mounted(self, path: str) -> None:
        """Where something is mounted there is a directory, and nobody has to look."""
        self._answers["exists"][path] = True

    def find_command(self, name: str) -> str | None:
        return t.cast("str | None", self._keep("find_command", name))

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        code, out, err = self._keep("run", argv)
        return code, out, err

    def units(self, names: t.Collection[str]) -> dict[str, dict[str, bool]]:
        return self._all_of("units", self._host.units, names)

    def packages(self, names: t.Collection[str]) -> dict[str, dict[str, t.Any]]:
        return self._all_of("packages", self._host.packages, names)

    def groups_of(self, users: t.Collection[str]) -> dict[str, list[str] | None]:
        return self._all_of("groups_of", self._host.groups_of, users)

    def source_address(self, peer: str) -> None:
        self._answers["source_address"][peer] = source_address(peer)

    def _all_of(self, method: str, ask: t.Callable[[t.Collection[str]], dict[str, t.Any]], names: t.Collection[str]) -> dict[str, t.Any]:
        found = ask(names)
        self._answers[method].update({name: found.get(name) for name in names})
        return found

    def answers(self) -> dict[str, dict[str, t.Any]]:
        """Without those in which a secret may be."""
        return {
            method: {key: answer for key, answer in kept.items() if key in PUBLIC or may_be_kept(answer)}
            for method, kept in self._answers.items()
        }


def record(recorder: Recorder, member: Member, params: t.Mapping[str, t.Any], data_root: str) -> dict[str, t.Any]:
    """What modules observe. ``params`` are the options of ``host_info``; what can't be read is left out."""
    for name in params["record"]:
        _read(recorder, READS[name])
    units = [name for name in recorder.list_dir(mounts.UNIT_DIRECTORY) if name.endswith("mount")] if "mounts" in params["record"] else []
    recorder.units([*dict.fromkeys([*units, *(unit for name in params["record"] for unit in READS[name].units)])])
    recorder.packages([package for name in params["record"] for package in READS[name].packages])
    recorder.groups_of(params["users"])
    for text in (params["advertise_addr"], params["data_path_addr"]):
        network = addresses.as_network(text)
        if network:
            recorder.source_address(addresses.probe(network))
    looked_at = params["directories"] or params["paths"]
    mounted = mounts.parse_mountinfo(_try(recorder.read, "/proc/self/mountinfo") or "") if looked_at else {}
    for path in params["directories"]:
        if path not in mounted:  # a server that is off would let us wait
            _try(recorder.list_dir, path)
            _try(recorder.exists, path)
    for path in params["paths"]:
        if path in mounted:
            recorder.keep_mounted(path)
        if not is_remote(path, mounted):
            _try(recorder.exists, path)
            _try(recorder.stat, path)
    _try(recorder.exists, f"{data_root}/swarm/docker-state.json")
    _try(recorder.read, os.path.join(data_root, CERTIFICATE))
    member_record = {"problem": member.problem, "is_bare": member.is_bare, "is_local": member.is_local}
    return {"host": recorder.answers(), "engine": _read_engine(member), **member_record}


def _read(recorder: Recorder, reads: Reads) -> None:
    for path in reads.files:
        _try(recorder.read, path)
    for folder, pattern in reads.folders.items():
        for name in _try(recorder.list_dir, folder) or []:
            if re.fullmatch(pattern, name):
                _try(recorder.read, f"{folder}/{name}")
    for method, arguments in (
        (recorder.mode, reads.modes),
        (recorder.exists, reads.there),
        (recorder.find_command, reads.commands),
        (recorder.run, map(list, reads.runs)),
    ):
        for argument in arguments:
            _try(method, argument)


def _read_engine(member: Member) -> dict[str, t.Any]:
    """``/info`` and the volumes, and of a manager that can act the nodes and the networks of the swarm."""
    answers: dict[str, t.Any] = {}
    if not member.engine:
        return answers
    requests: list[tuple[str, dict[str, t.Any]]] = [("/info", {}), ("/volumes", {})]
    for path, query in requests:
        try:
            answer = trim(path, member.engine.get(path, doing="observing the engine", **query))
        except FlotillaError:
            continue
        answers[key_of_request(path, query)] = answer
        if path == "/info" and read_info("", answer).acting:
            requests += [("/nodes", {}), ("/networks", {"filters": {"scope": ["swarm"]}})]
    return {path: answer for path, answer in answers.items() if may_be_kept(answer)}


def _try(read: t.Callable[[t.Any], t.Any], argument: t.Any) -> t.Any:
    """What can't be read is for the module that needs it to complain about."""
    try:
        return read(argument)
    except FlotillaError:
        return None
