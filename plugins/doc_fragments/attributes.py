# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module promises."""

from __future__ import annotations


class ModuleDocFragment:
    # A module that supports one of them in another way, or with a detail, says so itself.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Says what a run would change, through the same plan, and sends only reading requests.
  diff_mode:
    support: full
    description: Shows the plan, one line for each object and field. What could be a credential is hidden.
  idempotent:
    support: full
    description: A second run with the same input finds nothing to change and writes nothing.
"""

    # For modules that change nothing.
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: The module only reads.
  diff_mode:
    support: N/A
    description: The module only reads.
  idempotent:
    support: full
    description: The module only reads.
"""
