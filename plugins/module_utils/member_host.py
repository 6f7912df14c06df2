# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with its engine, a member of a swarm or none: commands, files, unit and API, as a world for modules."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .cluster.backup import KINDS
from .cluster.seen import Seen
from .engine import Engine
from .host_io import Host
from .member import Member, member_world
from .plan import FlotillaError
from .runner import World, host_world

UNITS = ("docker.socket", "docker.service")
PATIENCE_SECONDS = 120

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


@dataclass(frozen=True)
class MemberHost:
    member: Member
    host: Host

    def state_directory(self, info: t.Mapping[str, t.Any]) -> str:
        """Where the engine keeps its swarm state. Raises FlotillaError where that is another host's disk."""
        if not self.member.is_local or not info.get("DockerRootDir"):
            problem = self.member.problem or "the engine is on another host"
            raise FlotillaError(f"The state of a manager can be read only on its own host: {problem}. Nothing was changed.")
        return f"{info['DockerRootDir']}/swarm"

    def local_engine(self) -> Engine:
        """The engine of this host. Raises FlotillaError where it is another host's."""
        engine = self.member.require_engine()
        if not self.member.is_local:
            raise FlotillaError("Volumes can be read only on their own host, and docker_host is another one. Nothing was changed.")
        return engine

    def objects(self, engine: Engine) -> dict[str, list[dict[str, t.Any]]]:
        """Everything that the swarm holds, by kind, as the Engine API lists it."""
        return {kind: engine.get(f"/{kind}", "listing what the swarm holds") for kind in KINDS}

    def stop_engine(self) -> None:
        """Where it does not stop as it should, it is started again, for a stop that takes too long ends with a kill."""
        present = [unit for unit in UNITS if self.host.run(["systemctl", "cat", unit])[0] == 0]
        try:
            self._systemctl("stop", *present)
        except FlotillaError:
            self.host.run(["systemctl", "start", *present])
            raise

    def start_engine(self) -> None:
        self._systemctl("start", "docker.service")

    def await_member(self, is_done: t.Callable[[Seen], bool], doing: str) -> Seen:
        """Look until ``is_done``; raises FlotillaError that says what the host is instead."""
        seen = self.member.await_state("this host", is_done, PATIENCE_SECONDS)
        if not is_done(seen):
            raise FlotillaError(f"{doing}: after {PATIENCE_SECONDS} s {seen.story}. Look at the engine's log (journalctl -u docker).")
        return seen

    def _systemctl(self, verb: str, *units: str) -> None:
        code, out, err = self.host.run(["systemctl", verb, *units])
        if code:
            raise FlotillaError(f"systemctl {verb} {' '.join(units)}: {(err or out).strip()}")


def _open(module: AnsibleModule) -> MemberHost:
    return MemberHost(member_world.open(module), host_world.open(module))


member_host_world = World(member_world.arguments, _open)
