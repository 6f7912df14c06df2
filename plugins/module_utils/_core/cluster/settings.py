# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a swarm: from the user's words to the engine's specification and back. Pure."""

from __future__ import annotations

import copy
import re
import typing as t
from decimal import Decimal

from ...errors import PlanError
from ...plan import Field, compare
from .labels import labels_as_text

_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)")

PLACES: dict[str, tuple[str, str]] = {
    "task_history_limit": ("Orchestration", "TaskHistoryRetentionLimit"),
    "snapshot_interval": ("Raft", "SnapshotInterval"),
    "keep_old_snapshots": ("Raft", "KeepOldSnapshots"),
    "log_entries_for_slow_followers": ("Raft", "LogEntriesForSlowFollowers"),
    "heartbeat_tick": ("Raft", "HeartbeatTick"),
    "election_tick": ("Raft", "ElectionTick"),
    "dispatcher_heartbeat": ("Dispatcher", "HeartbeatPeriod"),
    "node_cert_expiry": ("CAConfig", "NodeCertExpiry"),
    "autolock": ("EncryptionConfig", "AutoLockManagers"),
}
DURATIONS = ("dispatcher_heartbeat", "node_cert_expiry")
_WHEN_ABSENT: dict[str, t.Any] = {"autolock": False}


def parse_duration_ns(value: str, name: str) -> int:
    """Nanoseconds of ``90d``, ``1h30m`` or a number of seconds. ``name`` is what the duration is for, for the error."""
    text = value.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return int(Decimal(text) * _NS["s"])
    if not text or _DURATION.sub("", text):
        raise PlanError(f"{name}: {value!r} is not a duration", "Write it as 90d, 2160h, 1h30m or 5s.")
    return sum(int(Decimal(count) * _NS[unit]) for count, unit in _DURATION.findall(text))


def read_settings(spec: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The settings that a swarm's specification holds, by the user's names; durations in nanoseconds."""
    found = {name: (spec.get(part) or {}).get(key) for name, (part, key) in PLACES.items()}
    known = {name: _WHEN_ABSENT.get(name) if value is None else value for name, value in found.items()}
    return {
        **{name: value for name, value in known.items() if value is not None},
        "labels": dict(spec.get("Labels") or {}),
    }


def read_wanted(settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What the user named, with durations in nanoseconds and labels as text; options that are absent (None) are left out."""
    named = {name: value for name, value in settings.items() if value is not None}
    durations = {name: parse_duration_ns(named[name], f"settings.{name}") for name in DURATIONS if name in named}
    return {**named, **durations, **({"labels": labels_as_text("the swarm", named["labels"])} if "labels" in named else {})}


def change_spec(spec: t.Mapping[str, t.Any], wanted: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The whole specification with what ``read_wanted`` gave put into it. A label whose value is None is removed."""
    changed = copy.deepcopy(dict(spec))
    for name, value in wanted.items():
        if name == "labels":
            labels = {**(changed.get("Labels") or {}), **value}
            changed["Labels"] = {key: text for key, text in labels.items() if text is not None}
        else:
            part, key = PLACES[name]
            changed[part] = {**(changed.get(part) or {}), key: value}
    return changed


def compare_settings(spec: t.Mapping[str, t.Any], wanted: t.Mapping[str, t.Any]) -> tuple[Field, ...]:
    """What would differ for the user."""
    before, after = (show_settings(read_settings(each)) for each in (spec, change_spec(spec, wanted)))
    return compare(before, after)


def show_settings(settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What ``read_settings`` gave, with durations as the user writes them: ``90d``, ``5s``."""
    return {name: format_duration(value) if name in DURATIONS else value for name, value in settings.items()}


def format_duration(duration_ns: int) -> str:
    """In the largest unit in which it is a whole number."""
    unit = next(unit for unit in ("d", "h", "m", "s", "ms", "us", "ns") if duration_ns % _NS[unit] == 0)
    return f"{duration_ns // _NS[unit]}{unit}"


def count_ca_rotation(spec: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The specification that makes the managers replace their certificate authority: its counter is raised by one."""
    authority = spec.get("CAConfig") or {}
    return {**spec, "CAConfig": {**authority, "ForceRotate": (authority.get("ForceRotate") or 0) + 1}}


def find_old_roots(swarm: t.Mapping[str, t.Any], nodes: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    """Nodes whose certificate is not from the swarm's present authority, such as ``w1 (down)``."""
    root = (swarm.get("TLSInfo") or {}).get("TrustRoot")
    described = [(node.get("Description") or {}, (node.get("Status") or {}).get("State")) for node in nodes]
    return sorted(f"{each.get('Hostname')} ({state})" for each, state in described if (each.get("TLSInfo") or {}).get("TrustRoot") != root)
