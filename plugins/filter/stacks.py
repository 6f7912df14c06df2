# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stacks that were only planned would change, and which images they bring."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.pulls import join_pulls
from ansible_collections.flotilla.swarm.plugins.plugin_utils.rotation import find_plan_ids, read_rotation


def stack_rotation(results: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    rotation = read_rotation(results)
    return {"changes": rotation.changes, "new_secrets": rotation.new_secrets, "other_changes": rotation.other_changes}


def stack_pulls(results: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, list[str]]:
    return join_pulls(result.get("pulls") or {} for result in results)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"stack_plan_ids": find_plan_ids, "stack_pulls": stack_pulls, "stack_rotation": stack_rotation}
