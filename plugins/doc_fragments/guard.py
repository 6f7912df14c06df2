# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What proves that the swarm is meant to which something is done that can't be undone."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  confirm:
    description:
      - The name of the swarm, to confirm the run. Playbooks of this collection take it as C(-e confirm=NAME).
      - It has to be the same as O(swarm_name), in check mode too. Otherwise the module fails before it changes anything.
    type: str
    default: ""
  swarm_name:
    description:
      - The name of the swarm, from the inventory. An empty one, or one of blanks alone, confirms nothing.
    type: str
  cluster_id:
    description:
      - The id of the swarm that is meant, as RV(flotilla.swarm.swarm_info#module:cluster_id) tells it. A host that is in another one is
        refused.
      - Empty means whichever swarm the host is in.
    type: str
    default: ""
"""
