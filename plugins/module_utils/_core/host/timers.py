# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that systemd runs at times: the units of each, and what differs from those that are there. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ...errors import PlanError
from ...plan import Change, Field, Plan

KINDS = ("service", "timer")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
_TIME = re.compile(r"[^\n]*\S[^\n]*")


@dataclass(frozen=True)
class Found:
    """What is there of one: the texts of its units by kind, and whether its timer waits and starts with the host."""

    texts: t.Mapping[str, str]
    waits: bool = False


def quote(word: str) -> str:
    """A word of a command as ``ExecStart`` takes it (systemd.service(5), "Command lines"): nothing in it is expanded."""
    inner = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$").replace("\n", "\\n").replace("\t", "\\t")
    return f'"{inner}"'


def check(prefix: str, timers: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Raise PlanError for what can't be units, all at once."""
    problems = []
    if not _NAME.fullmatch(prefix):
        problems.append(f"prefix is {prefix!r}, expected small letters, digits and '_'")
    names = [item["name"] for item in timers]
    for index, item in enumerate(timers):
        name = item["name"]
        if not _NAME.fullmatch(name):
            problems.append(f"timers[{index}].name is {name!r}, expected small letters, digits and '_'")
        if name in names[:index]:
            problems.append(f"timers[{index}].name {name} is listed twice")
        if not _TIME.fullmatch(item["calendar"]):
            problems.append(
                f"timers[{index}].calendar of {name} is {item['calendar']!r}, expected a time of systemd, such as hourly or *:0/5"
            )
        if not item["command"]:
            problems.append(f"timers[{index}].command of {name} is empty, expected a program and its arguments")
        for option in ("delay", "timeout"):
            if item[option] < 0:
                problems.append(f"timers[{index}].{option} of {name} is {item[option]}, expected 0 or more seconds")
    if problems:
        raise PlanError("; ".join(problems))


def unit_texts(item: t.Mapping[str, t.Any], user: str, directory: str) -> dict[str, str]:
    """The text of the service and of the timer of one, by kind."""
    service = [
        f"[Unit]\nDescription={item['description'] or item['name']}\nWants=network-online.target\nAfter=network-online.target\n",
        "[Service]\nType=oneshot",
        f"User={user}" if user else "",
        f"WorkingDirectory={directory}" if directory else "",
        f"TimeoutStartSec={item['timeout'] or 'infinity'}",
        f"ExecStart={' '.join(map(quote, item['command']))}",
    ]
    # Persistent: what was due while the host was off is done when it is back.
    timer = [
        f"[Unit]\nDescription=Times of {item['description'] or item['name']}\n",
        f"[Timer]\nOnCalendar={item['calendar']}\nRandomizedDelaySec={item['delay']}\nAccuracySec=1s\nPersistent=true\n",
        "[Install]\nWantedBy=timers.target",
    ]
    return {"service": _text(service), "timer": _text(timer)}


def _text(lines: t.Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in ["# Managed by flotilla.swarm.timers", *lines] if line)


def plan_timers(wanted: t.Mapping[str, t.Mapping[str, str]], found: t.Mapping[str, Found]) -> Plan:
    """Remove what is no longer wanted, then create, correct and start; both are by the name of the unit, without its kind."""
    changes = [Change("timer", name, "remove") for name in sorted(found.keys() - wanted.keys())]
    for name, texts in sorted(wanted.items()):
        there = found.get(name)
        if there is None:
            changes.append(Change("timer", name, "create", payload=texts))
            continue
        pairs = [(there.texts.get(kind, ""), texts[kind]) for kind in KINDS]
        fields = [Field(*difference) for pair in pairs for difference in _differences(*pair)]
        if not there.waits:
            fields.append(Field("waits", False, True))
        if fields:
            changes.append(Change("timer", name, "update", tuple(fields), payload=texts))
    return Plan(tuple(changes))


def _differences(before: str, after: str) -> list[tuple[str, str | None, str | None]]:
    """The settings of a unit that differ, each with both values."""
    old, new = _settings(before), _settings(after)
    return [(key, old.get(key), new.get(key)) for key in {**old, **new} if old.get(key) != new.get(key)]


def _settings(text: str) -> dict[str, str]:
    return dict(t.cast("tuple[str, str]", tuple(line.split("=", 1))) for line in text.splitlines() if "=" in line and line[0] != "#")
