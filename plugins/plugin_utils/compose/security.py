# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``security_opt`` of a service: what of it a swarm has, and in which words."""

from __future__ import annotations

import base64
import re
import typing as t

from .context import Context
from .errors import Place

Options = dict[str, t.Any]
_SWITCH = {"": True, "true": True, "false": False}


def read_security(given: t.Sequence[str], place: Place, context: Context) -> Options:
    """Without what a swarm does not have."""
    options: Options = {}
    for index, text in enumerate(given):
        kind, value = _split(text)
        if kind == "no-new-privileges":
            options["no_new_privileges"] = _SWITCH[value]
        elif kind == "seccomp" and value == "unconfined":
            options["seccomp"] = {"Mode": "unconfined"}
        elif kind == "seccomp":
            profile = value.encode() if value.startswith("{") else context.read_file(value, place / index)
            options["seccomp"] = {"Mode": "custom", "Profile": base64.b64encode(profile).decode()}
        elif kind == "apparmor":
            options["apparmor"] = {"Mode": "disabled"}
        elif kind == "label":
            part, _colon, name = value.partition(":")
            options.setdefault("selinux", {}).update({"Disable": True} if part == "disable" else {part.title(): name})
    return options


def as_texts(options: t.Mapping[str, t.Any]) -> list[str]:
    """The same as a stack file says it."""
    texts = [f"no-new-privileges:{str(options['no_new_privileges']).lower()}"] if "no_new_privileges" in options else []
    if "seccomp" in options:
        profile = base64.b64decode(options["seccomp"].get("Profile", "")).decode(errors="replace")
        texts.append(f"seccomp={profile or options['seccomp']['Mode']}")
    if "apparmor" in options:
        texts.append("apparmor=unconfined")
    selinux = options.get("selinux", {}).items()
    return texts + ["label=disable" if part == "Disable" else f"label={part.lower()}:{name}" for part, name in selinux]


def is_in_swarm(text: str) -> bool:
    """Whether a swarm has this option."""
    return bool(_split(text)[0])


def _split(text: str) -> tuple[str, str]:
    """Kind and value; an empty kind for what a swarm does not have, such as a profile of AppArmor."""
    kind, value = (*re.split("[=:]", text, maxsplit=1), "")[:2]
    known = {
        "no-new-privileges": value in _SWITCH,
        "seccomp": value not in ("", "builtin"),
        "apparmor": value == "unconfined",
        "label": value == "disable" or bool(re.fullmatch("(?:user|role|type|level):.+", value)),
    }
    return (kind, value) if known.get(kind) else ("", "")
