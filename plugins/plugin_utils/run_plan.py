# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of a whole run as one list. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..module_utils.errors import NOTHING_CHANGED
from ..module_utils.plan import SIGNS, render_changes
from .host_names import name_hosts

REGISTERED = ("_decided", "_planned", "_done")
"""How the names end under which roles register what holds a plan."""
_OF_HOSTS = ("directory", "file", "firewall", "mount", "package", "unit", "user", "volume")
"""Kinds of what each host has for itself."""
_SUMMARY = (("update", "to change"), ("create", "to add"), ("replace", "to replace"), ("remove", "to remove"))


def gather(results: t.Iterable[tuple[str, str, bool, t.Mapping[str, t.Any]]]) -> list[dict[str, t.Any]]:
    """The changes of a run, those that are the same on several hosts once.

    ``results`` are (host, task, for the whole cluster, result) in the order in which they came. A change that belongs to hosts
    names them in its reason.
    """
    hosts_of: dict[str, tuple[dict[str, t.Any], list[str]]] = {}
    for host, task, whole_cluster, result in results:
        for item in _items(result):
            if not item.get("changed"):
                continue
            for change in item["plan"] if _is_plan(item.get("plan")) else [_foreign(task)]:
                hosts = hosts_of.setdefault(repr(change), (dict(change), []))[1]
                if not whole_cluster and host not in hosts:
                    hosts.append(host)
    return [{**change, "reason": _with_hosts(change["reason"], hosts)} for change, hosts in hosts_of.values()]


def _items(result: t.Mapping[str, t.Any]) -> list[t.Mapping[str, t.Any]]:
    """The results of a loop, or the one result. Modules of others return ``results`` too, as those of packages do."""
    listed = result.get("results")
    items = [item for item in listed if isinstance(item, t.Mapping) and "changed" in item] if isinstance(listed, list) else []
    return items or [result]


def _is_plan(value: t.Any) -> bool:
    """Whether it is the plan of a module of this collection."""
    if not isinstance(value, list):
        return False
    return all(isinstance(change, t.Mapping) and set(_foreign("")) <= set(change) and change["action"] in SIGNS for change in value)


def _foreign(task: str) -> dict[str, t.Any]:
    return {"kind": "task", "name": task, "action": "update", "fields": [], "cost": "nothing", "reason": ""}


def _with_hosts(reason: str, hosts: list[str]) -> str:
    return f"{reason} on {name_hosts(hosts)}".strip() if hosts else reason


def gather_registered(variables: t.Mapping[str, t.Mapping[str, t.Any]], hosts: t.Iterable[str]) -> list[dict[str, t.Any]]:
    """The same from what the roles registered, by host. Of tasks of other collections nothing is known there."""
    found = []
    for host in hosts:
        mine = variables[host]
        for name in [name for name in mine if name.endswith(REGISTERED)]:
            for item in _items(mine[name]) if isinstance(mine[name], t.Mapping) else ():
                if item.get("changed") and _is_plan(item.get("plan")):
                    kinds = {change["kind"] for change in item["plan"]}
                    found.append((host, name, kinds.isdisjoint(_OF_HOSTS), item))
    return gather(found)


def tell_registered(variables: t.Mapping[str, t.Mapping[str, t.Any]], hosts: t.Iterable[str]) -> list[str]:
    """The lines that the callback ``plan`` would print at the end of a run that only plans."""
    changes = gather_registered(variables, hosts)
    return [*render_changes(changes), f"{summarise(changes)}. {NOTHING_CHANGED}"]


def summarise(changes: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Such as ``2 to change, 1 to add``; ``Nothing to change`` when there are none."""
    counts = [(sum(change["action"] == action for change in changes), words) for action, words in _SUMMARY]
    return ", ".join(f"{count} {words}" for count, words in counts if count) or "Nothing to change"


@dataclass
class RunPlan:
    """What the tasks of a run planned or did so far. The callback ``plan`` notes it; it is shown once, by the callback that comes first."""

    results: list[tuple[str, str, bool, t.Mapping[str, t.Any]]] = field(default_factory=list)
    is_planned: bool = False
    is_applied: bool = False
    is_shown: bool = False

    def note(self, host: str, task: str, whole_cluster: bool, result: t.Mapping[str, t.Any], checking: bool) -> None:
        self.is_planned |= checking
        self.is_applied |= not checking
        self.results.append((host, task, whole_cluster, result))

    def end(self, lost: t.Sequence[str], took: str = "") -> list[str]:
        """A title, the changes and their number. Nothing where the run neither planned nor did any, or it was shown.

        ``lost`` are the hosts on which the run failed.
        """
        changes = gather(self.results)
        if self.is_shown or not (changes or self.is_planned):
            return []
        self.is_shown = True
        incomplete = [f"This list is incomplete: the run failed on {name_hosts(lost)}."] if lost else []
        count = "No change was planned before that" if lost and not changes else summarise(changes)
        end = f"{took and ', in '}{took}." if self.is_applied else f". {NOTHING_CHANGED}"
        return ["PLAN" if self.is_planned else "CHANGES", *incomplete, *render_changes(changes), f"{count}{end}"]


RUN_PLAN = RunPlan()
