# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the present run has done, as metrics."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_metrics
short_description: What the present run has done, as metrics
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - The begin of the run, and with O(ended) its end, its duration and the number of tasks that changed something or failed, with the labels
    C(playbook), C(inventory) and C(by).
  - It is counted by the callback P(flotilla.swarm.plan#callback). Where that is not enabled there are no metrics.
  - Made for the role P(flotilla.swarm.monitoring#role).
options:
  _terms:
    description: None.
  ended:
    description: Whether the run comes to its end.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Leave what this run did
  flotilla.swarm.metrics_file:
    name: run
    metrics: "{{ query('flotilla.swarm.run_metrics', ended=true) }}"
"""

RETURN = r"""
_raw:
  description: As O(flotilla.swarm.metrics_file#module:metrics).
  type: list
  elements: dict
"""

import os
import time
import typing as t

from ansible.plugins.lookup import LookupBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_identity import holder
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_tally import TALLY


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        directory = str((variables or {}).get("inventory_dir") or "")
        return TALLY.metrics(time.time(), holder(), os.path.basename(directory), bool(kwargs.get("ended")))
