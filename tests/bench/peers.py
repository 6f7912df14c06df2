# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others' collections to compare with, out of the package ``ansible``, kept apart from what the project uses."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from .measure import timed

PACKAGE = "ansible==12.3.0"  # community.docker 4.8.5
WANTED = ("ansible_collections/community/docker/", "ansible_collections/community/library_inventory_filtering_v1/")


def fetch_peers(folder: Path) -> Path:
    """The folder in which Ansible finds them. Downloads 54 MB the first time. BenchError where the package can't be had."""
    target = folder / PACKAGE
    if not target.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", f"--dest={folder}", PACKAGE]
        timed(f"download {PACKAGE}", pip)
        wheel = next(folder.glob("ansible-*.whl"))
        unfinished = folder / "unfinished"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unfinished, [name for name in archive.namelist() if name.startswith(WANTED)])
        unfinished.rename(target)
        wheel.unlink()
    return target
