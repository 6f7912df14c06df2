# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``nvidia_runtime``: what preflight saw may say that there is nothing to do."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.observed_action import ObservedAction

from ..modules import nvidia_runtime


class ActionModule(ObservedAction):
    module: t.ClassVar[t.Any] = nvidia_runtime
