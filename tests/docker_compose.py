# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker compose that tests compare with. Run as a module it fetches the one of Debian 13 into the cache of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .debian_package import CACHE, fetch

CACHED = CACHE / "docker-compose"
_INSTALLED = ("/usr/libexec/docker/cli-plugins/docker-compose", "/usr/lib/docker/cli-plugins/docker-compose")


def find_compose() -> str | None:
    """The path of a docker compose of version 2, or None. FLOTILLA_COMPOSE names one."""
    candidates = (os.environ.get("FLOTILLA_COMPOSE"), str(CACHED), shutil.which("docker-compose"), *_INSTALLED)
    return next((path for path in candidates if path and Path(path).is_file() and _is_version_2(path)), None)


def _is_version_2(path: str) -> bool:
    try:
        said = subprocess.run([path, "version", "--short"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return said.strip().removeprefix("v").startswith("2.")


if __name__ == "__main__":
    if not find_compose():
        fetch("docker-compose", "usr/lib*/docker/cli-plugins/docker-compose", CACHED)
    sys.exit(0 if find_compose() else "docker compose was fetched, but does not run here")
