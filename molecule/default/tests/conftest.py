# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as it is after converge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import testinfra

from tests.scenario import INVENTORY, ROOT, Run, Scenario, Seen

SCENARIO = Scenario()


@pytest.fixture(scope="session")
def play() -> Callable[..., Run]:
    """Run a playbook of the project: ``play("site.yml", "--check", stacks_present=[...])``; keywords become extra variables."""
    return SCENARIO.play


@pytest.fixture(scope="session")
def manager() -> Any:
    """The first manager, by testinfra."""
    return testinfra.get_host("ansible://m1", ansible_inventory=str(ROOT / INVENTORY))


@pytest.fixture(scope="session")
def nodes() -> dict[str, Any]:
    """Every node, by testinfra."""
    return {name: testinfra.get_host(f"ansible://{name}", ansible_inventory=str(ROOT / INVENTORY)) for name in ("m1", "w1", "w2")}


@pytest.fixture
def look() -> Callable[[], Seen]:
    """What the engine's API says now."""
    return SCENARIO.look


@pytest.fixture(scope="session")
def lab() -> Callable[..., None]:
    """Run a command of the lab: ``lab("stop", "w2")``."""
    return SCENARIO.lab
