# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which swarm a run is about. Pure."""

from __future__ import annotations

import typing as t

from ...errors import PlanError
from .member_state import MemberState


def find_meant(cluster_id: str, managers: t.Sequence[MemberState]) -> str:
    """The id of the swarm that is meant: the one that is given, or else that of the managers; empty if nobody knows one.

    Raises PlanError where managers act in another swarm than that, or in several.
    """
    acting = [each for each in managers if each.acting]
    known = acting or [each for each in managers if each.is_member and each.cluster_id]
    told = "; ".join(each.story for each in known)
    strangers = [each for each in acting if cluster_id and each.cluster_id != cluster_id]
    if strangers:
        raise PlanError(
            f"swarm {cluster_id} is expected, but {strangers[0].story}",
            f"Correct swarm_cluster_id, or remove {strangers[0].name} from the inventory.",
        )
    if cluster_id:
        return cluster_id
    found = {each.cluster_id for each in known}
    if len(found) > 1:
        raise PlanError(f"the managers are in different swarms: {told}", "Remove the others from the inventory.")
    return next(iter(found), "")
