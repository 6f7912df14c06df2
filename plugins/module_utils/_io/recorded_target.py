# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host and its engine as targets of modules, made of a record: they are observed as they were, and nothing reaches them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.cluster.member_state import MemberState
from .._core.host.record import NotRecorded, Record, RecordedEngine, RecordedHost
from .engine import Engine
from .host import Host
from .member import Member
from .member_host import MemberHost


@dataclass(frozen=True)
class RecordedMember(Member):
    """Raises NotRecorded for what takes time or was not read."""

    host: RecordedHost = field(default_factory=lambda: RecordedHost({}))

    def read(self, path: str) -> str:
        return self.host.read(path) or ""

    def source_address(self, peer: str) -> str:
        return self.host.source_address(peer)

    def await_state(self, name: str, is_done: t.Callable[[MemberState], bool], seconds: float) -> MemberState:
        raise NotRecorded("a record does not change")


def open_record(record: Record, check_mode: bool) -> MemberHost:
    """The host of a record of ``host_info`` and its engine."""
    host = RecordedHost(record["host"])
    engine = t.cast(Engine, RecordedEngine(record["engine"])) if not record["problem"] else None
    member = RecordedMember(engine, record["problem"], record["is_local"], check_mode, record["is_bare"], host)
    return MemberHost(member, t.cast(Host, host))
