# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which swarm the managers of the inventory mean."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._core.cluster.answers import read_result
from ..module_utils._core.cluster.meant_cluster import find_meant
from ..module_utils.errors import PlanError


def meant_cluster(results: t.Sequence[t.Mapping[str, t.Any]], cluster_id: str = "") -> str:
    """The id of the swarm; empty if nobody knows one."""
    try:
        return find_meant(str(cluster_id or ""), [read_result(result) for result in results])
    except PlanError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., str]]:
        return {"meant_cluster": meant_cluster}
