# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``host_info``: where preflight has looked at the host, only packages and units are left to be told."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed import SEEN
from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed_action import ObservedAction

from ..module_utils._core.host.record import NotRecorded
from ..module_utils._io.member_host import MemberHost
from ..module_utils.plan import Plan
from ..modules import host_info


class _FromRecord:
    """The module for who asks for no more than packages and units. The rest is as preflight saw it."""

    ARGUMENTS = host_info.ARGUMENTS

    def __init__(self, seen: t.Mapping[str, t.Any]) -> None:
        self._seen = seen

    def observe(self, place: MemberHost, params: dict[str, t.Any]) -> dict[str, t.Any]:
        more = [name for name, value in params.items() if value and name not in ("packages", "units") and name in self.ARGUMENTS]
        if more:
            raise NotRecorded(f"{', '.join(more)} is for the host to tell")
        packages, units = place.host.packages(params["packages"]), place.host.units(params["units"])
        return {"host": self._seen["host"], "check_mode": place.member.check_mode, "packages": packages, "units": units}

    def plan(self, observed: dict[str, t.Any], _params: dict[str, t.Any]) -> Plan:
        return Plan(result=observed)


class ActionModule(ObservedAction):
    def place(self, recorded: MemberHost) -> MemberHost:
        return recorded

    def _decide(self, variables: dict[str, t.Any]) -> Plan:
        seen = self._variables_of_host(variables).get(SEEN)
        if not isinstance(seen, t.Mapping) or "host" not in seen:
            raise NotRecorded("preflight did not see it")
        return self._plan_of(_FromRecord(seen), variables)
