# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack that role edge deploys."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.edge_stack import edge_stack


def edge_model(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """``content`` and ``env``, for the options of module stack with these names."""
    made = edge_stack(options)
    return {"content": made.content, "env": made.env}


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"edge_model": edge_model}
