# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the results of swarm_info come to. Pure."""

from __future__ import annotations

import typing as t

from .host_names import name_hosts

Record = t.Mapping[str, t.Any]


def read_answers(results: t.Collection[Record]) -> dict[str, t.Any]:
    """What hosts say of themselves; a result of swarm_info with ``item``, the host. One that did not answer has nothing else."""
    answers = {result["item"]: result for result in results if "state" in result}
    acting = [name for name, each in answers.items() if each["acting"]]
    managers = {name: each for name, each in answers.items() if each["role"] == "manager"}
    return {
        "acting": acting,
        "silence": "" if acting else _silence(results),
        "locked": [name for name, each in answers.items() if each["state"] == "locked"],
        "leaderless": [name for name, each in managers.items() if each["state"] in ("active", "pending") and not each["acting"]],
        "node_ids": {name: each["node_id"] for name, each in answers.items() if each["node_id"]},
        "unmanaged": {name: each["unmanaged"] for name, each in answers.items() if each.get("unmanaged")},
        "check_mode": any(each["check_mode"] for each in answers.values()),
    }


def _silence(results: t.Iterable[Record]) -> str:
    """What keeps hosts from acting, a line each, that of several hosts once."""
    hosts: dict[str, list[str]] = {}
    for result in results:
        problem = str(result.get("problem" if "state" in result else "msg") or "").strip().rstrip(".")
        if problem:
            hosts.setdefault(problem, []).append(result["item"])
    return "\n".join(f"{name_hosts(names)}: {problem}." for problem, names in hosts.items())
