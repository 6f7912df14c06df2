# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker compose that tests compare with. Run as a module it fetches the one of Debian 13 into the cache of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .lab.apt import read_setup
from .lab.machine import KEYRING, run

CACHED = Path(__file__).resolve().parents[1] / ".cache" / "docker-compose"
_INSTALLED = ("/usr/libexec/docker/cli-plugins/docker-compose", "/usr/lib/docker/cli-plugins/docker-compose")


def find_compose() -> str | None:
    """The path of a docker compose of version 2, or None. FLOTILLA_COMPOSE names one."""
    candidates = (os.environ.get("FLOTILLA_COMPOSE"), str(CACHED), shutil.which("docker-compose"), *_INSTALLED)
    return next((path for path in candidates if path and Path(path).is_file() and _is_version_2(path)), None)


def fetch() -> None:
    """Raises LabError where there is no archive of Debian to be had."""
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
        subprocess.run(["apt-get", "-qq", "download", "docker-compose"], cwd=root, env=env, check=True)
        (package,) = root.glob("*.deb")
        run("unpack docker compose", "dpkg", "-x", str(package), str(root / "tree"))
        (binary,) = (root / "tree").glob("usr/lib*/docker/cli-plugins/docker-compose")
        CACHED.parent.mkdir(exist_ok=True)
        binary.chmod(0o755)
        shutil.move(binary, CACHED)


def _isolation(root: Path) -> list[str]:
    """Lines of an apt.conf that keep this machine's own packages, sources and lists out of it."""
    places = {"State": root, "State::status": root / "status", "Cache": root, "Etc::SourceList": root / "sources.list",
              "Etc::SourceParts": "/dev/null", "Etc::Parts": "/dev/null", "Etc::Main": "/dev/null"}  # fmt: skip
    return [*(f'Dir::{key} "{value}";' for key, value in places.items()), 'Acquire::Languages "none";', 'APT::Sandbox::User "root";']


def _is_version_2(path: str) -> bool:
    try:
        said = subprocess.run([path, "version", "--short"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return said.strip().removeprefix("v").startswith("2.")


if __name__ == "__main__":
    if not find_compose():
        fetch()
    sys.exit(0 if find_compose() else "docker compose was fetched, but does not run here")
