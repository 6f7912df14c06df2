# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``apt_info``, and by links of all modules that need no more: it reads what the host answers."""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import Asking


class ActionModule(Asking, NormalAction):
    """Runs the module of its task."""
