# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of molecule's scenarios share: playbooks on their labs, and a look at the swarm that shares no code with the collection.

Beside it is one module for the tests that act on the same kind of lab, such as ``cluster`` for the scenarios cluster, drain and upgrade.
"""

from .look import Node, Seen, Service, by_name, running
from .run import Run
from .scenario import INVENTORY, ROOT, Scenario, declared, finish, kill, until

__all__ = ["INVENTORY", "ROOT", "Node", "Run", "Scenario", "Seen", "Service", "by_name", "declared", "finish", "kill", "running", "until"]
