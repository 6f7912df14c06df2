# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose record counts where a task is delegated."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible_collections.flotilla.swarm.plugins.action.swarm_info import ActionModule
from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed_action import ObservedAction

RECORD: dict[str, t.Any] = {"host": {}, "engine": {}}


class HostVars:
    """Has variables of the inventory that can't be filled in, as each inventory may."""

    def __contains__(self, host: str) -> bool:
        return host in ("m1", "m2")

    def raw_get(self, host: str) -> dict[str, t.Any]:
        return {"preflight_seen": {"record": {**RECORD, "of": host}}, "broken": "{{ nowhere }}"}

    def __getitem__(self, host: str) -> t.Any:
        raise AssertionError("every variable of the host would be filled in")


@pytest.mark.parametrize(("delegated", "of"), [("m2", "m2"), (None, "m1"), ("m1", "m1"), ("away", None)])
def test_a_delegated_task_reads_no_other_variable(delegated: str | None, of: str | None) -> None:
    action = t.cast(ObservedAction, object.__new__(ActionModule))
    action._task = SimpleNamespace(delegate_to=delegated)
    hostvars = HostVars()
    mine = {"inventory_hostname": "m1", "hostvars": hostvars, "preflight_reuse": True, "ansible_play_hosts_all": ["m1", "m2"]}
    found = action._find_record({**mine, **hostvars.raw_get("m1")}, check_mode=False)
    assert (found or {}).get("of") == of
