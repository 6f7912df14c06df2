# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what can't be undone may be done, and to which swarm. Pure."""

from __future__ import annotations

import typing as t

from ...errors import PlanError
from .member_state import MemberState

# The options of the doc fragment ``guard``.
ARGUMENTS: dict[str, t.Any] = {
    "confirm": {"type": "str", "default": ""},
    "swarm_name": {"type": "str"},
    "cluster_id": {"type": "str", "default": ""},
}


def refuse_unconfirmed(confirm: t.Any, swarm_name: t.Any, act: str = "") -> None:
    """Raises PlanError unless ``confirm`` is the name of the swarm. ``act`` says in a sentence what is about to be done."""
    said, name = _text(confirm), _text(swarm_name)
    if not name.strip():
        problem = "swarm_name is empty, and a swarm without a name can't be confirmed"
        cure = "Set swarm_name in the inventory, and give that name: -e confirm=NAME"
    elif not said:
        problem, cure = "confirm is missing", f"To go on: -e confirm={name}"
    elif said != name:
        problem, cure = f"confirm is '{said}', which is not its name", f"To go on: -e confirm={name}"
    else:
        return
    raise PlanError(" ".join(filter(None, (act.strip(), problem))), f"{cure}.")


def _text(value: t.Any) -> str:
    return "" if value is None else str(value)


def refuse_if_named(params: t.Mapping[str, t.Any]) -> None:
    """For what is harmless in most calls: only a play that destroys names the swarm, and then it has to be confirmed."""
    if params["swarm_name"] is not None:
        refuse_unconfirmed(params["confirm"], params["swarm_name"])


def refuse_stranger(seen: MemberState, cluster_id: str, members: t.Collection[str] = ()) -> None:
    """Raises PlanError where a host is in another swarm than the one that is meant, if one is, or may be.

    A host that can't tell its swarm belongs to it where the managers list its node id among ``members``.
    """
    if not cluster_id or not seen.is_member or seen.cluster_id == cluster_id:
        return
    name = seen.name or "this host"
    if seen.cluster_id:
        raise PlanError(f"{name} is in swarm {seen.cluster_id}, but swarm {cluster_id} is expected.")
    if not seen.node_id or seen.node_id not in members:
        raise PlanError(
            f"the swarm of {name} is unknown, and swarm {cluster_id} is expected",
            "If it is that one, make the host leave by hand (docker swarm leave), and run again.",
        )
