# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of Prometheus that tests ask. Run as a module it fetches those of Debian 13 into the cache of the project."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from .debian_package import CACHE, fetch

NAMES = ("prometheus", "promtool", "prometheus-node-exporter")
"""Programs of packages with their names."""
REASON = "no {} to ask; python -m tests.prometheus_programs fetches one"


def find_program(name: str) -> str | None:
    """The path of one of them, or None. A variable such as FLOTILLA_PROMTOOL names one."""
    candidates = (os.environ.get(f"FLOTILLA_{name.upper().replace('-', '_')}"), str(CACHE / name), shutil.which(name))
    return next((path for path in candidates if path and Path(path).is_file()), None)


if __name__ == "__main__":
    for each in NAMES:
        if not find_program(each):
            fetch(each, f"usr/bin/{each}", CACHE / each)
    sys.exit(0 if all(map(find_program, NAMES)) else "the programs were fetched, but are not there")
