# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built collection holds what users need and nothing else, and its playbooks run by name without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


def run(program: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Without the settings of whoever runs the tests; collections are those installed in ``cwd``."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(cwd / "installed")
    command = [str(TOOLS / program), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artefact")
    built = run("ansible-galaxy", "collection", "build", "--output-path", folder, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("flotilla-swarm-*.tar.gz")
    return path


@pytest.fixture(scope="module")
def installed(artefact: Path) -> Path:
    """An empty folder with the collection installed below it."""
    folder = artefact.parent / "elsewhere"
    folder.mkdir()
    result = run("ansible-galaxy", "collection", "install", "--offline", "-p", "installed", artefact, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_it_holds_what_users_need_and_nothing_else(artefact: Path) -> None:
    with tarfile.open(artefact) as tar:
        top = {Path(name).parts[0] for name in tar.getnames()}
    assert {"plugins", "roles", "playbooks", "meta", "README.md", "LICENSE", "MANIFEST.json", "changelogs"} <= top
    assert {"docs", "CONTRIBUTING.md", "SECURITY.md"} <= top  # README.md leads to them
    assert not {name for name in top if name.startswith(".")}
    assert not top & {"tests", "molecule", "inventories", "awx", "collections", "build", "Makefile", "pyproject.toml"}


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_runs_by_name(playbook: str, installed: Path) -> None:
    name = f"flotilla.swarm.{playbook}"
    result = run("ansible-playbook", "--syntax-check", "-i", "m1,", name, cwd=installed)
    assert result.returncode == 0, result.stderr
