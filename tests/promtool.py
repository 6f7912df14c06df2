# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promtool that tests ask about rules. Run as a module it fetches the one of Debian 13 into the cache of the project."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from .debian_package import CACHE, fetch

CACHED = CACHE / "promtool"


def find_promtool() -> str | None:
    """The path of promtool, or None. FLOTILLA_PROMTOOL names one."""
    candidates = (os.environ.get("FLOTILLA_PROMTOOL"), str(CACHED), shutil.which("promtool"))
    return next((path for path in candidates if path and Path(path).is_file()), None)


if __name__ == "__main__":
    if not find_promtool():
        fetch("promtool", "usr/bin/promtool", CACHED)
    sys.exit(0 if find_promtool() else "promtool was fetched, but is not there")
