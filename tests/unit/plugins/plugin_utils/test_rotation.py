# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.rotation import find_plan_ids, read_rotation


def change(kind: str, action: str, name: str = "x", paths: tuple[str, ...] = (), reason: str = "") -> dict[str, Any]:
    return {"kind": kind, "action": action, "name": name, "fields": [{"path": path} for path in paths], "reason": reason}


NEW = change("secret", "create", "vault_password_2")
USES = change("service", "update", "vault_reader", ("secrets.password",))


@pytest.mark.parametrize(
    ("changes", "new", "others"),
    [
        ([], [], []),
        ([NEW, USES], ["vault_password_2"], []),
        ([NEW, USES, change("secret", "remove", "vault_password_1")], ["vault_password_2"], []),
        ([NEW, USES, change("config", "remove", "old", reason="superseded")], ["vault_password_2"], []),
        ([change("service", "update", "vault_reader", ("secrets.password", "env.LEVEL", "image"))], [], ["vault_reader"]),
        ([change("service", "create", "vault_new"), change("network", "create", "vault_net")], [], ["vault_new", "vault_net"]),
        ([change("service", "remove", "vault_gone", reason="is not in the file")], [], ["vault_gone"]),
        ([change("config", "create", "c"), change("config", "create", "c")], [], ["c"]),
    ],
)
def test_a_rotation_changes_secrets_alone(changes: list[dict[str, Any]], new: list[str], others: list[str]) -> None:
    rotation = read_rotation([{"plan": changes[:1]}, {"failed": True}, {"plan": changes[1:]}])
    assert (rotation.new_secrets, rotation.other_changes) == (new, others)


def test_plans_of_stacks_that_were_not_deployed() -> None:
    planned = {"item": "a", "plan_id": "1"}
    results: list[dict[str, Any]] = [planned, {**planned, "item": "b", "services": []}, {"item": "c", "failed": True}]
    assert find_plan_ids(results) == {"a": "1"}
