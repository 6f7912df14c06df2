# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ``service`` does, and the suboptions of its ``update``, known to the controller's half as well. Pure."""

from __future__ import annotations

import typing as t

VERBS = ("scale", "restart", "update", "rollback", "rebalance")

_TEXTS: dict[str, t.Any] = {"type": "list", "elements": "str"}
_RESOURCES: dict[str, t.Any] = {"cpus": {"type": "float"}, "memory": {"type": "bytes"}}


def _dicts(**options: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"type": "list", "elements": "dict", "options": options}


def _references() -> dict[str, t.Any]:
    return _dicts(
        source={"type": "str", "required": True},
        target={"type": "str", "default": ""},
        uid={"type": "str", "default": "0"},
        gid={"type": "str", "default": "0"},
        mode={"type": "str", "default": ""},
    )


def _update_config(actions: list[str]) -> dict[str, t.Any]:
    return {
        "type": "dict",
        "options": {
            "parallelism": {"type": "int"},
            "delay": {"type": "str"},
            "failure_action": {"type": "str", "choices": actions},
            "monitor": {"type": "str"},
            "max_failure_ratio": {"type": "float"},
            "order": {"type": "str", "choices": ["stop-first", "start-first"]},
        },
    }


# What is not given stays, so that nothing here has a default.
UPDATE: dict[str, t.Any] = {
    "image": {"type": "str"},
    "environment": {"type": "dict"},
    "secret_environment": {"type": "dict", "no_log": True},
    "labels": {"type": "dict"},
    "limits": {"type": "dict", "options": {**_RESOURCES, "pids": {"type": "int"}}},
    "reservations": {"type": "dict", "options": _RESOURCES},
    "constraints": _TEXTS,
    "constraints_absent": _TEXTS,
    "mounts": _dicts(
        type={"type": "str", "choices": ["volume", "bind", "tmpfs"], "default": "volume"},
        source={"type": "str", "default": ""},
        target={"type": "str", "required": True},
        read_only={"type": "bool", "default": False},
    ),
    "mounts_absent": _TEXTS,
    "ports": _dicts(
        target={"type": "int", "required": True},
        published={"type": "int", "default": 0},
        protocol={"type": "str", "choices": ["tcp", "udp", "sctp"], "default": "tcp"},
        mode={"type": "str", "choices": ["ingress", "host"], "default": "ingress"},
    ),
    "ports_absent": _TEXTS,
    "networks": _TEXTS,
    "networks_absent": _TEXTS,
    "secrets": {**_references(), "no_log": False},
    "secrets_absent": {**_TEXTS, "no_log": False},
    "configs": _references(),
    "configs_absent": _TEXTS,
    "update_config": _update_config(["pause", "continue", "rollback"]),
    "rollback_config": _update_config(["pause", "continue"]),
}
