# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example inventories pass the check without a fault and without a warning, and those of the lab share what they have in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playbook_runs import ROOT, Ran, run_each

FOLDER = ROOT / "inventories"
# What ``hosts.py`` of a lab would tell.
LAB = {
    "all": {
        "vars": {"lab_directory": "/nowhere", "lab_features": {"ipvs": False}},
        "children": {
            "swarm_managers": {"hosts": {"m1": {"ansible_host": "192.0.2.1"}}},
            "swarm_workers": {"hosts": {"w1": {"ansible_host": "192.0.2.2"}, "w2": {"ansible_host": "192.0.2.3"}}},
        },
    }
}
LABS = sorted(path.name for path in FOLDER.iterdir() if (path / "hosts.py").exists())
INVENTORIES = sorted(path.name for path in FOLDER.iterdir())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    folder = tmp_path_factory.mktemp("examples")
    commands = {}
    for name in INVENTORIES:
        place = folder / name
        place.mkdir()
        for part in ("group_vars", "groups.yml"):
            if (FOLDER / name / part).exists():
                (place / part).symlink_to(FOLDER / name / part)
        hosts = json.dumps(LAB) if name in LABS else (FOLDER / name / "hosts.yml").read_text()
        (place / "hosts.yml").write_text(hosts)
        commands[name] = ["-i", str(place), str(ROOT / "playbooks/check.yml")]
    return dict(zip(INVENTORIES, run_each(folder, list(commands.values())), strict=True))


@pytest.mark.parametrize("name", INVENTORIES)
def test_it_has_no_fault_and_nothing_to_warn_of(runs: dict[str, Ran], name: str) -> None:
    ran = runs[name]
    assert not ran.rc and not ran.reached and "check: no fault in" in ran.text and "warning" not in ran.text.lower(), ran.said


@pytest.mark.parametrize("name", [name for name in LABS if name != "lab"])
def test_what_all_labs_have_in_common_is_there_once(name: str) -> None:
    shared = ("hosts.py", *(f"group_vars/all/{part}.yml" for part in ("engine", "preflight", "registry", "swarm")))
    assert [path for path in shared if not (FOLDER / name / path).samefile(FOLDER / "lab" / path)] == []


@pytest.mark.parametrize("name", [name for name in LABS if name != "lab"])
def test_a_system_has_all_that_make_looks_for(name: str) -> None:
    example = ROOT / "examples" / name.removesuffix("-lab")
    parts = ("README.md", "lab.yml", "lab/proof.yml")
    assert name.endswith("-lab") and [part for part in parts if not Path(example, part).exists()] == []
