# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This host's engine as a member of a swarm: a target for modules that meet engines in any state, or none."""

from __future__ import annotations

import os
import socket
import typing as t
from dataclasses import dataclass
from functools import partial

from .._core.cluster.member_state import MemberState, read_info
from .._core.cluster.routes import read_routes
from .._core.host.bare import SIGNS, is_bare
from .engine import Engine, EngineError, Unusable
from .polling import poll
from .target import CONNECTION, Target, connect

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


CERTIFICATE = "swarm/certificates/swarm-node.crt"
"""Of a node, below the engine's directory."""


@dataclass(frozen=True)
class Member:
    """``engine`` is None if no engine answers; ``problem`` then says why, and ``is_bare`` whether none is installed."""

    engine: Engine | None
    problem: str
    is_local: bool
    check_mode: bool
    is_bare: bool = False

    @property
    def is_to_be_installed(self) -> bool:
        """Whether this is check mode on a host on which the run would first install the engine: nothing is there yet."""
        return self.check_mode and self.is_bare

    def is_to_become_manager(self, seen: MemberState) -> bool:
        """Whether this is check mode on a host that the run would make a manager first: its swarm is empty yet."""
        return self.check_mode and seen.state in ("no engine", "inactive")

    def require_engine(self) -> Engine:
        """The engine; raises the reason if there is none."""
        if self.engine:
            return self.engine
        raise Unusable("", self.problem)

    def require_manager(self, seen: MemberState) -> Engine:
        """The engine of a manager that can act, given what ``look`` saw; raises what else it is."""
        engine = self.require_engine()
        if not seen.acting:
            what = {"active": f"is a {seen.role}", "inactive": "is in no swarm"}.get(seen.state, f"is in state {seen.state}")
            problem = f" ({seen.problem})" if seen.problem else ""
            raise Unusable("", f"This host {what}{problem}", "Run this on a manager whose swarm has a leader.")
        return engine

    def inspect(self, name: str) -> tuple[MemberState, dict[str, t.Any]]:
        """What this host is in a swarm, and the engine's ``/info``. Never raises."""
        if not self.engine:
            return MemberState(name, "no engine" if self.is_bare else "unreachable", problem=self.problem), {}
        try:
            info = self.engine.get("/info", doing="reading the engine's state")
        except EngineError as error:
            return MemberState(name, "error", problem=str(error)), {}
        return read_info(name, info, self._certificate(info)), info

    def routes(self) -> list[dict[str, str]]:
        """The networks that this host reaches by itself, where its engine is a local one."""
        return read_routes(self.read("/proc/net/route"), self.read("/etc/resolv.conf")) if self.is_local else []

    def source_address(self, peer: str) -> str:
        """The address from which this host reaches ``peer``; empty if it does not."""
        return source_address(peer)

    def read(self, path: str) -> str:
        """A file's text, empty if there is none that can be read."""
        try:
            with open(path, encoding="utf-8") as stream:
                return stream.read()
        except (OSError, UnicodeDecodeError):
            return ""

    def await_state(self, name: str, is_done: t.Callable[[MemberState], bool], seconds: float) -> MemberState:
        """Look until ``is_done`` or out of time; what was seen last."""
        return poll(lambda: self.inspect(name)[0], is_done, seconds)

    def _certificate(self, info: t.Mapping[str, t.Any]) -> str:
        if not self.is_local:
            return ""
        return self.read(os.path.join(info.get("DockerRootDir") or "", CERTIFICATE))


def source_address(peer: str) -> str:
    """The address from which this host reaches ``peer``; empty if it does not. Nothing is sent."""
    try:
        family, kind, protocol, _name, place = socket.getaddrinfo(peer, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(place)
            return str(probe.getsockname()[0])
    except (OSError, UnicodeError):
        return ""


def is_own_address(address: str) -> bool:
    """Whether an interface of this host has the address. Nothing is sent."""
    try:
        family, kind, protocol, _name, place = socket.getaddrinfo(address, 0, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(place)
            return True
    except (OSError, UnicodeError):
        return False


def _open(module: AnsibleModule, first: str = "") -> Member:
    is_local = str(module.params["docker_host"]).startswith("unix:")
    try:
        engine = connect(module, first)
    except EngineError as error:
        found = [path for path in SIGNS if os.path.lexists(path)]
        return Member(None, str(error), is_local, module.check_mode, is_bare(module.params["docker_host"], found))
    return Member(engine, "", is_local, module.check_mode)


member_target = Target(CONNECTION, _open)
inspected_target = Target(CONNECTION, partial(_open, first="/info"))
"""For modules that begin with ``inspect``."""
