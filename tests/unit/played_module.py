# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that plays ``swarm_info``, ``nodes`` or ``act``, whatever the name it is called by, in a swarm that is a JSON file.

Each host has an interpreter of its own, FOLDER/HOST/python, whose path says where the module runs.
"""

from __future__ import annotations

import fcntl
import json
import sys
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

# Of all three together.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "nodes": {"type": "bool"},
    **{name: {"type": "dict", "default": {}} for name in ("availability", "labels", "node_ids")},
    **{name: {"type": "str"} for name in ("drain_timeout", "surge", "turn")},
}


def swarm_info(state: dict[str, Any], host: str, check_mode: bool, params: dict[str, Any]) -> dict[str, Any]:
    hosts = state["hosts"]
    own = hosts[host]
    managers = [name for name, each in hosts.items() if each["role"] == "manager"]
    reachable = [name for name in managers if hosts[name]["state"] == "active"]
    return {
        **dict.fromkeys(("problem", "cluster_id", "address", "engine_version", "certificate_expires"), ""),
        **{name: [] for name in ("down", "ghosts")},
        **{name: {} for name in ("authority", "cluster")},
        "state": own["state"],
        "role": own["role"],
        "node_id": host,
        "acting": own["role"] == "manager" and own["state"] == "active" and len(reachable) > len(managers) // 2,
        "settings": {"autolock": False},
        "check_mode": check_mode,
        "quorum": {"managers": len(managers), "reachable": len(reachable), "needed": len(managers) // 2 + 1, "margin": 0},
        "managers": [
            {**dict.fromkeys(("node_id", "hostname", "address"), name), "reachable": name in reachable, "leader": name == state["leader"]}
            for name in managers
        ],
        "nodes": [
            {
                **dict.fromkeys(("address", "engine_version"), ""),
                "node_id": name,
                "hostname": name,
                "role": each["role"],
                "generic_resources": [],
                "leader": name == state["leader"],
                "availability": each["availability"],
                "labels": each["labels"],
                "state": "ready" if each["state"] == "active" else "down",
            }
            for name, each in hosts.items()
        ],
    }


def nodes(state: dict[str, Any], host: str, check_mode: bool, params: dict[str, Any]) -> dict[str, Any]:
    wanted = params["availability"]
    if check_mode:
        return {"msg": f"no room for {' and '.join(wanted)}"} if len(wanted) > state["room"] else {}
    if wanted:
        state["log"].append([host, wanted])
    for name, value in wanted.items():
        node = state["hosts"][name]
        node["availability"] = node.pop("before", "active") if value == "previous" else value
        labels = {**node["labels"], **(params["labels"].get(name) or {})}
        node["labels"] = {label: text for label, text in labels.items() if text is not None}
    stuck = [name for name, value in wanted.items() if name in state["stuck"] and value == "drain"]
    return {"msg": "tasks are left"} if stuck else {}


def act(state: dict[str, Any], host: str, check_mode: bool, params: dict[str, Any]) -> dict[str, Any]:
    state["log"].append([host, "acts"])
    state["hosts"][host]["state"] = "active"
    return {"msg": "broken here"} if host in state["fails"] else {}


def main() -> None:
    place = Path(sys.executable).parent
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    play = {"swarm_info": swarm_info, "nodes": nodes, "act": act}[module._name.split(".")[-1]]
    with open(place.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = place.parent / "state.json"
        state = json.loads(file.read_text())
        result = play(state, place.name, module.check_mode, module.params)
        file.write_text(json.dumps(state))
    (module.fail_json if "msg" in result else module.exit_json)(**{"changed": False, **result})


if __name__ == "__main__":
    main()
