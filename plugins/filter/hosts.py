# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts told of themselves."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.host_answers import read_answers

from ..module_utils._core.host.units import must_start


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"must_start": must_start, "swarm_answers": read_answers}
