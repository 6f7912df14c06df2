# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end: stacks and volumes, then the swarm; nothing of the service is left on any node, and a second run finds nothing."""

from __future__ import annotations

import yaml

from tests.scenario import ROOT
from tests.scenario.system import NOTHING
from tests.scenario.unmute import SCENARIO, declared, done


def test_teardown_leaves_nothing_and_is_silent_the_second_time() -> None:
    # All at once: a network stays for as long as the monitoring is on it.
    watched = yaml.safe_load((ROOT / "molecule/monitoring/app/vars.yml").read_text())["stacks_present"]
    stacks = declared("stacks")["stacks_present"] + watched
    done("teardown", confirm="lab", teardown_variant="clean_slate", monitoring_stack="monitoring", stacks_present=stacks)
    done("teardown", confirm="lab")
    assert SCENARIO.left() == NOTHING
    assert not any(done("teardown", confirm="lab").changed.values())
