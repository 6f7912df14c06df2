# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a run, and which runs they are told of. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..module_utils.errors import PlanError
from ..module_utils.plan import render_changes
from .run_plan import summarise

STARTED, FAILED, PLANNED, CHANGED, UNCHANGED = "started", "failed", "planned", "changed", "unchanged"
EVENTS = (STARTED, FAILED, PLANNED, CHANGED, UNCHANGED)
DEFAULT_EVENTS = (CHANGED, FAILED)
_LINES = 30
_EMAIL = {"to", "from", "host", "port", "username", "password", "tls"}


@dataclass(frozen=True)
class Email:
    """Who gets letters, and the server that takes them. ``tls`` asks it for STARTTLS."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int = 25
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = True


@dataclass(frozen=True)
class Settings:
    """What an inventory says of notifications."""

    webhook: str = field(default="", repr=False)
    email: Email | None = None
    events: tuple[str, ...] = DEFAULT_EVENTS

    @property
    def tells_anybody(self) -> bool:
        return bool(self.webhook or self.email)


def read_settings(variables: t.Mapping[str, t.Any]) -> Settings:
    """From ``notify_webhook``, ``notify_email`` and ``notify_events``. Raises PlanError, without the values that may be secret."""
    webhook = str(variables.get("notify_webhook") or "")
    if webhook and not webhook.startswith(("http://", "https://")):
        raise PlanError("notify_webhook does not begin with https:// or http://")
    events = variables.get("notify_events", DEFAULT_EVENTS)
    known = isinstance(events, (list, tuple)) and set(events) <= set(EVENTS)
    if not known:
        raise PlanError(f"notify_events is {events!r}, expected a list of {', '.join(EVENTS)}")
    return Settings(webhook, _read_email(variables.get("notify_email") or {}), tuple(events))


def _read_email(given: t.Any) -> Email | None:
    if not given:
        return None
    if not isinstance(given, dict):
        raise PlanError("notify_email is no mapping, expected to, from and host")
    unknown = sorted(set(given) - _EMAIL)
    missing = [name for name in ("to", "from", "host") if not given.get(name)]
    if unknown:
        raise PlanError(f"notify_email has {', '.join(unknown)}, expected {', '.join(sorted(_EMAIL))}")
    if missing:
        raise PlanError(f"notify_email lacks {', '.join(missing)}")
    to = given["to"] if isinstance(given["to"], list) else [given["to"]]
    port, tls = given.get("port", 25), given.get("tls", True)
    if not str(port).isdecimal() or not isinstance(tls, bool):
        raise PlanError(f"notify_email has port {port!r} and tls {tls!r}, expected a number and true or false")
    names = {name: str(given.get(name) or "") for name in ("username", "password")}
    return Email(tuple(map(str, to)), str(given["from"]), str(given["host"]), int(port), tls=tls, **names)


@dataclass(frozen=True)
class Run:
    """A run at its end, or at its start where ``seconds`` is None. ``changes`` are as modules return them, ``failed`` causes by host."""

    playbook: str
    swarm: str = ""
    checking: bool = False
    changes: t.Sequence[t.Mapping[str, t.Any]] = ()
    failed: t.Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None

    @property
    def event(self) -> str:
        if self.seconds is None:
            return STARTED
        if self.failed:
            return FAILED
        return UNCHANGED if not self.changes else PLANNED if self.checking else CHANGED


def message(run: Run) -> dict[str, t.Any]:
    """The body of a webhook: ``text`` for chats, and the same in parts for programs."""
    title = f"{run.playbook}{f' of {run.swarm}' if run.swarm else ''}: {run.event}"
    causes: dict[str, list[str]] = {}
    for host, cause in run.failed.items():
        causes.setdefault(cause, []).append(host)
    failed = [{"hosts": sorted(hosts), "cause": cause} for cause, hosts in causes.items()]
    changes = render_changes(run.changes)
    lines = [f"{', '.join(each['hosts'])}: {each['cause']}" for each in failed] + changes
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"and {len(lines) - _LINES} lines more"]
    summary = summarise(list(run.changes)) if run.changes or not run.failed else ""
    end = "" if run.seconds is None else f"{f'{summary}, ' if summary else ''}in {run.seconds:.0f} s"
    return {
        "text": "\n".join([title, *lines, *([end] if end else [])]),
        "playbook": run.playbook,
        "swarm": run.swarm,
        "event": run.event,
        "failed": failed,
        "changes": changes,
        "seconds": None if run.seconds is None else round(run.seconds),
    }
