# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs out of Debian's packages, for tests that compare with them. Nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .lab.apt import read_setup
from .lab.machine import KEYRING, run

CACHE = Path(__file__).resolve().parents[1] / ".cache"


def fetch(package: str, pattern: str, target: Path) -> None:
    """Put the one program that *pattern* matches in the package of Debian 13 at *target*. Raises LabError without an archive of Debian."""
    setup = read_setup()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("lists/partial", "archives/partial"):
            (root / name).mkdir(parents=True)
        (root / "status").touch()
        lines = [line.replace("deb ", f"deb [signed-by={KEYRING}] ", 1) for line in setup.sources("trixie")]
        (root / "sources.list").write_text("\n".join((*lines, "")))
        (root / "apt.conf").write_text("\n".join((*setup.options, *_isolation(root), "")))
        env = os.environ | {"APT_CONFIG": str(root / "apt.conf")}
        run("read Debian's lists of packages", "apt-get", "-qq", "update", env=env)
        subprocess.run(["apt-get", "-qq", "download", package], cwd=root, env=env, check=True)
        (archive,) = root.glob("*.deb")
        run(f"unpack {package}", "dpkg", "-x", str(archive), str(root / "tree"))
        (binary,) = (root / "tree").glob(pattern)
        target.parent.mkdir(exist_ok=True)
        binary.chmod(0o755)
        shutil.move(binary, target)


def _isolation(root: Path) -> list[str]:
    """Lines of an apt.conf that keep this machine's own packages, sources and lists out of it."""
    places = {"State": root, "State::status": root / "status", "Cache": root, "Etc::SourceList": root / "sources.list",
              "Etc::SourceParts": "/dev/null", "Etc::Parts": "/dev/null", "Etc::Main": "/dev/null"}  # fmt: skip
    return [*(f'Dir::{key} "{value}";' for key, value in places.items()), 'Acquire::Languages "none";', 'APT::Sandbox::User "root";']
