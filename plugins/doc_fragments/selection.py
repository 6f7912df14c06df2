# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How services are chosen."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  name:
    description: Services by full name; V(*) and V(?) are wildcards.
    type: list
    elements: str
    default: []
  stack:
    description: All services of these stacks. With O(name) as well, the services that either means.
    type: list
    elements: str
    default: []
"""

    # For modules that ask a manager, for the engine of a worker knows no labels of services, and that take nothing for all.
    ON_MANAGER = r"""
options:
  label:
    description: Services that have all of these labels. Together with O(name) or O(stack), all services that match any of them.
    type: dict
    default: {}
  allow_empty:
    description: Do nothing, instead of failing, if no service is selected, for example by an unanswered survey.
    type: bool
    default: false
"""
