# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a run waits, for what, and what it does when that fails."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait_timeout:
    description: How long the whole run may take, in seconds or as a duration such as C(10m).
    type: str
    default: 10m
"""

    # For modules that change services.
    CHANGES = r"""
options:
  wait:
    description:
      - Wait until every selected service runs and stays up, whether or not this run changed it, or fail with the cause.
      - With V(false) a service that does not run as it should is a warning.
    type: bool
    default: true
  on_failure:
    description: V(rollback) restores the services that the run changed; V(stop) leaves everything as it is.
    type: str
    choices: [rollback, stop]
    default: rollback
"""

    # For modules whose other half, on the controller, calls them again until the run has ended.
    CALLS = r"""
options:
  session:
    description: What an earlier call of the same run did. Set by the controller's half of this module; not for playbooks.
    type: dict
    default: {}
  call_seconds:
    description:
      - How long one call may wait before it reports progress, 0 for as long as it takes. Set by the controller's half of
        this module; not for playbooks.
    type: int
    default: 0
"""
