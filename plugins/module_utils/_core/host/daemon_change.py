# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of daemon.json depends on, and the change. Pure, but for what it is given to read with."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ...plan import Change, Field, Plan, compare
from . import daemon_json

Params = t.Mapping[str, t.Any]

OTHERS = 0o007


@dataclass(frozen=True)
class Observed:
    text: str | None
    unit: dict[str, str]
    flags: dict[str, str]
    engine: tuple[int, int] | None
    pending: dict[str, t.Any]
    in_swarm: bool
    check_mode: bool
    mode: int | None

    @property
    def running(self) -> bool:
        return self.unit.get("ActiveState") in ("active", "reloading")


@dataclass(frozen=True)
class Work:
    path: str
    text: str | None
    unit: str
    invocation: str
    validate: bool
    activate: bool
    cost: str
    secrets: list[str]
    written: dict[str, t.Any]


def observe(host: t.Any, params: Params, check_mode: bool) -> Observed:
    """``host`` has the reading methods of ``Host``; ``params`` are the options of module ``daemon_config``."""
    text = host.read(params["path"])
    config = daemon_json.parse(text, params["path"])
    unit = daemon_json.parse_unit(host.run(daemon_json.show_unit(params["unit"]))[1])
    pending = _read_pending(host)
    known = (pending.get("path"), pending.get("invocation")) == (params["path"], unit.get("InvocationID"))
    flags = daemon_json.flags_of(unit, host.read)
    return Observed(
        text=text,
        unit=unit,
        flags=flags,
        engine=daemon_json.parse_version(host.run(["dockerd", "--version"])[1]),
        pending=pending if known else {},
        in_swarm=host.exists(f"{daemon_json.data_root(config, flags)}/swarm/docker-state.json"),
        check_mode=check_mode,
        mode=host.mode(params["path"]),
    )


def plan(observed: Observed, params: Params) -> Plan:
    daemon_json.refuse_wrong_keys(params["config"], observed.engine)
    before = daemon_json.parse(observed.text, params["path"])
    after = daemon_json.merge(before, params["config"], params["lists"])
    daemon_json.refuse_conflicts(before, after, params["path"], observed.flags, params["unit"], observed.in_swarm)
    fields, secrets = compare(before, after), daemon_json.credentials(after)
    cost = daemon_json.cost(before, after) if observed.running else "nothing"
    cost = max(cost, observed.pending.get("cost", "nothing"), key=daemon_json.COSTS.index)
    apart = observed.in_swarm and cost == "restarts engine"
    later = params["activate"] == "never" or (params["activate"] == "outside_swarm" and apart)
    result = {"cost": cost, "pending": cost if later else "nothing", "in_swarm": observed.in_swarm}
    if secrets and observed.mode and observed.mode & OTHERS:
        fields = (*fields, Field("mode", f"{observed.mode:04o}", f"{observed.mode & ~OTHERS:04o}"))
    if later and params["activate"] == "outside_swarm" and not observed.check_mode:
        return Plan(result=result)
    if not fields and (params["activate"] == "never" or not observed.pending):
        return Plan(result=result)
    work = Work(
        path=params["path"],
        text=daemon_json.render(after, observed.text) if fields else None,
        unit=params["unit"],
        invocation=observed.unit.get("InvocationID", ""),
        validate=bool(observed.engine and observed.engine >= (23, 0)),
        activate=params["activate"] != "never",
        cost=cost,
        secrets=secrets,
        written=observed.pending,
    )
    shown = f"{cost} of a node in a swarm" if apart else cost
    action = "update" if observed.text is not None else "create"
    reason = "" if fields else "written by an earlier run, not loaded by the engine yet"
    return Plan((Change("file", work.path, action, fields, shown, reason, work),), result=result)


def _read_pending(host: t.Any) -> dict[str, t.Any]:
    """What an earlier run left to be activated; a file that is broken counts as none."""
    try:
        pending = json.loads(host.read(daemon_json.PENDING) or "{}")
    except ValueError:
        return {}
    return pending if isinstance(pending, dict) else {}
