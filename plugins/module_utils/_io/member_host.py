# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This host and its engine as a member of a swarm: a target for modules that need both."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.cluster.member_state import MemberState
from ..errors import FlotillaError
from . import systemd
from .engine import Engine
from .host import Host, host_target
from .member import Member, member_target
from .target import Target

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


UNITS = ("docker.socket", "docker.service")
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class MemberHost:
    """The engine, and the files and units beside it."""

    member: Member
    host: Host

    def state_directory(self, info: t.Mapping[str, t.Any]) -> str:
        """Where the engine keeps its swarm state. Raises FlotillaError where that is another host's disk."""
        if not self.member.is_local or not info.get("DockerRootDir"):
            problem = self.member.problem or "the engine is on another host"
            raise FlotillaError(f"The state of a manager can be read only on its own host: {problem}.")
        return f"{info['DockerRootDir']}/swarm"

    def local_engine(self) -> Engine:
        """The engine of this host. Raises FlotillaError where it is another host's."""
        engine = self.member.require_engine()
        if not self.member.is_local:
            raise FlotillaError("Volumes can be read only on their own host, and docker_host is another one.")
        return engine

    def stop_engine(self) -> None:
        """Where it does not stop as it should, it is started again, for a stop that takes too long ends with a kill."""
        present = [unit for unit in UNITS if not systemd.attempt(self.host, "cat", unit)]
        try:
            systemd.require(self.host, "stop", *present)
        except FlotillaError:
            systemd.attempt(self.host, "start", *present)
            raise

    def start_engine(self) -> None:
        systemd.require(self.host, "start", "docker.service")

    def await_member(self, is_done: t.Callable[[MemberState], bool], doing: str) -> MemberState:
        """Look until ``is_done``; raises FlotillaError that says what the host is instead."""
        seen = self.member.await_state("this host", is_done, PATIENCE_SECONDS)
        if not is_done(seen):
            raise FlotillaError(f"{doing}: after {PATIENCE_SECONDS} s {seen.story}", "Look at the engine's log (journalctl -u docker).")
        return seen


def _open_host(module: AnsibleModule) -> MemberHost:
    return MemberHost(member_target.open(module), host_target.open(module))


member_host_target = Target(member_target.arguments, _open_host)
