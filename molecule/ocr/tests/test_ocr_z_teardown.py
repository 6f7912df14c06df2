# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end: the stacks go with their volumes, then the swarm; nothing of the service is left on any node, and a second run finds nothing."""

from __future__ import annotations

from tests.scenario.ocr import SCENARIO, done
from tests.scenario.system import NOTHING


def test_teardown_leaves_nothing_and_is_silent_the_second_time() -> None:
    done("teardown", confirm="lab", teardown_variant="clean_slate")
    done("teardown", confirm="lab")
    assert SCENARIO.left() == NOTHING
    assert not any(done("teardown", confirm="lab").changed.values())
