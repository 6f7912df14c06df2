# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``gpu_info``: what preflight saw may be all that is asked."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed_action import ObservedAction

from ..module_utils._io.member_host import MemberHost
from ..modules import gpu_info


class ActionModule(ObservedAction):
    module: t.ClassVar[t.Any] = gpu_info

    def place(self, recorded: MemberHost) -> MemberHost:
        return recorded
