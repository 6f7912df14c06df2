# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module ``stack``, known to both of its halves. Pure."""

from __future__ import annotations

import typing as t

from ...errors import PlanError
from ..service.images import REGISTRY_AUTH
from ..service.options import CALLS, WAIT

_WORDS = {**dict.fromkeys(("true", "yes", "on", "1"), True), **dict.fromkeys(("false", "no", "off", "0", ""), False)}

ARGUMENTS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "files": {"type": "list", "elements": "str"},
    "content": {"type": "raw"},
    "env": {"type": "dict", "default": {}, "no_log": True},
    "env_files": {"type": "list", "elements": "str", "default": []},
    "files_below": {"type": "str", "default": ""},
    "project_dir": {"type": "str", "default": ""},
    "undefined": {"type": "str", "choices": ["error", "blank"], "default": "error"},
    "optional_variables": {"type": "list", "elements": "str", "default": []},
    "unsupported": {"type": "str", "choices": ["warn", "error"], "default": "warn"},
    "template": {"type": "bool", "default": False},
    "render": {"type": "bool", "default": False},
    "profiles": {"type": "list", "elements": "str", "default": []},
    "device_kinds": {"type": "dict", "default": {}},
    "prune": {"type": "bool", "default": False},
    "resolve_image": {"type": "str", "choices": ["always", "changed", "never"], "default": "changed"},
    "unresolved": {"type": "str", "choices": ["warn", "error"], "default": "warn"},
    "content_names": {"type": "bool", "default": True},
    "keep_versions": {"type": "int", "default": 1},
    "keep_replicas": {"type": "raw", "default": False},
    **WAIT,
    "registry_auth": REGISTRY_AUTH,
    "refresh_registry_auth": {"type": "bool", "default": False},
    "run_id": {"type": "str", "default": ""},
    "show_environment": {"type": "list", "elements": "str", "default": []},
    "silence": {"type": "list", "elements": "str", "default": []},
    "plan_id": {"type": "str", "default": ""},
    "differing_volumes": {"type": "dict", "default": {}},
    "missing_paths": {"type": "dict", "default": {}},
    "routes": {"type": "dict", "default": {}},
    "model": {"type": "str", "no_log": True},
    **CALLS,
}


def kept_services(given: t.Any, stack: str, services: t.Collection[str]) -> bool | list[str]:
    """``keep_replicas`` as full names of services, or whether it is all of them; a text may stand for either.

    Raises PlanError for a key that is no service of the stack.
    """
    if isinstance(given, str):
        given = _WORDS.get(given.lower(), given.split(","))
    if isinstance(given, (bool, int)):
        return bool(given)
    names = [f"{stack}_{str(key).strip()}" for key in given or []]
    unknown = [name[len(stack) + 1 :] for name in names if name not in services]
    if unknown:
        known = ", ".join(sorted(name[len(stack) + 1 :] for name in services))
        raise PlanError(f"keep_replicas of stack {stack} names {', '.join(unknown)}, expected services of it: {known}.")
    return names
