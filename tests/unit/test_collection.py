# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files at the root of the collection say about each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def requirements(path: str) -> set[str]:
    lines = (line.split("#")[0].strip() for line in (ROOT / path).read_text().splitlines())
    return {line for line in lines if line}


def test_the_action_group_is_the_modules() -> None:
    modules = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
    assert read("meta/runtime.yml")["action_groups"]["swarm"] == modules


def test_a_clone_finds_its_own_collection() -> None:
    link = ROOT / "collections/ansible_collections/flotilla/swarm"
    assert link.is_symlink() and not link.readlink().is_absolute()
    assert link.resolve() == ROOT


def test_execution_environments_get_what_the_controller_needs() -> None:
    assert requirements("meta/ee-requirements.txt") == {
        line for line in requirements("requirements.txt") if not line.startswith("ansible-core")
    }


def test_playbooks_exist_for_the_root_and_by_name() -> None:
    imported = read("site.yml")[0]["ansible.builtin.import_playbook"]
    assert (ROOT / imported).is_file()
