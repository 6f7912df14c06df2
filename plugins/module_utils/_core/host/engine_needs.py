# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role engine has to do on a host. Pure, but for what it is given to read with."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...errors import PlanError
from ...plan import Change, Field, Plan
from . import daemon_change, daemon_json, facts
from .daemon_json import UNIT
from .engine_packages import CATALOG, NAMES, Choice, Packages, limit_files

Params = t.Mapping[str, t.Any]
GROUP = "docker"
_DAEMON = {"lists": "replace", "activate": "outside_swarm", "path": daemon_json.PATH, "unit": UNIT}


@dataclass(frozen=True)
class Observed:
    """``told`` is what the role's later tasks need to know of the host, as ``host_info`` returns it."""

    told: Params
    daemon: daemon_change.Observed
    limits: t.Mapping[str, str | None]
    groups: t.Mapping[str, t.Sequence[str] | None]


def observe(host: t.Any, params: Params, check_mode: bool) -> Observed:
    """``host`` has the reading methods of ``Host``; ``params`` are the options of module ``engine_needs``."""
    daemon = daemon_change.observe(host, {**_DAEMON, **params}, check_mode)
    config = daemon_json.parse(daemon.text, daemon_json.PATH)
    told = {
        "host": {
            "distribution": facts.parse_os_release(host.read("/etc/os-release") or ""),
            "engine": ".".join(map(str, daemon.engine or ())),
            "live_restore": bool(config.get("live-restore")),
        },
        "packages": host.packages(NAMES),
        "units": host.units([UNIT]),
        "check_mode": check_mode,
    }
    return Observed(told, daemon, {path: host.read(path) for path in limit_files(params["nofile"])}, host.groups_of(params["users"]))


def plan(observed: Observed, params: Params) -> Plan:
    """Only in check mode it has changes; else ``todo`` says which parts of the role are to run, and these change something."""
    packages = read_packages(observed, params)
    _refuse(packages, params)
    decided = daemon_change.plan(observed.daemon, {**_DAEMON, **params})
    # An upgrade in a swarm takes turns, and what it would do depends on what there is to have.
    todo = ["upgrade"] if packages.outdated else []
    limits = [{"path": path, "text": text} for path, text in limit_files(params["nofile"]).items()]
    result = {**observed.told, "needs": packages.as_record(), "limits": limits, "todo": todo}
    if observed.told["check_mode"]:
        return Plan((*_host_changes(observed, packages, params), *decided.changes, *_late_changes(observed, packages)), result=result)
    if packages.missing:
        todo.append("packages")
    if packages.to_hold:
        todo.append("hold")
    if _limit_changes(observed, params):
        todo.append("limits")
    # What the packages bring decides anew.
    if packages.missing or decided.changes or decided.result["pending"] != "nothing":
        todo.append("config")
    if packages.must_start:
        todo.append("service")
    if any(GROUP not in (groups or ()) for groups in observed.groups.values()):
        todo.append("users")
    return Plan(result=result)


def read_packages(observed: Observed, params: Params) -> Packages:
    return Packages(observed.told, Choice(params["source"], params["version"], params["client"], params["hold"]))


def _refuse(packages: Packages, params: Params) -> None:
    if params["hold"] and packages.is_el:
        raise PlanError(
            f"{params['host']} runs {packages.distribution}, where engine_hold does nothing",
            "Set it to false there, and hold the packages with dnf versionlock.",
        )
    problem = packages.refuse_installation() if packages.missing else ""
    if problem:
        raise PlanError(f"{params['host']} {problem}")


def _host_changes(observed: Observed, packages: Packages, params: Params) -> list[Change]:
    """What comes before daemon.json."""
    versions = {name: params["version"] if name in CATALOG.versioned else "" for name in packages.missing}
    changes = [Change("package", name, "create", (Field("version", None, version or "newest"),)) for name, version in versions.items()]
    changes += [Change("package", name, "update", (Field("hold", False, True),)) for name in packages.to_hold if name in packages.installed]
    return changes + _limit_changes(observed, params)


def _limit_changes(observed: Observed, params: Params) -> list[Change]:
    wanted = limit_files(params["nofile"])
    return [
        Change("file", path, "create" if observed.limits[path] is None else "update", reason=f"{params['nofile']} open files")
        for path, text in wanted.items()
        if text != observed.limits[path]
    ]


def _late_changes(observed: Observed, packages: Packages) -> list[Change]:
    """What comes after daemon.json."""
    changes = []
    if packages.must_start:
        state = packages.host["units"].get(UNIT, {})
        fields = tuple(Field(name, state.get(name, False), True) for name in ("active", "enabled") if not state.get(name))
        changes.append(Change("unit", UNIT, "update", fields))
    for user, groups in observed.groups.items():
        if GROUP not in (groups or ()):
            changes.append(
                Change("user", user, "create" if groups is None else "update", (Field("groups", groups, [*(groups or ()), GROUP]),))
            )
    return changes
