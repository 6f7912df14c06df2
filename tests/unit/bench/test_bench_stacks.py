# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model

from tests.bench.stacks import SETTINGS, make_stack


@pytest.mark.parametrize(("services", "networks"), [(1, 2), (50, 2), (51, 3), (200, 5)])
def test_a_stack_has_its_services_and_networks_and_no_warnings(services: int, networks: int, tmp_path: Path) -> None:
    (tmp_path / "settings.ini").write_text(SETTINGS)
    (tmp_path / "stack.yml").write_text(make_stack(services))
    loaded = load_model({"name": "bench", "files": ["stack.yml"]}, [tmp_path])
    assert loaded.warnings == ()
    assert len(loaded.model["services"]) == services and len(loaded.model["networks"]) == networks
    assert {service["deploy"]["replicas"] for service in loaded.model["services"].values()} == {0}


def test_a_larger_stack_begins_with_a_smaller_one() -> None:
    small, large = (json.loads(make_stack(count))["services"] for count in (20, 50))
    assert {name: large[name] for name in small} == small
