# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as it is published: built, installed elsewhere, used by name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.scenario import INVENTORY, ROOT


def test_the_artefact_installs_and_its_playbooks_run_by_name(tmp_path: Path) -> None:
    def run(*command: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(tmp_path / "installed")
        return subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)

    built = run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(tmp_path))
    assert built.returncode == 0, built.stderr
    [artefact] = tmp_path.glob("flotilla-swarm-*.tar.gz")
    installed = run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", str(artefact), "-p", str(tmp_path / "installed"))
    assert installed.returncode == 0, installed.stderr
    site = run("ansible-playbook", "-i", str(ROOT / INVENTORY), "flotilla.swarm.site", "--check")
    assert site.returncode == 0, site.stdout[-3000:] + site.stderr[-1000:]
    assert "changed=0" in site.stdout and "changed=1" not in site.stdout
